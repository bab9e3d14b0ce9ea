"""Training on everything, for as many epochs as were best for the folds."""

import json
from pathlib import Path

import msgspec
import pytest

from core.config.registry import default_path, load
from core.errors import MisuseError, RunError
from core.run.events import Stopped
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.runs.launching.full_data import FullData, on_full_data
from mabe_tui.runs.launching.run_requests import LaunchOptions, requests_for
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.mabe_tui.recorded import record

REGISTRY = load(default_path())
COSINE = ("training.scheduler=cosine", "training.warmup_epochs=0")


def fold_run(home: Path, fold: int, best: int, seed: int = 1, **more: object) -> RunDir:
    """Write a run of one of three folds of v6 whose best epoch of five is ``best``."""
    experiment = REGISTRY.experiment("v6", COSINE)
    assert isinstance(experiment, BehaviourExperiment)
    data = msgspec.structs.replace(experiment.data, folds=3, fold=fold)
    scores = [0.5 if epoch == best else 0.1 for epoch in range(1, 6)]
    split = msgspec.structs.replace(experiment, data=data)
    return record(home, split, scores, seed=seed, **more)  # type: ignore[arg-type]


def full(home: Path, *overrides: str, folds_of: str | None = None, **more: object) -> FullData:
    options = LaunchOptions(version="v6", overrides=(*COSINE, *overrides), **more)  # type: ignore[arg-type]
    return on_full_data(REGISTRY, RunStore(home), options, folds_of)


def test_it_trains_for_the_median_of_the_folds_best_epochs_over_all_seeds(tmp_path: Path) -> None:
    runs = [
        fold_run(tmp_path, fold, best, seed)
        for seed, epochs in ((1, (2, 3, 5)), (2, (4, 4, 4)))
        for fold, best in enumerate(epochs)
    ]
    fold_run(tmp_path, 0, 1, seed=3)  # not all of its folds are there
    found = full(tmp_path, seeds=(7, 8))
    assert sorted(found.epochs_from) == sorted(run.id for run in runs)
    assert found.note == ""
    requests = requests_for(REGISTRY, found.options)
    assert [request.seed for request in requests] == [7, 8]
    for request in requests:
        assert request.experiment.training.epochs == 4
        assert not request.experiment.data.validates
        assert request.experiment.training.early_stopping_patience is None


def test_a_named_run_says_whose_folds_and_other_settings_are_told(tmp_path: Path) -> None:
    older = [fold_run(tmp_path, fold, 2) for fold in range(3)]
    for fold in range(3):
        fold_run(tmp_path, fold, 5)
    named = full(tmp_path, "model.dropout=0.07", folds_of=older[1].id)
    assert named.options.overrides[-1] == "training.epochs=5"  # the newest run of each fold counts
    assert named.note == "the folds were trained with other settings: model.dropout"


def test_what_gives_no_epochs_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no runs of all folds of v6 .* `mabe run v6 --folds 5`"):
        full(tmp_path)
    fold_run(tmp_path, 0, 2)
    fold_run(tmp_path, 1, 2, ending=Stopped)
    with pytest.raises(RunError, match="folds 1, 2 of 3"):
        full(tmp_path)
    alone = record(tmp_path, REGISTRY.experiment("v5"))  # type: ignore[arg-type]
    with pytest.raises(RunError, match="is no run of several folds"):
        full(tmp_path, folds_of=alone.id)
    with pytest.raises(MisuseError, match=r"--full .* no --folds"):
        full(tmp_path, folds=3)
    with pytest.raises(MisuseError, match="choose one"):
        full(tmp_path, "training.epochs=3", folds_of=alone.id)
    assert full(tmp_path, "training.epochs=3").epochs_from == ()


def test_the_command_says_so_and_status_and_compare_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MABE_HOME", str(tmp_path))
    runs = [fold_run(tmp_path, fold, 3) for fold in range(3)]
    synthetic = ("--set", "data.source=synthetic")
    arguments = (*synthetic, "--set", COSINE[0], "--set", COSINE[1], "--dry-run", "--json")
    with pytest.raises(MisuseError, match="--from-folds is for --full"):
        mabe("run", "v6", "--from-folds", runs[0].id, *arguments)
    shown = mabe("run", "v6", "--full", *arguments)
    request = json.loads(shown.stdout)["request"]
    assert request["epochs_from"] == [run.id for run in runs]
    assert "it trains for 3 epochs, the median best of 3 runs of folds" in shown.stderr
    experiment = requests_for(REGISTRY, full(tmp_path).options)[0].experiment
    assert isinstance(experiment, BehaviourExperiment)
    everything = record(
        tmp_path, experiment, f1=(), videos=(), epochs_from=tuple(run.id for run in runs)
    )
    status = " ".join(mabe("status", everything.id).stdout.split())
    assert f"it trains on everything, for 3 epochs, the median best of {runs[0].id}" in status
    compared = " ".join(mabe("compare", runs[0].id, everything.id).stdout.split())
    assert "its epochs from its folds, and is not measured" in compared
