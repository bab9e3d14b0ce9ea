import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from core import job
from core.config.task_spec import task_spec
from core.data.competition import read_videos
from core.ensembles.request import ensemble_request
from core.errors import CheckpointError, ConfigError, RunError
from core.evaluation.predictions import Predictions, joined, read_predictions
from core.evaluation.table import read_confusions, read_rows
from core.inference.predictor import load_predictor
from core.run.events import DataReady, Epoch, Failed, Finished
from core.run.rundir import RunDir
from core.tasks.behaviour.inference.predictor import FramePredictor
from tests.core.ensembles.made_up import Train


def ensemble(runs: list[RunDir], name: str = "mean") -> RunDir:
    request = ensemble_request(runs, name)
    run = RunDir(runs[0].path.parent / request.run)
    run.write_request(request)
    assert job.main([str(run.path)]) == 0
    return run


def halves(seed: int) -> dict[str, object]:
    return {"seed": seed, "data.validation_fraction": 0.5}


def folds(train: Train, count: int = 2, seed: int = 1) -> list[RunDir]:
    return [train(seed, **{"data.folds": count, "data.fold": fold}) for fold in range(count)]


# ── what it is ────────────────────────────────────────────────────────────────────────────────


def test_an_ensemble_of_a_run_with_itself_is_the_run(train: Train) -> None:
    one = train(**halves(1))
    mean = ensemble([one, one])
    assert mean.predictions.read_bytes()
    first, second = read_predictions(one.predictions), read_predictions(mean.predictions)
    assert first.table().equals(second.table())
    for epoch in ("best", "last"):
        rows = read_rows(mean.evaluation_of(epoch))
        np.testing.assert_array_equal(rows.counts, read_rows(one.evaluation_table).counts)
        assert rows.units == read_rows(one.evaluation_table).units
    best = one.history().best_epoch("f1_macro")
    measured = mean.history().epochs[0].metrics
    assert best is not None
    assert measured == pytest.approx(best.metrics, rel=1e-5)
    assert {k: v for k, v in measured.items() if k != "loss"} == {
        k: v for k, v in best.metrics.items() if k != "loss"
    }


def test_it_is_a_run_that_says_what_it_found_and_measured(train: Train) -> None:
    members = [train(**halves(1)), train(**halves(2))]
    run = ensemble(members, "both")
    history, request = run.history(), run.read_request()
    assert [each.run for each in request.inputs] == [member.id for member in members]
    best = members[0].read_pointer("best")
    assert best is not None
    assert (request.inputs[0].file, request.inputs[0].sha256) == (best.file, best.sha256)
    kinds = [type(event) for event in history.events]
    assert kinds.index(DataReady) < kinds.index(Epoch) < kinds.index(Finished)
    assert (history.epochs[0].epoch, len(history.epochs)) == (1, 1)
    finished = history.last(Finished)
    assert finished is not None
    assert finished.best_metric == history.epochs[0].metrics["f1_macro"]
    of_member = members[0].read_request().resolved
    assert request.resolved is not None
    assert of_member is not None
    assert request.resolved.validation_units == of_member.validation_units
    assert request.resolved.validation_source == of_member.validation_source
    mean = read_predictions(run.predictions).probabilities
    each = [read_predictions(member.predictions).probabilities for member in members]
    np.testing.assert_allclose(mean, (each[0] + each[1]) / 2, atol=1e-6)
    right = (mean.argmax(axis=1) == _truth(read_predictions(run.predictions))).sum()
    confusion = read_confusions(run.evaluation_table)
    assert confusion.counts.trace(axis1=1, axis2=2).sum() == right


def _truth(predictions: Predictions) -> np.ndarray:
    return np.array([predictions.labels.index(str(x)) for x in predictions.examples["label"]])


# ── folds ─────────────────────────────────────────────────────────────────────────────────────


def test_runs_of_all_folds_are_one_member_and_predict_every_unit_once(train: Train) -> None:
    runs = folds(train)
    run = ensemble(runs)
    units = [unit for each in runs for unit in read_rows(each.evaluation_table).units]
    assert sorted(units) == list(read_rows(run.evaluation_table).units)
    assert len(set(units)) == 4
    parts = [read_rows(each.evaluation_table) for each in runs]
    pooled = sum(part.counts.sum(axis=0) for part in parts)
    np.testing.assert_array_equal(read_rows(run.evaluation_table).pooled, pooled)
    out_of_fold = joined([read_predictions(each.predictions) for each in runs])
    assert read_predictions(run.predictions).table().equals(out_of_fold.table())


