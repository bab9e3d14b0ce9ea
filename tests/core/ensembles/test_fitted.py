"""Fitted second levels as runs: nested, resumed, and refused with a reason."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from core import job
from core.blending.blend import blended_rows
from core.blending.saved import blend_of
from core.config.experiment import EnsembleConfig, How
from core.ensembles.request import ensemble_request
from core.evaluation.predictions import Predictions, joined, read_predictions
from core.evaluation.table import read_rows
from core.inference.checkpoints import load_checkpoint
from core.run.events import CheckpointSaved, Failed, Finished
from core.run.rundir import RunDir
from tests.core.ensembles.made_up import CLASSES, made_up_run, noisy, set_best, truths

pytest.importorskip("lightgbm")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs deaf to signals and on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr("core.training.stopping.StopWatch.install", lambda _: None)
    monkeypatch.setattr("warnings.showwarning", lambda *_, **__: None)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def asked(runs: list[RunDir], how: How, folds: int = 3) -> RunDir:
    """Write the request of an ensemble."""
    config = EnsembleConfig(members=("tiny",), how=how, folds=folds)
    request = ensemble_request(runs, how, config)
    run = RunDir(runs[0].path.parent / request.run)
    run.write_request(request)
    return run


def fitted(runs: list[RunDir], how: How, folds: int = 3) -> RunDir:
    run = asked(runs, how, folds)
    assert job.main([str(run.path)]) == 0, failure(run)
    return run


def failure(run: RunDir) -> str:
    found = run.history().last(Failed)
    return "" if found is None else found.error


def two_members(folder: Path, units: int = 9) -> list[RunDir]:
    truth = truths(units)
    return [
        made_up_run(folder, 1, truth, noisy(1.0, 1)),
        made_up_run(folder, 2, truth, noisy(2.0, 2), seed=2),
    ]


def accuracy(predictions: Predictions) -> float:
    truth = np.array([CLASSES.index(str(name)) for name in predictions.examples["label"]])
    return float((predictions.probabilities.argmax(axis=1) == truth).mean())


# ── what it is ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["weighted", "rank", "logistic", "stack"])
def test_it_is_a_run_with_predictions_rows_and_a_checkpoint_of_its_own(
    tmp_path: Path, how: How
) -> None:
    runs = two_members(tmp_path)
    run = fitted(runs, how)
    history, request = run.history(), run.read_request()
    assert request.experiment.title.endswith(f"{runs[0].id}, {runs[1].id}")
    assert history.last(Finished) is not None
    assert len(history.epochs) == 1
    saved = [event for event in history.events if isinstance(event, CheckpointSaved)]
    assert [event.step for event in saved] == [1, 2, 3, 4, 4]
    predictions = read_predictions(run.predictions)
    assert predictions.examples.equals(read_predictions(runs[0].predictions).examples)
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, atol=1e-5)
    assert history.epochs[0].metrics["accuracy"] == pytest.approx(accuracy(predictions), abs=1e-4)
    assert read_rows(run.evaluation_table).units == predictions.units
    if how != "rank":
        assert accuracy(predictions) > accuracy(read_predictions(runs[1].predictions)) + 0.1
    best = load_checkpoint(run)
    assert [each["sha256"] for each in best.task_state["members"]] == [
        each.sha256 for each in request.inputs
    ]


def test_weights_of_one_member_leave_it_as_it_is(tmp_path: Path) -> None:
    (one, _) = two_members(tmp_path)
    run = fitted([one], "weighted")
    first, second = read_predictions(one.predictions), read_predictions(run.predictions)
    assert first.table().equals(second.table())


def test_a_second_level_answers_only_for_units_that_it_has_not_seen(tmp_path: Path) -> None:
    """One member gives away which unit it is, and every unit has one class, drawn by lot."""
    rng = np.random.default_rng(0)
    names = [f"v{n:02d}" for n in range(30)]
    drawn = dict(zip(names, rng.integers(0, 3, len(names)), strict=True))
    truth = {name: np.full(60, drawn[name]) for name in names}

    def leak(unit: str, own: np.ndarray) -> np.ndarray:
        code = (names.index(unit) + 0.5) / len(names)
        return np.tile([code, (1 - code) / 2, (1 - code) / 2], (len(own), 1))

    member = made_up_run(tmp_path, 1, truth, leak)
    run = fitted([member], "stack", folds=5)
    own = read_predictions(run.predictions)
    loaded = load_checkpoint(run)
    blend = blend_of(loaded.input_table, loaded.weights, "x")
    given = read_predictions(member.predictions)
    seen = blended_rows(blend.blender, given.probabilities[None])
    assert accuracy(Predictions(given.examples, CLASSES, seen)) > 0.7
    assert accuracy(own) < 0.55


def test_units_of_a_fold_are_in_one_part_and_folds_of_a_member_are_averaged_in_prediction(
    tmp_path: Path,
) -> None:
    truth = truths(8)
    names = sorted(truth)
    parts = [names[fold::4] for fold in range(4)]
    runs = []
    for seed in (1, 2):
        for fold, units in enumerate(parts):
            speak, number = noisy(1.0, 10 * seed + fold), 4 * seed + fold
            of_fold = {"seed": seed, "fold": (fold, 4), "units": units}
            runs.append(made_up_run(tmp_path, number, truth, speak, **of_fold))
    run = fitted([*runs[:2], *runs[4:], *runs[2:4]], "logistic", folds=9)
    table = load_checkpoint(run).input_table
    assert table["groups"] == [0, 0, 1, 1, 1, 1, 0, 0]
    saved = [event for event in run.history().events if isinstance(event, CheckpointSaved)]
    assert saved[-1].step == 5, "a second level for each fold of the members, and one for all"
    for own in (runs[:4], runs[4:]):
        alone = joined([read_predictions(each.predictions) for each in own])
        assert accuracy(read_predictions(run.predictions)) > accuracy(alone)


# ── killed and resumed ────────────────────────────────────────────────────────────────────────

KILLED = """
import os, signal, sys
from core import job
from core.ensembles import fitted
save = fitted.BlendFit._save
def dying(self, pointers, metric):
    save(self, pointers, metric)
    if self.progress.step == 2:
        os.kill(os.getpid(), signal.SIGKILL)
