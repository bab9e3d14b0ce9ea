from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.data.actions import ACTIONS
from core.data.competition import Bouts, LabeledBehavior
from core.data.prepared import PreparedData
from core.errors import DataError
from core.evaluation.competition import score as official_score
from core.evaluation.pair_probabilities import PairProbabilities
from core.tasks.actions.batch import ActionBatch
from core.tasks.actions.build import open_data
from core.tasks.actions.measure import ActionMeasure
from core.tasks.actions.pair_rows import PairRows
from core.tasks.actions.soft_rows import SoftRows
from core.tasks.actions.spec import with_little_data
from core.tasks.actions.task import ActionsTask
from core.tasks.task import Task
from tests.core.tasks.actions.walking_mice import MadeVideo, experiment, made

CPU = torch.device("cpu")
BOUTS = ((1, 2, "sniff", 10, 40), (2, 1, "sniff", 70, 90), (1, 1, "rear", 50, 65))
SNIFF, REAR = ACTIONS.index("sniff"), ACTIONS.index("rear")
CHANGES = {
    "time_stretch": 0.3,
    "scale": 0.2,
    "flip": 0.5,
    "part_dropout": 0.2,
    "lab_dropout": 0.5,
}


def three_videos(**changes: Any) -> PreparedData:
    return made(
        [
            MadeVideo(120, BOUTS, **changes),
            MadeVideo(97, BOUTS, rate=25.0),
            MadeVideo(150, BOUTS, lab="other", rate=60.0),
        ]
    )


def task_of(videos: PreparedData | None = None, seed: int = 1, **changes: Any) -> ActionsTask:
    sexes = {"v0": ("male", "female")}
    return ActionsTask(experiment(**changes), videos or three_videos(), sexes, CPU, seed)


def values(batches: Iterator[ActionBatch]) -> list[torch.Tensor]:
    return [
        torch.cat(
            [t.float().flatten() for t in (*b.inputs.values(), b.targets, b.weights)]
        ).nan_to_num(99)
        for b in batches
    ]


def test_a_batch_depends_on_seed_epoch_and_number_alone() -> None:
    augmented = {"training": {"augmentation": CHANGES}}
    task = task_of(**augmented)
    whole = values(task.train_batches(3))
    assert len(whole) == task.steps_per_epoch() == 3
    for other, same in (
        (values(task_of(**augmented).train_batches(3, skip=1)), True),
        (values(task_of(hardware={"loader_workers": 2}, **augmented).train_batches(3, 1)), True),
        (values(task.train_batches(4, skip=1)), False),
        (values(task_of(seed=2, **augmented).train_batches(3, skip=1)), False),
    ):
        assert all(map(torch.equal, other, whole[1:])) is same


def test_every_validation_frame_counts_once_with_its_label() -> None:
    task = task_of(data={"validation_videos": ["v2"]})
    counted: dict[int, int] = {}
    for batch in task.validation_batches():
        assert batch.inputs["lab"].tolist() == [0] * batch.size  # a lab that training lacks
        for row, weights in zip(batch.row.tolist(), batch.weights, strict=True):
            counted[row] = counted.get(row, 0) + int(weights.sum())
    assert counted == dict.fromkeys(range(3), 75)  # 150 frames at 60 a second are 75 at 30
    tables = [task.predict(b.targets.float() * 20 - 10, b) for b in task.validation_batches()]
    frames = [frame for table in tables for frame in table["frame"].to_pylist()]
    assert sorted(frames) == sorted(list(range(150)) * 3)


def test_the_truth_scores_one_and_noise_next_to_nothing() -> None:
    task = task_of(data={"validation_videos": ["v0", "v1"]})
    truth, noise, silence = task.measure(), task.measure(), task.measure()
    random = torch.Generator().manual_seed(0)
    for batch in task.validation_batches():
        truth.update(batch.targets.float() * 20 - 10, batch)
        noise.update(torch.randn(batch.targets.shape, generator=random), batch)
        silence.update(torch.full(batch.targets.shape, -9.0), batch)
    # Labels of the nearest frame of a timeline with another rate can be off by one at either end.
    assert truth.metrics()["score"] > 0.97
    assert truth.metrics()["ap/lab/sniff"] > 0.97
    assert noise.metrics()["score"] < 0.45
    assert silence.metrics()["score"] == 0
    # Without a frame right, the ranking is the share of positives at best.
    assert noise.metrics()["ap/lab/sniff"] < 0.45
    assert truth.table().num_rows == 4


