import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from torch import nn
from typer.testing import CliRunner, Result

from core import job
from core.config.registry import default_path, load
from core.data.importers.formats import look_at
from core.data.synthetic import SyntheticSettings, synthesise
from core.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    MisuseError,
    RunError,
    UserError,
)
from core.evaluation.table import read_confusions
from core.run.rundir import RunDir
from mabe_tui.cli.data import predict_commands
from mabe_tui.cli.main import app
from mabe_tui.runs.launching.run_requests import new_request

Mabe = Callable[..., Result]
TINY = [
    "model.channels=[8]",
    "training.epochs=1",
    "training.warmup_epochs=0",
    "training.batch_size=8",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "mice"
    synthesise(folder, SyntheticSettings(videos=4, frames=300), workers=1)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    home = tmp_path_factory.mktemp("home")
    experiment = load(default_path()).experiment("v6", [*TINY, "model.name=tcn"], "demo")
    request = new_request(experiment, "local", data=data)
    run = RunDir(home / "runs" / request.run)
    run.write_request(request)
    assert job.main([str(run.path)]) == 0
    return run


@pytest.fixture
def home_with_run(trained: RunDir, monkeypatch: pytest.MonkeyPatch, invoke: Mabe) -> Mabe:
    monkeypatch.setenv("MABE_HOME", str(trained.path.parents[1]))
    return invoke


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_predict_writes_every_frame_and_bouts(
    home_with_run: Mabe, data: Path, tmp_path: Path, suffix: str
) -> None:
    written = json.loads(
        home_with_run("predict", "v6", "--data", str(data), "-o", f"out.{suffix}", "--json").stdout
    )
    read = pq.read_table if suffix == "parquet" else pyarrow.csv.read_csv
    frames = read(tmp_path / f"out.{suffix}").to_pandas()
    bouts = read(tmp_path / f"out.bouts.{suffix}").to_pandas()
    assert len(frames) == written["frames"] == 1200
    probabilities = frames[["p_other", "p_social", "p_mating", "p_aggressive"]]
    assert probabilities.sum(axis=1).round(4).eq(1).all()
    assert (probabilities.idxmax(axis=1).str.removeprefix("p_") == frames.predicted_class).all()
    assert len(bouts) == written["bouts"]
    covered = (bouts.stop_frame - bouts.start_frame).sum()
    assert covered == (frames.predicted_class != "other").sum()


def test_bouts_of_a_run_are_those_that_it_predicts(
    home_with_run: Mabe, data: Path, tmp_path: Path
) -> None:
    home_with_run("predict", "v6", "--data", str(data), "-o", "found.csv")
    of_file = home_with_run("bouts", "found.bouts.csv", "--data", str(data), "--json")
    of_run = home_with_run("bouts", "v6", "--data", str(data), "--json")
    assert json.loads(of_run.stdout) == json.loads(of_file.stdout)
    with pytest.raises(MisuseError, match="--data"):
        home_with_run("bouts", "v6")


def test_clips_are_suggested_of_videos_that_nobody_labelled(
    home_with_run: Mabe, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="--labelled-too"):
        home_with_run("suggest", "v6", "--data", str(data))
    bare = Path(shutil.copytree(data, tmp_path / "bare"))
    first, *_ = sorted((bare / "train_annotation").rglob("*.parquet"))
    first.unlink()
    command = ("suggest", "v6", "--data", str(bare), "--minutes", "0.1", "--seconds", "1")
    found = json.loads(home_with_run(*command, "--boris", "label.csv", "--json").stdout)
    assert {each["video"] for each in found["clips"]} == {first.stem}
    assert [each["rank"] for each in found["clips"]] == [1, 2, 3, 4, 5, 6]
    (sheet,) = look_at([tmp_path / "label.csv"]).sheets
    assert (sheet.name, len(sheet.events)) == (first.stem, 6)
    with pytest.raises(DataError, match=r"half as long as a clip of 3600 s.*--seconds"):
        home_with_run("suggest", "v6", "--data", str(bare), "--seconds", "3600")


def test_poses_that_nobody_labelled_are_predicted_in_the_lab_s_words(
    home_with_run: Mabe, data: Path, tmp_path: Path
) -> None:
    bare = Path(shutil.copytree(data, tmp_path / "bare"))
    shutil.rmtree(bare / "train_annotation")
    rows = pyarrow.csv.read_csv(bare / "train.csv").to_pandas().assign(behaviors_labeled="")
    rows.to_csv(bare / "train.csv", index=False)
    command = (
        "predict",
        "v6",
        "--data",
        str(bare),
        "-o",
        "bare.csv",
        "--set",
        "actions.bite=mating",
    )
    home_with_run(*command)
    frames = pyarrow.csv.read_csv(tmp_path / "bare.csv")
    assert {"p_other", "p_social", "p_bite", "p_aggressive"} <= {*frames.column_names}
    assert len(frames) == 1200


def test_views_are_averaged_where_asked(home_with_run: Mabe, data: Path) -> None:
    reports = {}
    for options in ((), ("--tta",)):
        report = json.loads(
            home_with_run("eval", "v6", "--data", str(data), "--json", *options).stdout
        )
        reports[bool(options)] = report
        home_with_run(
            "predict", "v6", "--data", str(data), "-o", f"{len(options)}.parquet", *options
        )
    plain, averaged = (
        pq.read_table(f"{number}.parquet")["p_other"].to_numpy() for number in (0, 1)
    )
    assert plain.shape == averaged.shape
    assert abs(plain - averaged).max() > 1e-4
    assert reports[False]["frames"] == reports[True]["frames"] == len(plain)
    assert reports[False]["metrics"]["ap/social"] != reports[True]["metrics"]["ap/social"]


@pytest.mark.parametrize("there", ["out.parquet", "out.bouts.parquet"])
def test_predictions_replace_a_file_only_by_force(
    home_with_run: Mabe, data: Path, tmp_path: Path, there: str
) -> None:
    (tmp_path / there).write_text("my own")
    command = ["predict", "v6", "--data", str(data), "-o", "out.parquet"]
    with pytest.raises(UserError, match=f"{there}: there already; --force replaces it"):
        home_with_run(*command)
    with pytest.raises(UserError, match=f"{there}: there already"):
        home_with_run("eval", "v6", "--data", str(data), "-o", there)
    assert (tmp_path / there).read_text() == "my own"
    home_with_run(*command, "--force")
    assert pq.read_table(tmp_path / there).num_rows


def test_eval_of_the_validation_videos_is_what_the_run_measured(
    home_with_run: Mabe, trained: RunDir, data: Path, tmp_path: Path
) -> None:
    report = json.loads(
        home_with_run("eval", "last", "--data", str(data), "-o", "counts.parquet", "--json").stdout
    )
    assert (report["videos"], report["frames"]) == (4, 1200)
    assert (report["trained_on"], report["validated_on"]) == (3, 1)
    counts = read_confusions(tmp_path / "counts.parquet")
    measured = read_confusions(trained.evaluation_table)
    ours = counts.counts[[counts.videos.index(video) for video in measured.videos]]
    assert ours.sum(axis=2).tolist() == measured.counts.sum(axis=2).tolist()
    # Windows of training see less context at their edges than the chunks of prediction.
    assert abs(ours - measured.counts).sum() <= 0.2 * measured.counts.sum()
    assert "class" in home_with_run("eval", "last", "--data", str(data)).stdout


def test_what_cannot_be_is_said_before_anything_is_computed(
    home_with_run: Mabe, data: Path
) -> None:
    with pytest.raises(UserError, match=r"end it in \.parquet"):
        home_with_run("eval", "v6", "--data", str(data), "-o", "out.csv")
    with pytest.raises(UserError, match=r"\.parquet or \.csv"):
        home_with_run("predict", "v6", "--data", str(data), "-o", "out.xlsx")
    with pytest.raises(RunError, match="no run 'v9'"):
        home_with_run("predict", "v9", "--data", str(data), "-o", "out.csv")
    with pytest.raises(UserError, match="has no 'worst' checkpoint"):
        home_with_run(
            "predict", "v6", "--data", str(data), "-o", "out.csv", "--checkpoint", "worst"
        )


@pytest.fixture
def partly_damaged(data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "damaged"
    shutil.copytree(data, folder)
    path = sorted((folder / "train_tracking").rglob("*.parquet"))[1]
    path.write_bytes(path.read_bytes()[:200])
    return folder


def test_damaged_videos_are_left_out_where_asked(
    home_with_run: Mabe, partly_damaged: Path, tmp_path: Path
) -> None:
    folder = str(partly_damaged)
    for command in (["predict", "v6", "-o", "out.parquet"], ["eval", "v6"]):
        with pytest.raises(DataError, match=r"not a whole parquet file.*--skip-bad"):
            home_with_run(*command, "--data", folder)
        result = home_with_run(*command, "--data", folder, "--skip-bad", "--json")
        found = json.loads(result.stdout)
        assert (found["videos"], found["frames"]) == (3, 900)
        assert len(found["bad"]) == 1
        assert "left out" in result.stderr
    (annotation,) = list((partly_damaged / "train_annotation").rglob("*.parquet"))[:1]
    for path in (partly_damaged / "train_tracking").rglob("*.parquet"):
        if path.name != annotation.name:
            path.write_bytes(b"")
    annotation.write_bytes(b"")
    with pytest.raises(DataError, match="none of the 4 videos can be read"):
        home_with_run("eval", "v6", "--data", folder, "--skip-bad")


@pytest.mark.parametrize(
    ("output", "problem"), [("file/out.parquet", "not a folder"), ("out.parquet", "is a folder")]
)
def test_a_place_that_cannot_be_written_is_said_first(
    home_with_run: Mabe, data: Path, tmp_path: Path, output: str, problem: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "out.parquet").mkdir()
    for command in ("predict", "eval"):
        with pytest.raises(UserError, match=problem):
            home_with_run(command, "nobody", "--data", str(data), "-o", output)


def test_eval_prints_its_figures_also_where_the_file_cannot_be_written(
    home_with_run: Mabe, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise UserError("disk full")

    monkeypatch.setattr(predict_commands, "write_table", full)
    arguments = ["eval", "v6", "--data", str(data), "-o", "out.parquet"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UserError)
    assert "f1_macro" in result.stdout


def test_a_damaged_checkpoint_is_not_loaded(
    home_with_run: Mabe, trained: RunDir, data: Path, tmp_path: Path
) -> None:
    pointer = trained.read_pointer("best")
    assert pointer is not None
    weights = trained.checkpoints / pointer.file
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(CheckpointError, match=pointer.file):
            home_with_run("predict", "v6", "--data", str(data), "-o", "out.csv")
    finally:
        weights.write_bytes(whole)
    assert not (tmp_path / "out.csv").exists()


def test_eval_says_which_videos_the_run_knows(home_with_run: Mabe, data: Path) -> None:
    words = home_with_run("eval", "last", "--data", str(data)).stderr
    assert "the run learned from 3 of these 4 videos" in words
    assert "chosen on 1 of these 4 videos" in words


def test_eval_knows_videos_by_their_tracking(home_with_run: Mabe, tmp_path: Path) -> None:
    synthesise(tmp_path / "mice", SyntheticSettings(videos=4, frames=300, seed=9), workers=1)
    evaluated = home_with_run("eval", "last", "--data", str(tmp_path / "mice"), "--json")
    report = json.loads(evaluated.stdout)
    assert (report["videos"], report["trained_on"], report["validated_on"]) == (4, 0, 0)


def test_eval_says_what_the_labels_cannot_show(
    home_with_run: Mabe, data: Path, tmp_path: Path
) -> None:
    shutil.copytree(data, tmp_path / "other")
    for file in (tmp_path / "other" / "train_annotation").rglob("*.parquet"):
        table = pq.read_table(file)
        column = table.schema.get_field_index("action")
        actions = pa.array(["interact"] * len(table))
        pq.write_table(table.set_column(column, "action", actions), file)
    words = home_with_run("eval", "last", "--data", str(tmp_path / "other")).stderr
    assert "does not name count as 'other': interact (" in words
    assert "no frame is of class 'social', 'mating', 'aggressive', so" in words
    assert "the run learned from 3 of these 4 videos" in words  # with other labels
    as_social = ("--set", "actions.interact=social")
    told = home_with_run("eval", "last", "--data", str(tmp_path / "other"), *as_social)
    assert "interact (" not in told.stderr
    assert "no frame is of class 'mating', 'aggressive', so" in told.stderr
    with pytest.raises(ConfigError, match=r"actions\.interact: 'sociable' is not one of"):
        home_with_run("eval", "last", "--data", str(data), "--set", "actions.interact=sociable")
    with pytest.raises(MisuseError, match="takes only the words of the data"):
        home_with_run("eval", "last", "--data", str(data), "--set", "training.epochs=3")
    known = home_with_run("eval", "last", "--data", str(data), "--json")
    assert json.loads(known.stdout)["unmapped"] == {}


def test_eval_says_that_a_checkpoint_gives_nan(
    home_with_run: Mabe, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: nn.Module) -> nn.Module:
        for parameter in model.parameters():
            parameter.data.fill_(math.nan)
        return model

    monkeypatch.setattr("core.tasks.behaviour.inference.frame_model.folded", broken)
    result = home_with_run("eval", "last", "--data", str(data))
    assert "for 1,200 frames the checkpoint gives NaN, which counts as 'other'" in result.stderr
    assert "f1_macro" in result.stdout
    report = json.loads(home_with_run("eval", "last", "--data", str(data), "--json").stdout)
    assert report["nan_frames"] == 1200


def test_a_run_whose_checkpoints_were_removed_says_so(
    home_with_run: Mabe, trained: RunDir, data: Path, tmp_path: Path
) -> None:
    aside = trained.checkpoints.rename(tmp_path / "aside")
    try:
        with pytest.raises(CheckpointError, match="its checkpoints were removed"):
            home_with_run("eval", "last", "--data", str(data))
    finally:
        aside.rename(trained.checkpoints)
