"""Whole runs of the task: trained, interrupted, predicted with, averaged."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from core.data.competition import read_videos
from core.data.synthetic import SyntheticSettings, synthesise
from core.errors import DataError, UserError
from core.evaluation.predictions import read_predictions
from core.evaluation.stored_predictions import StoredPredictions
from core.evaluation.table import read_rows
from core.inference.predictor import load_members, load_predictor, predictor_of
from core.inference.suggesting import suggest
from core.postprocess.kept import KeptPredictions
from core.postprocess.nested import Variant, judge
from core.postprocess.rules import Rules
from core.postprocess.sequences import MOST_FOLDS
from core.run.rundir import RunDir
from core.tasks.actions.build import build_task
from core.tasks.actions.predictions import kept_videos
from core.tasks.actions.scoring import score
from core.tasks.predictor import PredictionOptions
from tests.core.tasks.actions.walking_mice import experiment

SIZES = {"synthetic_videos": 4, "synthetic_frames": 160, "validation_videos": None}


def tiny(**training: Any) -> Any:
    return experiment(
        data=SIZES | {"validation_fraction": 0.5},
        training={"epochs": 2, "warmup_epochs": 0, "monitor": "score", "save_every": 1} | training,
        hardware={"device": "cpu"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of two labs, filmed at another rate than the model's."""
    root = tmp_path_factory.mktemp("data") / "made"
    settings = SyntheticSettings(
        videos=4, frames=160, keypoints="mabe18", fps=25.0, labs=("LabA", "LabB")
    )
    synthesise(root, settings, workers=1)
    return root


def of_folder(folder: Path, cache: Path) -> Any:
    """Return a builder of the task on a folder."""

    def build(request: Any, _: Path, device: torch.device, progress: Any) -> Any:
        request = msgspec.structs.replace(request, data=str(folder))
        return build_task(request, cache, device, progress)

    return build


@pytest.fixture
def trained(new_run: Any, train: Any, folder: Path, tmp_path: Path) -> RunDir:
    run: RunDir = new_run(experiment=tiny(keep_predictions=True, epochs=1))
    assert train(run, build=of_folder(folder, tmp_path / "cache")) == 0
    return run


def test_an_interrupted_run_ends_like_any_other(
    new_run: Any, train: Any, stop_after: Any, result_of: Any, folder: Path, tmp_path: Path
) -> None:
    augmented = tiny(augmentation={"flip": 0.5, "part_dropout": 0.2, "time_stretch": 0.2})
    build = of_folder(folder, tmp_path / "cache")
    whole, broken = (new_run(name, experiment=augmented) for name in ("whole", "broken"))
    assert train(whole, build=build) == 0
    stop_after(5)
    train(broken, build=build)
    assert len(broken.history().epochs) < 2
    stop_after(10_000)
    assert train(broken, build=build) == 0
    assert result_of(broken) == result_of(whole)


def test_prediction_of_a_video_is_what_validation_saw(trained: RunDir, folder: Path) -> None:
    videos = {video.video_id: video for video in read_videos(folder)}
    predictor: Any = load_predictor(trained, device="cpu")
    kept = list(kept_videos(StoredPredictions([trained.predictions])))
    assert len(kept) == 2
    for each in kept:
        expected = each.probabilities
        found = predictor.pair_probabilities(videos[expected.video_id])
        assert (found.unit, found.frames_per_second) == (expected.unit, 25.0)
        assert (found.agents.tolist(), found.targets.tolist()) == (
            expected.agents.tolist(),
            expected.targets.tolist(),
        )
        assert np.array_equal(np.isnan(found.values), np.isnan(expected.values))
        np.testing.assert_allclose(found.values, expected.values, atol=1e-5)
        assert np.array_equal(each.labels == -1, np.isnan(expected.values))
        views = predictor.pair_probabilities(videos[expected.video_id], tta=True)
        assert 0 < np.nanmax(np.abs(views.values - found.values)) < 1


def test_kept_predictions_score_as_the_run_did(trained: RunDir) -> None:
    experiment = trained.read_request().experiment
    measure = score(experiment, read_predictions(trained.predictions))
    by_unit = score(experiment, StoredPredictions([trained.predictions]))
    assert by_unit.metrics() == measure.metrics()
    rows, found = read_rows(trained.evaluation_table), measure.rows()
    assert found.units == tuple(sorted(rows.units))
    assert np.array_equal(found.counts, rows.reordered(found.units).counts * [1, 1, 1, 0, 0])
    (epoch,) = trained.history().epochs
    metrics = measure.metrics()
    assert {name: epoch.metrics[name] for name in metrics} == pytest.approx(metrics)


def test_a_constant_rule_counts_as_the_run_did(trained: RunDir) -> None:
    threshold = trained.read_request().experiment.training.threshold  # type: ignore[attr-defined]
    constant = dict.fromkeys(range(MOST_FOLDS), Rules.constant(threshold))
    (found,) = judge(KeptPredictions([trained.predictions]), [Variant("constant", constant)])
    measured = read_rows(trained.evaluation_table)
    assert sorted(found.labels) == sorted(measured.labels)
    order = [found.labels.index(label) for label in measured.labels]
    counts = found.reordered(measured.units).counts[:, order]
    np.testing.assert_array_equal(counts[..., :3], measured.counts[..., :3])


