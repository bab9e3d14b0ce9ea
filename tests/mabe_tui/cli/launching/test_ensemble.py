"""``mabe ensemble``: its members, its errors, and a run by the real job."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from core.config.registry import default_path, load
from core.errors import ConfigError, MisuseError, RunError, UserError
from core.inference.checkpoints import load_checkpoint
from core.run.rundir import RunDir
from mabe_tui.runs.actions.manage import removal_of
from mabe_tui.runs.launching.run_requests import LaunchOptions
from mabe_tui.runs.launching.snapshots import snapshots_of
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.mabe_tui.tiny_run import SMALL, synthetic_folder, train_here


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both folds of v6 with two seeds, their mean, and a run of v5 that kept no predictions."""
    home = tmp_path_factory.mktemp("home")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MABE_HOME", str(home))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("MABE_REGISTRY", raising=False)
        patch.chdir(home)
        patch.setattr("core.training.stopping.StopWatch.install", lambda _: None)
        patch.setattr("warnings.showwarning", lambda *_, **__: None)
        data = synthetic_folder(home / "data")
        kept = (*SMALL, "training.keep_predictions=true")
        train_here(
            home, LaunchOptions(version="v6", data=data, overrides=kept, seeds=(1, 2), folds=2)
        )
        train_here(home, LaunchOptions(version="v5", data=data, overrides=SMALL))
        patch.undo()
        patch.setenv("MABE_HOME", str(home))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(home)
        assert mabe("ensemble", "v6", "--name", "v6-mean").exit_code == 0
        yield home
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def runs_of(home: Path, version: str) -> list[RunDir]:
    return [each.run for each in RunStore(home).entries() if each.version == version]


def test_a_version_stands_for_all_its_folds_and_seeds(home: Path) -> None:
    (run,) = runs_of(home, "v6-mean")
    request = run.read_request()
    assert {each.run for each in request.inputs} == {each.id for each in runs_of(home, "v6")}
    assert json.loads(mabe("status", "v6-mean", "--json").stdout)["inputs"] == [
        each.run for each in request.inputs
    ]
    with pytest.raises(UserError, match="predicts with its members' checkpoints"):
        mabe("eval", "v6-mean", "--data", str(home / "data"), "--checkpoint", "epoch-3")
    assert run.history().epochs[0].metrics["accuracy"] > 0
    compared = json.loads(mabe("compare", "v6", "v6-mean", "--json").stdout)
    (verdict,) = compared["verdicts"]
    assert (verdict["videos"], verdict["first_seeds"], verdict["second_seeds"]) == (4, 2, 1)
    assert verdict["difference"] is not None
    assert compared["sides"][0]["folds"] == 2