def test_counts_are_those_of_the_official_code() -> None:
    data = three_videos()
    rows = PairRows.of(data, [0, 1], ACTIONS)
    videos = [data.videos[int(video)] for video in rows.video]
    measure = ActionMeasure(rows, videos, 30.0, 0.3)
    assert measure.metrics()["score"] == 0
    rng = np.random.default_rng(0)
    predicted = []
    for row, video in enumerate(videos):
        probabilities = rng.random((video.frames, len(ACTIONS)), np.float32)
        measure.add(row, np.arange(video.frames), probabilities)
        for action in np.flatnonzero(rows.mask[row]):
            frames = np.flatnonzero(probabilities[:, action] >= 0.3)
            predicted += [(row, ACTIONS[action], frame, frame + 1) for frame in frames]
    expected = official_score(*_tables(data, rows, predicted))
    assert measure.metrics()["score"] == pytest.approx(expected.score)


def _tables(data: PreparedData, rows: PairRows, predicted: list[tuple[Any, ...]]) -> Any:
    import json

    import pandas as pd

    def line(video: int, agent: int, target: int, action: str, start: int, stop: int) -> dict:
        whitelist = json.dumps(
            [
                f"mouse{b.agent},{'self' if b.agent == b.target else f'mouse{b.target}'},{b.action}"
                for b in data.videos[video].behaviors
            ]
        )
        return {
            "lab_id": data.videos[video].lab_id,
            "video_id": data.videos[video].video_id,
            "agent_id": f"mouse{agent}",
            "target_id": "self" if agent == target else f"mouse{target}",
            "action": action,
            "start_frame": start,
            "stop_frame": stop,
            "behaviors_labeled": whitelist,
        }

    truth = [line(video, *bout) for video in (0, 1) for bout in BOUTS]
    found = [
        line(int(rows.video[r]), int(rows.agent[r]), int(rows.target[r]), action, start, stop)
        for r, action, start, stop in predicted
    ]
    return pd.DataFrame(truth), pd.DataFrame(found).drop(columns=["lab_id", "behaviors_labeled"])


def test_a_mouse_without_tracking_is_missed_not_guessed() -> None:
    behaviors = (*MadeVideo(1).behaviors, LabeledBehavior(3, 1, "attack"))
    bouts = (*BOUTS, (3, 1, "attack", 5, 25))
    data = made([MadeVideo(120, BOUTS), MadeVideo(97, bouts, behaviors=behaviors)])
    task = task_of(data)
    measure = task.measure()
    tables = []
    for batch in task.validation_batches():
        output = torch.full(batch.targets.shape, 9.0)
        measure.update(output, batch)
        tables.append(task.predict(output, batch))
    found = {
        (r["unit"], r["label"]): (r["tp"], r["fp"], r["fn"]) for r in measure.table().to_pylist()
    }
    assert found["lab/v1", "lab/attack"] == (0, 0, 20)
    kept = [row for table in tables for row in table.to_pylist() if row["agent"] == 3]
    assert {row["probability/attack"] for row in kept} == {0.0}
    assert sum(row["label/attack"] for row in kept) == 20


def test_other_names_for_the_mice_give_the_same_rows_in_another_order() -> None:
    names = {1: 2, 2: 1}
    renamed = tuple((names[a], names[t], *rest) for a, t, *rest in BOUTS)
    behaviors = tuple(
        LabeledBehavior(names[b.agent], names[b.target], b.action) for b in MadeVideo(1).behaviors
    )
    plain = made([MadeVideo(120, BOUTS), MadeVideo(97, BOUTS)])
    swapped = made(
        [MadeVideo(120, renamed, behaviors=behaviors), MadeVideo(97, renamed, behaviors=behaviors)]
    )
    swapped.positions[:, [0, 1]] = plain.positions[:, [1, 0]]
    torch.manual_seed(0)
    model = task_of(plain).build_model().eval()
    found = []
    for one in (plain, swapped):
        task, answers = ActionsTask(experiment(), one, {}, CPU, 1), {}
        rows = PairRows.of(one, [1], ACTIONS)
        for batch in task.validation_batches():
            output = model(batch.inputs).detach()
            for row, chunk, logits in zip(batch.row.tolist(), batch.chunks, output, strict=True):
                answers[int(rows.agent[row]), int(rows.target[row]), chunk.start] = logits
        found.append(answers)
    assert len(found[0]) == 12
    for (agent, target, start), logits in found[0].items():
        torch.testing.assert_close(found[1][names[agent], names[target], start], logits)


