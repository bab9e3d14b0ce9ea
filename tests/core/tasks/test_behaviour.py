from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from core.data.copies import HASHES
from core.data.prepared import PreparedData, prepare
from core.errors import DataError
from core.features.pipeline import FeaturePipeline
from core.frames import reader
from core.frames.batch import FrameBatch
from core.frames.reader import CachedFeatures, ComputedFeatures
from core.frames.sampling import EpochPlan
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.behaviour.task import BehaviourTask
from core.tasks.task import Task
from tests.core.features.whole_videos import features_of
from tests.core.tasks.prepared_data import prepared

CPU = torch.device("cpu")
ALL_CLASSES = [("sniff", 5, 40), ("mount", 50, 70), ("attack", 80, 95)]


def experiment(**changes: dict[str, Any]) -> BehaviourExperiment:
    table: dict[str, Any] = {
        "name": "small",
        "actions": {"sniff": "social", "mount": "mating", "attack": "aggressive", "rear": "other"},
        "data": {"window": 20, "stride": 5, "validation_videos": ["v1"]},
        "features": {"inputs": ["coordinates", "speed", "acceleration"]},
        "model": {"name": "mlp", "dropout": 0.0},
        "training": {"batch_size": 16, "class_weights": [1, 5, 8, 8]},
    }
    for section, values in changes.items():
        table[section] = {**table.get(section, {}), **values}
    return msgspec.convert(table, BehaviourExperiment)


def three_videos() -> PreparedData:
    return prepared([130, 97, 111], dict.fromkeys(range(3), ALL_CLASSES))


def task_of(frames: PreparedData | None = None, seed: int = 1, **changes: Any) -> BehaviourTask:
    return BehaviourTask(experiment(**changes), frames or three_videos(), CPU, seed)


@dataclass
class Copied:
    inputs: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor


def copies(batches: Iterator[FrameBatch]) -> list[Copied]:
    return [Copied(b.inputs.clone(), b.targets.clone(), b.weights.clone()) for b in batches]


def assert_equal(first: list[Copied], second: list[Copied]) -> None:
    assert len(first) == len(second) > 0
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.targets, other.targets)
        assert torch.equal(one.weights, other.weights)


AUGMENTED = {"augmentation": {"noise_std": 0.01, "jitter_frames": 2}, "mixup_alpha": 0.2}


def test_it_is_a_task() -> None:
    task: Task = task_of()

    assert task.monitor == "f1_macro"
    assert task.input_spec.features == 56
    assert task.input_spec.outputs == 4


def test_summary_counts_what_is_there() -> None:
    summary = task_of().summary

    assert summary.train_units == ("v0", "v2")
    assert summary.validation_units == ("v1",)
    assert (summary.train_examples, summary.validation_examples) == (241, 97)
    assert summary.train_label_examples == {
        "other": 241 - 140,
        "social": 70,
        "mating": 40,
        "aggressive": 30,
    }
    assert summary.warnings == ()


def test_summary_says_what_computes_the_features() -> None:
    assert task_of().summary.features_by.startswith("numba ")
    filled = task_of(features={"inputs": ["speed"], "interpolate_gap": 2})
    assert filled.summary.features_by == "torch"


def test_batches_hold_every_training_window_once() -> None:
    task = task_of()
    batches = copies(task.train_batches(0))

    assert len(batches) == task.steps_per_epoch()
    assert sum(len(batch.inputs) for batch in batches) == task.summary.train_samples
    assert all(batch.inputs.shape[1:] == (20, 56) for batch in batches)


def test_inputs_and_targets_belong_together() -> None:
    """With the class written into the positions, every frame's input tells its target."""
    data = three_videos()
    for video in data.videos:
        part = data.positions[video.offset : video.offset + video.frames]
        part[...] = 0
        for code, (_, start, stop) in enumerate(ALL_CLASSES, 1):
            part[start:stop] = code
    task = task_of(data, features={"inputs": ["coordinates"]})

    for batch in [*copies(task.train_batches(0)), *copies(task.validation_batches())]:
        level = batch.inputs[..., 0]
        values = [level[batch.targets == code].unique() for code in range(4)]
        assert all(len(value) <= 1 for value in values)