def test_a_submission_is_written_and_evaluation_is_on_all_labelled_videos(
    trained: RunDir, folder: Path, tmp_path: Path
) -> None:
    predictor = load_predictor(trained, device="cpu")
    target = tmp_path / "submission.csv"
    assert predictor.targets(target) == (target,)
    with pytest.raises(UserError, match=r"end the name in \.csv"):
        predictor.targets(tmp_path / "submission.parquet")
    written = predictor.write(folder, target, PredictionOptions(table="train"))
    assert written.document["videos"] == 4
    found = predictor.evaluate(folder, PredictionOptions())
    assert len(found.rows.units) == 4
    assert 0 <= found.metrics["score"] <= 1
    again = predictor.validate(_with_data(trained, folder), tmp_path / "cache", lambda *_: None)
    assert again.metrics["score"] == pytest.approx(trained.history().epochs[-1].metrics["score"])


def _with_data(run: RunDir, folder: Path) -> Any:
    return msgspec.structs.replace(run.read_request(), data=str(folder))


def test_a_video_without_a_scale_is_named(trained: RunDir, folder: Path) -> None:
    video = dataclasses.replace(read_videos(folder)[0], pixels_per_cm=None)
    with pytest.raises(DataError, match=rf"video {video.video_id} .*pix_per_cm_approx"):
        load_predictor(trained, device="cpu").pair_probabilities(video)  # type: ignore[attr-defined]


def test_rules_decide_in_place_of_the_threshold(trained: RunDir, folder: Path) -> None:
    predictor = load_predictor(trained, device="cpu")
    never = predictor.evaluate(folder, PredictionOptions(rules=Rules.constant(1.0)))
    same = predictor.evaluate(folder, PredictionOptions(rules=Rules.constant(0.3)))
    assert never.metrics["score"] == 0
    of_ranking = {name for name in same.metrics if name.startswith("ap/")}
    assert of_ranking
    assert all(never.metrics[name] == same.metrics[name] for name in of_ranking)
    plain = predictor.evaluate(folder, PredictionOptions())
    assert np.array_equal(plain.rows.counts, same.rows.counts)


def test_a_labs_own_frame_rate_moves_its_predictions(trained: RunDir, folder: Path) -> None:
    video = read_videos(folder)[0]
    (loaded,) = load_members(trained)
    data = msgspec.structs.replace(loaded.experiment.data, label_rates={video.lab_id: 30.0})
    changed = msgspec.structs.replace(loaded.experiment, data=data)
    plain, moved = (
        predictor_of([each], "cpu").pair_probabilities(video)  # type: ignore[attr-defined]
        for each in (loaded, dataclasses.replace(loaded, experiment=changed))
    )
    assert moved.values.shape == plain.values.shape
    np.testing.assert_array_equal(moved.values[:, 60], plain.values[:, 50])
    np.testing.assert_array_equal(moved.values[:, 0], plain.values[:, 0])


def test_data_in_other_words_are_measured_in_the_run_s(
    trained: RunDir, folder: Path, tmp_path: Path
) -> None:
    predictor = load_predictor(trained, device="cpu")
    plain = predictor.evaluate(folder, PredictionOptions())
    shutil.copytree(folder, tmp_path / "other")
    words = {"sniff": "Schnuppern", "mount": "Aufreiten"}
    table = (folder / "train.csv").read_text()
    for ours, theirs in words.items():
        table = table.replace(f',{ours}"', f',{theirs}"')
    (tmp_path / "other/train.csv").write_text(table)
    for file in (tmp_path / "other/train_annotation").rglob("*.parquet"):
        bouts = pq.read_table(file).to_pandas()
        bouts["action"] = bouts["action"].replace(words)
        pq.write_table(pa.Table.from_pandas(bouts, preserve_index=False), file)
    foreign = predictor.evaluate(tmp_path / "other", PredictionOptions())
    translated = PredictionOptions(actions=tuple((theirs, ours) for ours, theirs in words.items()))
    again = predictor.evaluate(tmp_path / "other", translated)
    assert foreign.metrics != plain.metrics
    assert again.metrics == plain.metrics


def test_clips_to_label_are_chosen_by_the_actions_of_pairs(trained: RunDir, folder: Path) -> None:
    predictor = load_predictor(trained, device="cpu")
    found = suggest(predictor, folder, seconds=2.0, minutes=0.1, labelled_too=True)
    assert len(found.clips) == 3
    assert len(found.videos) == 4
    assert all(0 < clip.uncertainty <= 1 for clip in found.clips)


def test_without_any_labels_all_that_was_learned_is_predicted(
    trained: RunDir, folder: Path, tmp_path: Path
) -> None:
    bare = Path(shutil.copytree(folder, tmp_path / "bare"))
    rows = pd.read_csv(bare / "train.csv", dtype={"video_id": str}).assign(behaviors_labeled="")
    rows.to_csv(bare / "train.csv", index=False)
    written = load_predictor(trained, device="cpu").write(
        bare, tmp_path / "out.csv", PredictionOptions(rules=Rules.constant(0.01))
    )
    found = pd.read_csv(tmp_path / "out.csv")
    assert (written.document["videos"], found.video_id.nunique()) == (4, 4)
    assert {*found.agent_id} <= {"mouse1", "mouse2"}