def test_labs_and_actions_come_up_alike_and_half_of_the_windows_hold_one() -> None:
    rare = ((1, 2, "attack", 500, 510), *((1, 2, "sniff", s, s + 5) for s in range(0, 400, 40)))
    behaviors = (LabeledBehavior(1, 2, "attack"), LabeledBehavior(1, 2, "sniff"))
    videos = [MadeVideo(6000, rare, behaviors=behaviors) for _ in range(5)]
    videos.append(
        MadeVideo(600, ((2, 1, "mount", 0, 3),), "small", (LabeledBehavior(2, 1, "mount"),))
    )
    task = task_of(
        made(videos),
        data={"validation_videos": ["v0"]},
        training={"windows_per_epoch": 800, "batch_size": 100},
    )
    batches = list(task.train_batches(1))
    labs = torch.cat([batch.inputs["lab"] for batch in batches])
    assert abs(float((labs == 1).float().mean()) - 0.5) < 0.06
    held = torch.cat([batch.targets.amax(dim=1) for batch in batches])
    first = held[labs == 1]
    assert abs(float(first.any(dim=1).float().mean()) - 0.5) < 0.12
    share = first[:, ACTIONS.index("attack")].sum() / first[:, SNIFF].sum()
    assert 0.6 < share < 1.6


def test_training_windows_hold_what_is_there() -> None:
    task = task_of(training={"windows_per_epoch": 200, "batch_size": 100})
    for batch in task.train_batches(1):
        assert batch.weights.mean() == 1  # each video is longer than a window
        assert batch.inputs["features"].isfinite().float().mean() > 0.8
        pairs = batch.inputs["is_pair"]
        assert batch.targets[pairs][..., REAR].sum() == batch.targets[~pairs][..., SNIFF].sum() == 0
        assert torch.equal(batch.mask[:, SNIFF], pairs)
    short = made([MadeVideo(20, ((1, 2, "sniff", 3, 9),)), MadeVideo(40, BOUTS)])
    for batch in task_of(short).train_batches(1):
        assert batch.weights.sum(dim=1).tolist() == [20.0] * batch.size


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(DataError, match="nothing to learn"):
        task_of(made([MadeVideo(50), MadeVideo(50, BOUTS)]))


def test_other_actions_than_the_competitions_can_be_learned() -> None:
    behaviors = (LabeledBehavior(1, 2, "interact"),)
    bouts = ((1, 2, "interact", 5, 25),)
    data = made([MadeVideo(60, bouts, behaviors=behaviors) for _ in range(2)])
    task: Task = task_of(data, data={"other_actions": ["interact"]})
    batch = next(iter(task.validation_batches()))
    assert task.build_model()(batch.inputs).shape == (batch.size, 32, 38)
    assert set(task.measure().metrics()) >= {"score", "f1/lab/interact"}


def test_a_row_keeps_a_few_numbers_whatever_the_length_of_its_video() -> None:
    short, long = (PairRows.of(made([MadeVideo(n, BOUTS)]), [0], ACTIONS) for n in (100, 10_000))
    assert [getattr(short, name).nbytes for name in ("mask", "bout_start", "video")] == [
        getattr(long, name).nbytes for name in ("mask", "bout_start", "video")
    ]


def test_bouts_are_frames_once_however_they_overlap() -> None:
    data = made(
        [MadeVideo(100, ((1, 2, "sniff", 5, 20), (1, 2, "sniff", 10, 12), (1, 2, "sniff", 15, 30)))]
    )
    rows = PairRows.of(data, [0], ACTIONS)
    assert rows.action_frames(range(len(rows)))[:, SNIFF].tolist() == [0, 25, 0]
    assert rows.labels(1, np.arange(-5, 120)).sum() == 25
    assert isinstance(data.bouts_of(0), Bouts)


def test_without_validation_all_videos_are_trained_on() -> None:
    task = task_of(data={"validation_videos": []})
    assert (len(task.summary.train_units), task.summary.validation_examples) == (3, 0)
    assert list(task.validation_batches()) == []
    assert sum(batch.size for batch in task.train_batches(1)) == 10