def test_it_predicts(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    mabe("predict", "v6-mean", "--data", str(home / "data"), "-o", str(output), "--device", "cpu")
    assert output.is_file()


def test_a_fitted_ensemble_is_measured_predicts_and_is_evaluated(
    home: Path, tmp_path: Path
) -> None:
    assert mabe("ensemble", "v6", "--how", "logistic", "--folds", "2").exit_code == 0
    (run,) = runs_of(home, "logistic")
    shown = json.loads(mabe("status", "logistic", "--json").stdout)
    assert (shown["how"], len(shown["inputs"])) == ("logistic", 4)
    assert "logistic regression on" in mabe("status", "logistic").stdout
    compared = json.loads(mabe("compare", "v6-mean", "logistic", "--json").stdout)
    assert compared["verdicts"][0]["videos"] == 4
    assert compared["verdicts"][0]["settling"] is None, "an ensemble has no seeds of its own"
    data, output = str(home / "data"), tmp_path / "out.parquet"
    mabe("predict", "logistic", "--data", data, "-o", str(output), "--device", "cpu")
    table = pq.read_table(output)
    names = [
        name for name in table.column_names if pa.types.is_floating(table.schema.field(name).type)
    ]
    total = np.sum([table[name].to_numpy() for name in names], axis=0)
    np.testing.assert_allclose(total, 1, atol=1e-4)
    measured = json.loads(mabe("eval", "logistic", "--data", data, "--json").stdout)
    assert measured["metrics"]["accuracy"] > 0.3
    with pytest.raises(ConfigError, match="name the ensemble alone"):
        mabe("predict", "logistic", "v5", "--data", data, "-o", str(output), "--force")
    assert load_checkpoint(run).input_table["groups"] == [0, 0, 1, 1]


def test_a_checkpoint_is_measured_once_and_then_a_member(home: Path) -> None:
    (v5,) = runs_of(home, "v5")
    with pytest.raises(MisuseError, match="has to be measured first"):
        mabe("ensemble", "v5@last", "--dry-run")
    assert mabe("ensemble", "v5@last", "--name", "again").exit_code == 0
    (measured,) = runs_of(home, "v5-last")
    assert measured.predictions.is_file(), "v5 itself kept none"
    (again,) = runs_of(home, "again")
    assert [each.run for each in again.read_request().inputs] == [measured.id]
    accuracy = [run.history().epochs[-1].metrics["accuracy"] for run in (v5, measured, again)]
    assert accuracy == pytest.approx([accuracy[0]] * 3, abs=1e-4)
    (known,) = snapshots_of("v5@last", RunStore(home), load(default_path()))
    assert known.existing is not None
    assert known.existing.id == measured.id
    asked = ("ensemble", "--average-weights", "v5@best", "v5@last", "--name", "soup")
    shown = json.loads(mabe(*asked, "--dry-run", "--json").stdout)
    assert shown["inputs"] == [v5.id] * 2
    with pytest.raises(MisuseError, match="--how is for predictions"):
        mabe(*asked, "--how", "stack")
    with pytest.raises(MisuseError, match="runs of other folds have learned"):
        mabe("ensemble", "--average-weights", "v6")
    with pytest.raises(RunError, match="has no checkpoint 'epoch-0007'"):
        mabe("ensemble", "v5@epoch-7")


def test_dry_run_names_the_members_and_writes_nothing(home: Path) -> None:
    shown = json.loads(mabe("ensemble", "v6", "--name", "dry", "--dry-run", "--json").stdout)
    assert sorted(shown["inputs"]) == sorted(each.id for each in runs_of(home, "v6"))
    assert not runs_of(home, "dry")


def test_what_cannot_be_averaged_is_refused(home: Path) -> None:
    with pytest.raises(RunError, match=r"v5-\S+ has kept no predictions; `mabe run VERSION --keep"):
        mabe("ensemble", "v5")
    with pytest.raises(RunError, match=r"no run of fold 0 of 2"):
        mabe("ensemble", next(r.id for r in runs_of(home, "v6") if _fold(r) == 1))
    with pytest.raises(ConfigError, match="a version of the registry is called so"):
        mabe("ensemble", "v6", "--name", "v6")
    with pytest.raises(MisuseError, match="--name a/b"):
        mabe("ensemble", "v6", "--name", "a/b")
    assert not runs_of(home, "mean")


def _fold(run: RunDir) -> int | None:
    return run.read_request().experiment.data.fold


def test_removing_a_member_says_that_the_ensemble_needs_it(home: Path) -> None:
    member = runs_of(home, "v6")[0]
    (ensemble,) = runs_of(home, "v6-mean")
    (other,) = runs_of(home, "v5")
    store = {entry.id: entry for entry in RunStore(home).entries()}
    for whole in (False, True):
        reason = removal_of(store[member.id], whole).reason
        assert f"{ensemble.id} cannot predict without it" in reason
        assert "predict" not in removal_of(store[other.id], whole).reason


def test_an_ensemble_shows_no_figures_of_a_training(home: Path) -> None:
    summary = json.loads(mabe("status", "v6-mean", "--json").stdout)
    assert summary["train_loss"] is None
    assert summary["learning_rate"] is None
    log = mabe("logs", "v6-mean").stdout
    assert "train nan" not in log
    assert "to learn from" not in log
    assert "to validate; " in log