@pytest.mark.parametrize("cache_bytes", [0, 1 << 30], ids=["computed", "cached"])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_depends_on_seed_epoch_and_number_alone(
    monkeypatch: pytest.MonkeyPatch, cache_bytes: int, workers: int
) -> None:
    monkeypatch.setattr(reader, "CACHE_BYTES", cache_bytes)
    reference = copies(task_of(training=AUGMENTED).train_batches(3))

    task = task_of(training=AUGMENTED, hardware={"loader_workers": workers})
    other_epoch = copies(task.train_batches(2))
    resumed = copies(task.train_batches(3, skip=2))

    for one, other in zip(resumed, reference[2:], strict=True):
        torch.testing.assert_close(one.inputs, other.inputs, rtol=1e-5, atol=1e-5)
        assert torch.equal(one.targets, other.targets)
    assert not torch.equal(other_epoch[0].inputs, reference[0].inputs)
    assert_equal(copies(task.train_batches(3)), copies(task.train_batches(3)))


def test_preparing_ahead_changes_no_bit() -> None:
    first = copies(task_of(training=AUGMENTED).train_batches(1))
    second = copies(task_of(training=AUGMENTED, hardware={"loader_workers": 3}).train_batches(1))

    assert_equal(first, second)


def test_another_seed_gives_other_batches() -> None:
    first, second = (
        copies(task_of(seed=1).train_batches(0)),
        copies(task_of(seed=2).train_batches(0)),
    )

    assert not torch.equal(first[0].inputs, second[0].inputs)


def test_cached_and_computed_features_are_the_same() -> None:
    data = prepared([130, 12, 111], {0: ALL_CLASSES})
    task = task_of(data)
    store, pipeline, windows = task._store, task._pipeline, task._train
    cached, computed = CachedFeatures(store, pipeline, [0, 2]), ComputedFeatures(store, pipeline)
    out = torch.empty(2, len(windows), 20, pipeline.features)
    for features, memory in zip((cached, computed), out, strict=True):
        features.begin(None)
        features.read(windows, memory)

    torch.testing.assert_close(out[0], out[1], rtol=1e-5, atol=1e-5)
    assert out[0].abs().sum() > 0


def test_statistics_come_from_the_training_split_only() -> None:
    data = three_videos()
    before = task_of(data)._pipeline.fitted.statistics.mean.clone()
    validation = data.videos[1]
    data.positions[validation.offset : validation.offset + validation.frames] += 5000

    assert torch.equal(task_of(data)._pipeline.fitted.statistics.mean, before)


def test_validation_counts_every_frame_once_and_in_its_video() -> None:
    task = task_of(training={"batch_size": 2})
    data = three_videos()
    measure = task.measure()
    for batch in task.validation_batches():
        measure.update(torch.nn.functional.one_hot(batch.targets, 4) * 50.0, batch)

    metrics, table = measure.metrics(), measure.confusion().to_pandas()
    rows = measure.table().to_pandas()

    assert metrics["f1_macro"] == metrics["accuracy"] == metrics["ap/social"] == 1.0
    assert table["frames"].sum() == data.videos[1].frames
    assert set(table["video_id"]) == {"v1"}
    assert list(table.columns) == [
        "video_id",
        "true_class",
        "predicted_class",
        "frames",
        "f1_macro",
    ]
    assert table["f1_macro"].unique().tolist() == [1.0]
    social = table.query("true_class == 'social' and predicted_class == 'social'")
    assert social["frames"].item() == 35
    assert rows.query("label == 'social'").to_dict("records") == [
        {"unit": "v1", "label": "social", "tp": 35, "fp": 0, "fn": 0}
    ]


def test_table_keeps_videos_apart() -> None:
    task = task_of(data={"validation_videos": ["v1", "v2"]})
    measure = task.measure()
    for batch in task.validation_batches():
        measure.update(torch.zeros(*batch.targets.shape, 4), batch)

    frames = measure.confusion().to_pandas().groupby("video_id")["frames"].sum()
    rows = measure.table().to_pandas().groupby("unit")[["tp", "fn"]].sum().sum(axis=1)

    assert frames.to_dict() == rows.to_dict() == {"v1": 97, "v2": 111}


def test_validation_loss_is_the_mean_over_weighted_frames() -> None:
    task = task_of()
    measure = task.measure()
    for batch in task.validation_batches():
        measure.update(torch.zeros(*batch.targets.shape, 4), batch)

    assert measure.metrics()["loss"] == pytest.approx(np.log(4))


