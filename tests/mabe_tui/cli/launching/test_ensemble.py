"""``mabe ensemble``: its members, its errors, and a run by the real job."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from core.config.registry import default_path, load
from core.errors import CheckpointError, ConfigError, MisuseError, RunError, UserError
from core.inference.checkpoints import load_checkpoint
from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.runs.actions.manage import removal_of
from mabe_tui.runs.launching.run_requests import LaunchOptions
from mabe_tui.runs.launching.snapshots import snapshots_of
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.videos.video import open_video, validation_scores
from mabe_tui.runs.videos.video_prediction import VideoPredictor, predict_video
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
    assert "mabe run" not in compared["verdicts"][0]["sentence"]
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
    assert measured["fitted"]
    assert (
        "second level was fitted on 4 of these 4 videos"
        in mabe("eval", "logistic", "--data", data).stderr
    )
    with pytest.raises(ConfigError, match="name the ensemble alone"):
        mabe("predict", "logistic", "v5", "--data", data, "-o", str(output), "--force")
    assert load_checkpoint(run).input_table["groups"] == [0, 0, 1, 1]
    member = run.read_request().inputs[0].run
    mabe("rm", member, "--yes")
    with pytest.raises(
        CheckpointError, match=f"was removed; `mabe restore {member}` brings it back"
    ):
        mabe("eval", "logistic", "--data", data)
    mabe("restore", member)
    require_videos_as_measured(run)


def test_its_videos_are_shown_as_they_were_measured(home: Path) -> None:
    (run,) = runs_of(home, "v6-mean")
    require_videos_as_measured(run)
    with pytest.raises(RunError, match="is an ensemble, which has no checkpoint 'epoch-3'"):
        VideoPredictor(RunEntry(run), "epoch-3")


def require_videos_as_measured(run: RunDir) -> None:
    """Check what is shown of a video: what the ensemble kept, or else what its members predict together."""
    (score, *_), entry = validation_scores(run), RunEntry(run)
    seen = predict_video(entry, opened := open_video(entry, score.video_id))
    assert int(seen.errors.sum()) == score.errors > 0
    aside = run.predictions.rename(run.predictions.with_suffix(".aside"))
    predicted = predict_video(entry, opened, device="cpu").probabilities
    aside.rename(run.predictions)
    np.testing.assert_allclose(predicted.sum(axis=1), 1, atol=1e-4)
    assert not np.allclose(predicted, seen.probabilities), (
        "half of the members have learned from it"
    )
    shown = json.loads(mabe("video", run.id, score.video_id, "--json").stdout)
    assert (shown["checkpoint"], shown["epoch"]) == ("best", 1)


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


# ── members that ran elsewhere ────────────────────────────────────────────────────────────────


@pytest.fixture
def on_modal(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunDir]:
    """Both folds of v6's first seed, in a home where they ran on Modal."""
    shutil.copytree(home, tmp_path / "home")
    monkeypatch.setenv("MABE_HOME", str(tmp_path / "home"))
    found = [run for run in runs_of(tmp_path / "home", "v6") if run.read_request().seed == 1]
    found.sort(key=lambda run: run.read_request().experiment.data.fold or 0)
    for run in found:
        run.write_handle(Handle(launcher="modal", attempt="0001-aaaa", reference={}))
    return found


def test_predictions_that_are_on_modal_are_named_with_the_command(on_modal: list[RunDir]) -> None:
    first, second = on_modal
    second.predictions.unlink()
    asked = ("ensemble", first.id, second.id, "--name", "again")
    with pytest.raises(RunError) as caught:
        mabe(*asked)
    assert str(caught.value) == (
        f"the predictions of {second.id} are not here; `mabe sync {second.id}` brings them"
    )
    first.predictions.unlink()
    with pytest.raises(
        RunError, match=rf"`mabe sync {first.id}` brings them, and so for {second.id}$"
    ):
        mabe(*asked)
    for run in on_modal:
        request = run.read_request()
        training = msgspec.structs.replace(request.experiment.training, keep_predictions=False)
        experiment = msgspec.structs.replace(request.experiment, training=training)
        run.write_request(msgspec.structs.replace(request, experiment=experiment))
    with pytest.raises(RunError, match=f"{first.id} has kept no predictions; `mabe run VERSION"):
        mabe(*asked)


def test_checkpoints_that_are_on_modal_are_named_with_the_command(
    on_modal: list[RunDir], home: Path, tmp_path: Path
) -> None:
    first, second = (run.id for run in on_modal)
    made = mabe("ensemble", first, second, "--how", "weighted", "--folds", "2")
    assert made.exit_code == 0, "predictions are enough to make it"
    files = []
    for run in on_modal:
        pointer = run.read_pointer("best")
        assert pointer is not None
        files.append(run.checkpoints / pointer.file)
        files[-1].unlink()
    asked = ("predict", "weighted", "--data", str(home / "data"), "-o", str(tmp_path / "o.csv"))
    with pytest.raises(CheckpointError) as caught:
        mabe(*asked)
    assert str(caught.value).partition(": ")[2] == (
        f"the best checkpoint of {first} is not here; `mabe pull {first} best` brings it,"
        f" and so for {second}"
    )
    for run in on_modal:
        run.write_handle(Handle(launcher="local", attempt="0001-aaaa", reference={}))
    with pytest.raises(CheckpointError, match=f"{files[0].name}: the checkpoint file is missing"):
        mabe(*asked)