def test_members_of_all_folds_are_averaged(train: Train) -> None:
    one, other = folds(train, seed=1), folds(train, seed=2)
    run = ensemble([*one, *other])
    each = [joined([read_predictions(r.predictions) for r in runs]) for runs in (one, other)]
    mean = (each[0].probabilities + each[1].probabilities) / 2
    np.testing.assert_allclose(read_predictions(run.predictions).probabilities, mean, atol=1e-6)
    assert (
        run.read_request().experiment.title
        == "mean of tiny, seed 1, 2 folds, tiny, seed 2, 2 folds"
    )


def test_a_missing_fold_is_refused(train: Train) -> None:
    with pytest.raises(RunError, match=r"tiny, seed 1: no run of fold 1 of 2 .*data.fold=1"):
        ensemble_request(folds(train)[:1], "mean")


# ── what cannot be ────────────────────────────────────────────────────────────────────────────


def test_a_run_that_kept_no_predictions_is_refused(train: Train) -> None:
    run = train(**halves(1), **{"training.keep_predictions": False})
    with pytest.raises(RunError, match=r"kept no predictions; .*--keep-predictions"):
        ensemble_request([run], "mean")


def test_members_with_other_classes_are_refused(train: Train) -> None:
    other = train(**halves(1), classes=["other", "social", "mating"])
    with pytest.raises(RunError, match="learn different labels"):
        ensemble_request([train(**halves(1)), other], "mean")


def test_a_task_that_scores_no_predictions_is_refused(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = dataclasses.replace(task_spec("behaviour"), score_predictions=None)
    monkeypatch.setattr("core.ensembles.members.task_spec", lambda _: spec)
    with pytest.raises(ConfigError, match="'behaviour' does not say how predictions"):
        ensemble_request([train(**halves(1))], "mean")


def test_an_ensemble_of_ensembles_is_refused(train: Train) -> None:
    mean = ensemble([train(**halves(1))])
    with pytest.raises(RunError, match="is an ensemble itself"):
        ensemble_request([mean], "again")


def test_members_with_other_validation_units_fail_in_words(train: Train) -> None:
    runs = [train(**halves(1)), train(**halves(1), **{"data.split_seed": 3})]
    request = ensemble_request(runs, "mean")
    run = RunDir(runs[0].path.parent / request.run)
    run.write_request(request)
    assert job.main([str(run.path)]) == 1
    failed = run.history().last(Failed)
    assert failed is not None
    assert "their validation sets differ" in failed.error
    assert failed.traceback == ""


# ── prediction ────────────────────────────────────────────────────────────────────────────────


def test_it_predicts_with_the_mean_of_its_members(train: Train, folder: Path) -> None:
    members = [train(**halves(1)), train(**halves(2))]
    run = ensemble(members)
    (table,) = (folder.parent / "cache").glob("synthetic-*/train.csv")
    video = read_videos(table.parent)[0]
    mean = loaded(run).predict_one(video)
    each = [loaded(member).predict_one(video).probabilities for member in members]
    np.testing.assert_allclose(mean.probabilities, (each[0] + each[1]) / 2, atol=1e-6)
    np.testing.assert_array_equal(mean.classes, mean.probabilities.argmax(axis=1))


def loaded(run: RunDir) -> FramePredictor:
    predictor = load_predictor(run, device="cpu")
    assert isinstance(predictor, FramePredictor)
    return predictor


def test_it_does_not_predict_with_other_checkpoints_than_it_was_made_of(
    train: Train, tmp_path: Path
) -> None:
    members = [train(**halves(1)), train(**halves(2))]
    run = ensemble(members)
    for each in (run, *members):
        shutil.copytree(each.path, tmp_path / each.id)
    copy = RunDir(tmp_path / run.id)
    with pytest.raises(CheckpointError, match="no checkpoint 'epoch-0001'"):
        load_predictor(copy, "epoch-0001")
    used = tmp_path / members[1].id / "checkpoints" / run.read_request().inputs[1].file
    used.write_bytes(used.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match="damaged"):
        load_predictor(copy)
    used.unlink()
    with pytest.raises(CheckpointError, match="missing"):
        load_predictor(copy)