def test_a_probe_needs_little_data(tmp_path: Path) -> None:
    little = with_little_data(experiment(data={"source": "competition", "window": 64}))
    found = open_data(little, None, tmp_path, lambda *_: None)
    task = ActionsTask(little, found.prepared, found.sexes, CPU, 1)
    batch = next(iter(task.train_batches(1)))
    output = task.build_model()(batch.inputs)
    loss = task.loss(output, batch)
    assert 0.3 < float(loss.total.detach() / loss.weight) < 1.5


def test_a_batch_is_taken_by_rows() -> None:
    task = task_of()
    batch = next(iter(task.validation_batches()))
    part = batch.take(torch.tensor([2, 0]))
    assert part.row is not None
    assert batch.row is not None
    assert part.row.tolist() == batch.row[[2, 0]].tolist()
    assert part.chunks == (batch.chunks[2], batch.chunks[0])
    assert part.inputs["fps"].tolist() == batch.inputs["fps"][[2, 0]].tolist()
    assert part.examples == batch.examples * 2 // batch.size


def taught_by_the_truth(task: ActionsTask, data: PreparedData, folder: Path) -> SoftRows:
    """Return what a teacher would say that knows every label."""
    rows = task._train.rows

    def ask(video: int) -> PairProbabilities:
        chosen, about = np.flatnonzero(rows.video == video), data.videos[video]
        frames = np.arange(about.frames)
        return PairProbabilities(
            about.video_id, about.lab_id, about.frames_per_second,
            rows.agent[chosen], rows.target[chosen], rows.actions,
            np.stack([rows.labels(int(row), frames) for row in chosen]).astype(np.float32),
        )  # fmt: skip

    videos = [data.videos[video] for video in rows.video]
    return SoftRows(rows, videos, ask, folder / "truth", lambda *_: None, "asked")


def test_a_teacher_that_is_the_truth_gives_the_loss_of_the_labels(tmp_path: Path) -> None:
    shares = {"teacher": "x", "teacher_share": 1.0, "teacher_temperature": 1.0}
    data = made([MadeVideo(120, BOUTS), MadeVideo(150, BOUTS), MadeVideo(97, BOUTS)])
    task = task_of(data, training=shares | {"augmentation": {"flip": 0.5, "scale": 0.2}})
    plain = task_of(data, training={"augmentation": {"flip": 0.5, "scale": 0.2}})
    task._taught = taught_by_the_truth(task, data, tmp_path)
    for ours, theirs in zip(task.train_batches(1), plain.train_batches(1), strict=True):
        assert ours.teacher is not None
        counted = ours.mask[:, None] & (ours.weights > 0)[..., None]
        assert torch.equal((ours.teacher * counted), (theirs.targets * counted).float())
        output = torch.randn(ours.targets.shape)
        soft, hard = task.loss(output, ours), plain.loss(output, theirs)
        torch.testing.assert_close((soft.total, soft.weight), (hard.total, hard.weight))


def test_stretched_windows_have_stretched_answers(tmp_path: Path) -> None:
    data = three_videos()
    task = task_of(data, training={"augmentation": {"time_stretch": 0.3}})
    task._taught = taught_by_the_truth(task, data, tmp_path)
    for batch in task.train_batches(1):
        assert batch.teacher is not None
        counted = batch.mask[:, None] & (batch.weights > 0)[..., None]
        sure = counted & ((batch.teacher == 0) | (batch.teacher == 1))
        assert sure.sum() > 0.9 * counted.sum(), "between two frames that differ it is in between"
        assert torch.equal(batch.teacher[sure], batch.targets[sure].float())


def test_a_teacher_that_knows_less_is_named(tmp_path: Path) -> None:
    data = three_videos()
    task = task_of(data)
    videos = [data.videos[video] for video in task._train.rows.video]
    nothing = np.empty(0, np.int64)
    empty = np.empty((0, 120, len(ACTIONS)), np.float32)
    said = PairProbabilities("v0", "a", 30.0, nothing, nothing, ACTIONS, empty)
    with pytest.raises(DataError, match="has no answer about mouse 1 towards"):
        SoftRows(
            task._train.rows, videos, lambda _: said, tmp_path / "none", lambda *_: None, "asked"
        )