def test_a_model_that_gives_nan_is_measured_all_the_same() -> None:
    task = task_of()
    measure = task.measure()
    for batch in task.validation_batches():
        measure.update(torch.full((*batch.targets.shape, 4), torch.nan), batch)

    metrics = measure.metrics()
    assert np.isnan(metrics["loss"])
    assert metrics["f1_macro"] <= 0.5


def test_mixup_mixes_inputs_and_keeps_both_targets() -> None:
    plain = next(iter(copies(task_of().train_batches(0))))
    batch = next(task_of(training={"mixup_alpha": 0.4}).train_batches(0))

    assert batch.mixed is not None
    second, share = batch.mixed
    partner, drawn = EpochPlan.draw(1, 0, 1, 0).mixup(0, 16, alpha=0.4)
    assert share == pytest.approx(drawn)
    assert torch.equal(batch.targets, plain.targets)
    assert torch.equal(second, plain.targets[partner])
    expected = share * plain.inputs + (1 - share) * plain.inputs[partner]
    torch.testing.assert_close(batch.inputs, expected, rtol=1e-5, atol=1e-5)


def test_loss_ignores_padding() -> None:
    task = task_of(prepared([8, 40, 8], {0: [("sniff", 2, 5)]}))
    batch = next(task.train_batches(0))
    output = torch.randn(*batch.targets.shape, 4)
    loss = task.loss(output, batch)
    output[:, 8:] += 100

    assert batch.examples == 16
    assert torch.equal(task.loss(output, batch).total, loss.total)


def test_a_model_learns_from_it() -> None:
    data = three_videos()
    for video in data.videos:
        part = data.positions[video.offset : video.offset + video.frames]
        for code, (_, start, stop) in enumerate(ALL_CLASSES, 1):
            part[start:stop] += 300 * code
    task = task_of(data)
    torch.manual_seed(0)
    model = task.build_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for epoch in range(8):
        for batch in task.train_batches(epoch):
            loss = task.loss(model(batch.inputs), batch)
            optimizer.zero_grad()
            (loss.total / loss.weight).backward()
            optimizer.step()
    measure = task.measure()
    with torch.no_grad():
        for batch in task.validation_batches():
            measure.update(model(batch.inputs), batch)

    assert measure.metrics()["f1_macro"] > 0.8


# ── what is wrong with the data ───────────────────────────────────────────────────────────────


def codes(task: BehaviourTask) -> dict[str, str]:
    return dict(task.summary.warnings)


def test_an_absent_class_is_reported_on_its_side() -> None:
    bouts = {0: ALL_CLASSES[:2], 1: ALL_CLASSES[:1], 2: []}
    found = task_of(prepared([130, 97, 111], bouts)).summary.warnings

    assert [code for code, _ in found] == [
        "class_absent_training",
        "class_absent_validation",
        "class_absent_validation",
    ]
    assert "'aggressive'" in found[0][1]


def of_recordings(recordings: str) -> PreparedData:
    """Return as many videos as letters; the same letter stands for the same tracking."""
    data = prepared([100] * len(recordings), dict.fromkeys(range(len(recordings)), ALL_CLASSES))
    tracking = {
        letter: np.random.default_rng(ord(letter)).bytes(8 * HASHES) for letter in recordings
    }
    videos = tuple(
        msgspec.structs.replace(video, tracking=tracking[letter])
        for video, letter in zip(data.videos, recordings, strict=True)
    )
    return replace(data, manifest=msgspec.structs.replace(data.manifest, videos=videos))


@pytest.mark.parametrize(
    ("recordings", "validation", "named"),
    [
        ("abca", ["v0"], "1 video (v0 = v3)"),
        ("abab", ["v2", "v3"], "2 videos (v2 = v0, v3 = v1)"),
        ("abca", ["v1"], ""),
        ("abca", ["v0", "v3"], ""),
        ("abcd", ["v0"], ""),
    ],
)
def test_copies_on_both_sides_of_the_split(
    recordings: str, validation: list[str], named: str
) -> None:
    found = codes(task_of(of_recordings(recordings), data={"validation_videos": validation}))
    assert (named in found["copies_on_both_sides"]) if named else found == {}


