"""``mabe video``, and marking, comparing and evaluating checkpoints, on a trained run."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.errors import ConfigError, RunError
from core.run.rundir import RunDir
from mabe_tui.runs.actions.manage import plan_gc
from tests.mabe_tui.tiny_run import FRAMES, synthetic_folder, train

Mabe = Callable[..., Result]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    place = tmp_path_factory.mktemp("trained")
    return train(place / "home", synthetic_folder(place / "mice"))


@pytest.fixture
def mabe(trained: RunDir, monkeypatch: pytest.MonkeyPatch, invoke: Mabe) -> Mabe:
    monkeypatch.setenv("MABE_HOME", str(trained.path.parents[1]))
    return invoke


def test_the_list_is_the_same_as_table_csv_and_json(mabe: Mabe) -> None:
    scores = json.loads(mabe("video", "v6", "--json").stdout)
    rows = list(csv.DictReader(mabe("video", "v6", "--csv").stdout.splitlines()))
    assert [row["video"] for row in rows] == [score["video_id"] for score in scores]
    assert [float(row["f1_macro_present"]) for row in rows] == [
        score["f1_macro_present"] for score in scores
    ]
    table = mabe("video", "v6").stdout.splitlines()
    assert [line.split()[0] for line in table[1:]] == [score["video_id"] for score in scores]


def test_the_list_has_every_class_at_80_columns(mabe: Mabe, narrow: None) -> None:
    header = mabe("video", "v6").stdout.strip().splitlines()[0]
    assert header.split()[-4:] == ["other", "social", "mating", "aggressive"]


def test_a_frame_is_drawn_with_its_strips(mabe: Mabe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    lines = mabe("video", "v6", "worst", "--frame", "100").stdout.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert f"frame 100 of {FRAMES}" in lines[0]
    assert any(0x2800 < ord(character) < 0x2900 for character in "".join(lines))
    words = [line.split()[0] for line in lines if line.strip()]
    assert [w for w in words if w in ("truth", "model", "errors", "frame", "social")] == [
        "truth", "model", "errors", "frame", "social",
    ]  # fmt: skip
    assert "".join(
        mabe("video", "v6", "worst", "--ascii", "--view", "mice", "--zoom", "50").stdout
    ).isascii()


def test_numbers_of_a_video_agree(mabe: Mabe) -> None:
    report = json.loads(mabe("video", "v6", "worst", "--json").stdout)
    frames = list(
        csv.DictReader(mabe("video", "v6", report["video_id"], "--csv").stdout.splitlines())
    )
    wrong = [row["true_class"] != row["predicted_class"] for row in frames]
    assert (len(frames), sum(wrong)) == (report["frames"], report["errors"])
    starts = [n for n, bad in enumerate(wrong) if bad and not (n and wrong[n - 1])]
    assert report["error_starts"] == starts
    assert report["frame"]["frame"] == starts[0]
    for side, column in (("truth", "true_class"), ("prediction", "predicted_class")):
        covered = ["other"] * len(frames)
        for bout in report[side]:
            part = slice(bout["start_frame"], bout["stop_frame"])
            covered[part] = [bout["behaviour"]] * (part.stop - part.start)
        assert covered == [row[column] for row in frames]


def test_a_frame_beyond_the_end_is_refused(mabe: Mabe) -> None:
    with pytest.raises(ConfigError, match=f"--frame {FRAMES}: .* 0 to {FRAMES - 1}"):
        mabe("video", "v6", "worst", "--frame", str(FRAMES))


def test_a_marked_checkpoint_is_kept_and_named(mabe: Mabe, trained: RunDir) -> None:
    best = trained.read_pointer("best")
    assert best is not None
    neither = 1 if best.epoch == 2 else 2  # of three epochs, neither the best nor the last
    rows = json.loads(mabe("checkpoints", "v6", "--mark", f"epoch-{neither}", "--json").stdout)
    (marked,) = (row for row in rows if "marked" in row["pointers"])
    assert marked["epoch"] == neither
    assert trained.read_pointer("best") == best
    going = [
        path.name
        for removal in plan_gc(trained.path.parents[1], everything=False)
        for path in removal.paths
    ]
    assert f"epoch-{neither:04d}.json" in going
    assert marked["file"] not in going
    seen = json.loads(mabe("video", "v6", "worst", "--checkpoint", "marked", "--json").stdout)
    assert seen["epoch"] == neither
    rows = json.loads(mabe("checkpoints", "v6", "--mark", "none", "--json").stdout)
    assert not any("marked" in row["pointers"] for row in rows)
    with pytest.raises(RunError, match="no checkpoint 'epoch-7'"):
        mabe("checkpoints", "v6", "--mark", "epoch-7")


def test_checkpoints_of_one_run_are_compared(mabe: Mabe, trained: RunDir) -> None:
    found = json.loads(mabe("compare", "v6@epoch-1", "v6@epoch-2", "--json").stdout)
    first, second = found["sides"]
    assert (first["epoch"], second["epoch"]) == (1, 2)
    assert sum(map(sum, first["classes"]["counts"])) == 2 * FRAMES
    (verdict,) = found["verdicts"]
    assert verdict["difference"] == pytest.approx(
        second["metrics"]["f1_macro"] - first["metrics"]["f1_macro"]
    )
    assert "2 videos" in verdict["sentence"]
    assert "verdict" in mabe("compare", "v6@epoch-1", "v6@epoch-2").stdout
    with pytest.raises(RunError, match="are the same checkpoint"):
        mabe("compare", "v6@last", "v6@epoch-3")
    with pytest.raises(ConfigError, match="name two or more"):
        mabe("compare", "v6@last")


def test_eval_takes_single_epochs(mabe: Mabe, trained: RunDir) -> None:
    data = str(trained.read_request().data)
    assert Path(data).is_dir()
    reports = [
        json.loads(mabe("eval", "v6", "--data", data, "--checkpoint", which, "--json").stdout)
        for which in ("epoch-1", "epoch-2")
    ]
    assert [report["trained_on"] for report in reports] == [2, 2]
    assert reports[0]["metrics"] != reports[1]["metrics"]


def test_a_slice_is_kept_and_measured_by_the_checkpoint(mabe: Mabe) -> None:
    worst = json.loads(mabe("video", "v6", "--json").stdout)[0]["video_id"]
    watched = json.loads(mabe("video", "v6", worst, "--json").stdout)
    assert "no slices yet" in mabe("slices").stderr
    mabe("slices", "add", "all", worst, "0", str(FRAMES), "--comment", "every frame")
    assert json.loads(mabe("slices", "--json").stdout)["all"]["comment"] == "every frame"
    (score,) = json.loads(mabe("slices", "show", "all", "--json").stdout)["scores"]
    assert score["wrong"] == pytest.approx(watched["errors"] / FRAMES)
    assert score["measured_by"] == "its best checkpoint"
    assert "its best checkpoint" in mabe("slices", "show", "all").stdout
    mabe("slices", "rm", "all")
    with pytest.raises(RunError, match="no slice 'all'"):
        mabe("slices", "show", "all")