fitted.BlendFit._save = dying
job.main(sys.argv[1:])
"""


def test_killed_half_way_it_goes_on_and_comes_to_the_same(tmp_path: Path) -> None:
    runs = two_members(tmp_path / "runs")
    run = asked(runs, "stack")
    shutil.copytree(tmp_path / "runs", tmp_path / "other" / "runs")
    undisturbed = RunDir(tmp_path / "other" / "runs" / run.id)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(run.path)], env=environment, check=False, capture_output=True
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert run.history().last(Finished) is None
    assert job.main([str(run.path)]) == 0
    assert job.main([str(undisturbed.path)]) == 0
    first, second = read_predictions(run.predictions), read_predictions(undisturbed.predictions)
    assert first.table().equals(second.table())
    last = run.attempts()[-1]
    own = [e for e in run.history().events if isinstance(e, CheckpointSaved) and e.attempt == last]
    assert [event.step for event in own] == [3, 4, 4], "the first two were not fitted again"
    assert job.main([str(run.path)]) == 0, "finished: nothing to do"


# ── what cannot be ────────────────────────────────────────────────────────────────────────────


def test_a_member_that_was_removed_or_changed_is_named_in_one_line(tmp_path: Path) -> None:
    runs = two_members(tmp_path)
    removed, changed = asked(runs, "weighted"), asked(runs, "logistic")
    set_best(runs[1], "f" * 64)
    assert job.main([str(changed.path)]) == 1
    assert failure(changed).startswith(f"{runs[1].id}, a member of this ensemble, has another best")
    shutil.rmtree(runs[0].path)
    assert job.main([str(removed.path)]) == 1
    assert failure(removed).startswith(f"{runs[0].id}, a member of this ensemble, was removed")


def test_a_single_unit_is_refused(tmp_path: Path) -> None:
    run = asked([made_up_run(tmp_path, 1, truths(1), noisy(1.0, 1))], "weighted")
    assert job.main([str(run.path)]) == 1
    assert "a single validation unit" in failure(run)


def test_without_lightgbm_a_stack_fails_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asked(two_members(tmp_path), "stack")
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert job.main([str(run.path)]) == 1
    assert "pip install 'mabe[boost]'" in failure(run)