def test_one_class_alone_is_nothing_to_learn() -> None:
    strange = [("interact", 1, 9), ("interact", 20, 30), ("jump", 3, 5)]
    with pytest.raises(DataError) as refused:
        task_of(prepared([130, 97, 111], {0: strange, 1: ALL_CLASSES, 2: []}))
    assert str(refused.value) == (
        "every frame of the 2 training videos is 'other', so there is nothing to learn; the action map"
        " does not name interact (2), jump (1): `--set actions.interact=CLASS` does, CLASS one of"
        " social, mating, aggressive"
    )


def test_no_action_at_all_is_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="its annotations name no action of another class"):
        task_of(prepared([130, 97, 111], {1: ALL_CLASSES}))


def test_an_action_that_is_mapped_is_something_to_learn() -> None:
    data = prepared([130, 97, 111], {0: [("interact", 1, 9)]})
    actions = {"interact": "social"}
    assert "class_absent_training" in codes(task_of(data, actions=actions))


def test_short_videos_left_out_mice_and_parts_and_unmapped_actions_are_reported() -> None:
    bouts = {0: [*ALL_CLASSES, ("dig", 1, 3), ("rear", 4, 5)], 1: [*ALL_CLASSES, ("dig", 1, 2)]}
    data = prepared([130, 97, 9], bouts, mice_left_out=(3,), dropped={"headpiece": 12})

    found = codes(task_of(data))

    assert "1 video (v2) shorter than a window of 20" in found["short_video"]
    assert "3 videos (v0, v1, v2)" in found["mice_left_out"]
    assert "headpiece (36)" in found["body_parts_left_out"]
    assert found["unmapped_actions"].endswith("dig (2)")


def test_a_single_video_is_too_few() -> None:
    with pytest.raises(DataError, match="at least two"):
        task_of(prepared([130], {}), data={"validation_videos": None})


def test_all_videos_can_be_trained_on() -> None:
    task = task_of(data={"validation_videos": None, "validation_fraction": 0.0})
    assert task.summary.train_units == ("v0", "v1", "v2")
    assert (task.summary.validation_units, task.summary.validation_examples) == ((), 0)
    assert list(task.validation_batches()) == []
    codes = [remark.code for remark in task.summary.warnings]
    assert "class_absent_validation" not in codes


def test_each_fold_validates_on_its_own_videos() -> None:
    of_folds = [
        task_of(data={"validation_videos": None, "folds": 3, "fold": fold}).summary
        for fold in range(3)
    ]
    assert sorted(video for each in of_folds for video in each.validation_units) == [
        "v0",
        "v1",
        "v2",
    ]


def test_data_of_another_layout_are_refused() -> None:
    with pytest.raises(DataError, match="2 mice × 7 keypoints"):
        task_of(data={"mice": 4, "keypoints": "mabe18"})


def test_centimetres_need_a_scale_in_validation_too() -> None:
    data = prepared([130, 97, 111], {0: ALL_CLASSES}, pixels_per_cm=None)

    with pytest.raises(DataError, match="video v1: has no pix_per_cm_approx"):
        task_of(data, features={"units": "cm"})


def test_state_is_enough_to_compute_the_features_again(tmp_path: Path) -> None:
    data = three_videos()
    task = task_of(data)
    torch.save(task.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)

    features = features_of(
        FeaturePipeline.from_state(state["features"]), data.positions_of(1), 30.0
    )

    first = next(task.validation_batches())
    torch.testing.assert_close(features[:20], first.inputs[0], rtol=1e-5, atol=1e-5)


def test_real_pose_data(real_data: Path, tmp_path: Path) -> None:
    data = prepare(real_data / "ethome", tmp_path, keypoints="mars7", max_mice=2, workers=1)
    small = experiment(data={"window": 100, "stride": 25, "validation_videos": ["900000004"]})
    task = BehaviourTask(
        msgspec.structs.replace(small, actions={"interact": "social"}), data, CPU, 1
    )

    batch = next(task.train_batches(0))

    assert task.summary.train_examples + task.summary.validation_examples == 35_400
    assert task.summary.validation_label_examples["social"] == 271
    assert batch.inputs.isfinite().all()
    assert 0.5 < batch.inputs.std() < 2
