"""``mabe postprocess``, on runs of both folds by the real job, and its rules in predict and eval."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
import torch

from core.errors import MisuseError, RunError, UserError
from core.run.rundir import RunDir
from mabe_tui.runs.launching.run_requests import LaunchOptions
from mabe_tui.runs.store import RunStore
from tests.command_line import mabe
from tests.mabe_tui.tiny_run import SMALL, synthetic_folder, train_here


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both folds of v6, with predictions and default rules."""
    home = tmp_path_factory.mktemp("home")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MABE_HOME", str(home))
        patch.delenv("MABE_REGISTRY", raising=False)
        patch.chdir(home)
        patch.setattr("core.training.stopping.StopWatch.install", lambda _: None)
        patch.setattr("warnings.showwarning", lambda *_, **__: None)
        data = synthetic_folder(home / "data")
        kept = (*SMALL, "training.keep_predictions=true")
        train_here(home, LaunchOptions(version="v6", data=data, overrides=kept, folds=2))
        assert mabe("postprocess", "fit", "v6").exit_code == 0
        yield home
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def newest(home: Path, version: str) -> RunDir:
    return next(each.run for each in RunStore(home).entries() if each.version == version)


def test_rules_are_fitted_on_all_folds_and_stored_with_each(home: Path) -> None:
    paths = sorted(home.glob("runs/v6-*/postprocess/default.toml"))
    assert len(paths) == 2
    assert paths[0].read_bytes() == paths[1].read_bytes()
    table = tomllib.loads(paths[0].read_text())
    assert table["fitted_on"]["folds"] == 2
    assert len(table["fitted_on"]["runs"]) == 2
    assert table["clock"] == "seconds"
    assert table["metric"] == "f1_macro"
    assert [key["label"] for key in table["keys"]] == ["aggressive", "mating", "social"]
    assert table["report"][0]["parts"] == "likeliest class"
    listed = json.loads(mabe("postprocess", "list", "v6", "--json").stdout)
    assert [each["name"] for each in listed] == ["default"]
    shown = mabe("postprocess", "show", "v6").stdout
    assert "all without smoothing" in shown
    assert "threshold" in shown


def test_names_are_kept_apart_and_replaced_only_by_force(home: Path) -> None:
    with pytest.raises(UserError, match="there already; --force replaces it"):
        mabe("postprocess", "fit", "v6")
    command = ["postprocess", "fit", "v6", "--name", "plain", "--without", "smoothing"]
    rules = json.loads(mabe(*command, "--with", "calibration", "--json", "--force").stdout)
    assert {key["sigma"] for key in rules["keys"]} == {0}
    assert rules["settings"]["calibration"] is True
    with pytest.raises(UserError, match="'magic' is not a part"):
        mabe("postprocess", "fit", "v6", "--name", "x", "--without", "magic")
    with pytest.raises(RunError, match="no post-processing 'odd'; it has default"):
        mabe("postprocess", "show", "v6", "--name", "odd")


def test_runs_without_out_of_fold_predictions_are_refused(home: Path) -> None:
    run = newest(home, "v6")
    run.predictions.rename(run.path / "kept")
    with pytest.raises(RunError, match="has kept no predictions"):
        mabe("postprocess", "fit", run.id, "--name", "x")
    (run.path / "kept").rename(run.predictions)
    request = run.read_request()
    assert request.resolved is not None
    seen = request.resolved.validation_units
    learned = msgspec.structs.replace(request.resolved, train_units=seen)
    try:
        run.write_request(msgspec.structs.replace(request, resolved=learned))
        with pytest.raises(RunError, match="these predictions are in-sample"):
            mabe("postprocess", "fit", run.id, "--name", "x")
    finally:
        run.write_request(request)


def test_rules_of_one_split_keep_labels_that_other_videos_may_have(home: Path) -> None:
    run = newest(home, "v6")
    rules = json.loads(mabe("postprocess", "fit", run.id, "--name", "one", "--json").stdout)
    assert rules["fitted_on"]["runs"] == [run.id]
    assert rules["settings"]["absent"] is False
    whole = json.loads(mabe("postprocess", "show", "v6", "--json").stdout)
    assert whole["settings"]["absent"] is True


def test_predict_and_eval_use_the_rules(home: Path, tmp_path: Path) -> None:
    run, data, output = newest(home, "v6"), str(home / "data"), str(tmp_path / "out.parquet")
    path = run.path / "postprocess" / "always.toml"
    path.write_text('schema = 1\nchoice = "probability"\n[otherwise]\nthreshold = 0.0\n')
    mabe("predict", "v6", "--data", data, "-o", output, "--rules", "always")
    bouts = pq.read_table(tmp_path / "out.bouts.parquet")
    frames = pq.read_table(output).num_rows
    covered = sum(bouts["stop_frame"].to_pylist()) - sum(bouts["start_frame"].to_pylist())
    assert covered == frames  # every frame is at or above 0
    command = ["eval", "v6", "--data", data, "--json"]
    found = json.loads(mabe(*command, "--rules", str(path)).stdout)["metrics"]
    assert found["recall/other"] == 0
    assert json.loads(mabe(*command).stdout)["metrics"] != found
    shaped = json.loads(mabe(*command, "--min-frames", "1000000").stdout)["metrics"]
    assert shaped["recall/other"] == 1
    with pytest.raises(MisuseError, match="--rules says how bouts are found"):
        mabe(
            "predict",
            "v6",
            "--data",
            data,
            "-o",
            output,
            "--force",
            "--rules",
            "always",
            "--median",
            "3",
        )
