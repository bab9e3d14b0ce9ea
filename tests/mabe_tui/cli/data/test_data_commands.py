import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import Result

from core.errors import ConfigError, DataError
from mabe_tui.cli.data import data_remote
from mabe_tui.cli.terminal.output import progress
from mabe_tui.launch.data_messages import DownloadRequest

Mabe = Callable[..., Result]
SIZE = ("--videos", "3", "--frames", "300")


@pytest.fixture
def data(invoke: Mabe, tmp_path: Path) -> Path:
    invoke("data", "synth", "mice", *SIZE)
    return tmp_path / "mice"


def test_what_synth_makes_passes_the_check(invoke: Mabe, data: Path) -> None:
    result = invoke("data", "check", str(data), "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["videos"], report["usable"], report["frames"]) == (3, 3, 900)
    assert report["class_frames"]["social"] > 0
    assert not [problem for problem in report["problems"] if problem["severity"] == "error"]


def test_check_exits_1_where_training_would_stop(invoke: Mabe, data: Path) -> None:
    tracking = next((data / "train_tracking").rglob("*.parquet"))
    tracking.write_bytes(tracking.read_bytes()[:100])
    result = invoke("data", "check", str(data))
    assert result.exit_code == 1
    assert tracking.name in result.stdout
    assert any(line.startswith("error: 1 file") for line in result.stdout.splitlines())


def test_check_knows_the_actions_that_were_set(invoke: Mabe, data: Path) -> None:
    before = json.loads(invoke("data", "check", str(data), "--json").stdout)
    action = max(before["bouts_per_action"], key=before["bouts_per_action"].get)
    mapped = f"actions.{action}=aggressive"
    after = json.loads(invoke("data", "check", str(data), "--json", "--set", mapped).stdout)
    assert after["class_frames"]["aggressive"] > before["class_frames"]["aggressive"]


def test_data_of_a_task_without_classes_of_frames(invoke: Mabe, data: Path) -> None:
    result = invoke("data", "check", str(data), "--version", "v8")
    assert result.exit_code == 0
    assert "classes:" not in result.stdout
    report = json.loads(invoke("data", "check", str(data), "--version", "v8", "--json").stdout)
    assert (report["class_frames"], report["bouts"] > 0) == ({}, True)
    assert not {p["code"] for p in report["problems"]} & {"unmapped_action", "absent_class"}
    prepared = [
        json.loads(invoke("data", "prepare", str(data), "--version", version, "--json").stdout)
        for version in ("v6", "v8")
    ]
    assert prepared[0] == prepared[1]  # 4 mice and 18 keypoints each


def test_a_download_to_modal_takes_what_the_versions_task_needs(
    invoke: Mabe, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[DownloadRequest] = []
    monkeypatch.setattr(data_remote, "_download_on_modal", lambda order, *_: orders.append(order))
    for version in ("v6", "v8"):
        invoke("data", "download", "mice", "--on", "modal", "--version", version)
    with_classes, without = orders
    assert (with_classes.mice, len(with_classes.classes)) == (4, 4)
    assert (without.keypoints, without.mice, without.actions) == ("mabe18", 4, None)


def test_prepare_once_and_find_it_again(invoke: Mabe, data: Path) -> None:
    first = json.loads(invoke("data", "prepare", str(data), "--json").stdout)
    again = json.loads(invoke("data", "prepare", str(data), "--json").stdout)
    assert first == again
    assert (first["videos"], first["frames"]) == (3, 900)
    assert not str(first["folder"]).startswith(str(data))


def test_a_damaged_video_stops_prepare_unless_it_may_be_left_out(invoke: Mabe, data: Path) -> None:
    tracking = next((data / "train_tracking").rglob("*.parquet"))
    tracking.write_bytes(b"not a parquet file")
    with pytest.raises(DataError, match=tracking.name):
        invoke("data", "prepare", str(data))
    result = invoke("data", "prepare", str(data), "--skip-bad", "--json")
    assert json.loads(result.stdout)["videos"] == 2
    assert f"warning: 1 labelled video left out ({tracking.stem}: " in result.stderr


def test_prepare_tells_of_labelled_videos_without_files(invoke: Mabe, data: Path) -> None:
    tracking = next((data / "train_tracking").rglob("*.parquet"))
    tracking.unlink()
    result = invoke("data", "prepare", str(data))
    assert f"left out ({tracking.stem}: no tracking file)" in result.stderr


def test_waiting_is_told_once_and_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("preparing") as tell:
        tell(0, 0, "waiting for another process")
        tell(0, 0, "waiting for another process")
        tell(3, 3, "videos")
    told = capsys.readouterr().err.splitlines()
    assert told == ["preparing: waiting for another process", "preparing: 3 of 3 videos"]


def test_show_by_lab_and_by_video(invoke: Mabe, data: Path) -> None:
    (lab,) = json.loads(invoke("data", "show", str(data), "--json").stdout)
    assert (lab["videos"], lab["labelled"], lab["mice"]) == (3, 3, "2")
    annotation = next((data / "train_annotation").rglob("*.parquet"))
    bouts = json.loads(invoke("data", "show", str(data), annotation.stem, "--json").stdout)
    assert len(bouts) == pq.read_metadata(annotation).num_rows
    assert {"agent", "action", "class", "start_frame", "stop_frame"} <= bouts[0].keys()
    with pytest.raises(ConfigError, match="no video '7'"):
        invoke("data", "show", str(data), "7")


def test_synth_takes_parts_and_shares(invoke: Mabe, tmp_path: Path) -> None:
    invoke("data", "synth", "one", *SIZE, "--keypoints", "nose", "--shares", "social=0.3")
    tracking = next((tmp_path / "one" / "train_tracking").rglob("*.parquet"))
    assert pq.read_table(tracking)["bodypart"].unique().to_pylist() == ["nose"]
    with pytest.raises(ConfigError, match="--shares"):
        invoke("data", "synth", "two", *SIZE, "--shares", "social")
    assert not (tmp_path / "two").exists()


def test_a_twin_of_a_train_csv(invoke: Mabe, data: Path, tmp_path: Path) -> None:
    invoke("data", "synth", "twin", "--like", str(data / "train.csv"), "--videos", "2")
    (lab,) = json.loads(invoke("data", "show", "twin", "--json").stdout)
    assert lab["videos"] == 2
    annotation = next((tmp_path / "twin" / "train_annotation").rglob("*.parquet"))
    original = data / annotation.relative_to(tmp_path / "twin")
    assert pq.read_table(annotation).equals(pq.read_table(original))


@pytest.mark.parametrize("option", [("--frames", "3000"), ("--noise", "2"), ("--fps", "25")])
def test_what_a_twin_has_of_its_own_cannot_be_stated(
    invoke: Mabe, data: Path, tmp_path: Path, option: tuple[str, str]
) -> None:
    with pytest.raises(ConfigError, match=f"{option[0]} and --like"):
        invoke("data", "synth", "twin", "--like", str(data / "train.csv"), *option)
    assert not (tmp_path / "twin").exists()


def test_a_folder_that_is_none_is_said_in_a_line(invoke: Mabe) -> None:
    for command in ("prepare", "show", "check"):
        with pytest.raises(DataError, match=r"\Anowhere: no such folder[^\n]*\Z"):
            invoke("data", command, "nowhere")


def test_a_train_csv_without_a_column_is_said(invoke: Mabe, data: Path) -> None:
    table = data / "train.csv"
    table.write_text(table.read_text().replace("frames_per_second", "fps", 1))
    with pytest.raises(DataError, match=r"train\.csv.*frames_per_second"):
        invoke("data", "prepare", str(data))


def test_a_tracking_file_of_another_shape_is_said(invoke: Mabe, data: Path) -> None:
    tracking = next((data / "train_tracking").rglob("*.parquet"))
    pq.write_table(pa.table({"frame": [1], "x": [1.0]}), tracking)
    with pytest.raises(DataError, match=rf"{tracking.name}.*video_frame"):
        invoke("data", "prepare", str(data))


def test_a_run_on_too_few_videos_is_refused_before_it_starts(invoke: Mabe, tmp_path: Path) -> None:
    invoke("data", "synth", "one", "--videos", "1", "--frames", "300")
    with pytest.raises(DataError, match="at least two are needed"):
        invoke("run", "v6", "--on", "local", "--data", "one", "--dry-run")


def test_nothing_is_folded_at_80_columns(invoke: Mabe, tmp_path: Path, narrow: None) -> None:
    invoke("data", "synth", str(tmp_path / "mice"), "--videos", "1", "--frames", "600")
    header, _, *rows = (
        invoke("data", "show", str(tmp_path / "mice"), "700000001").stdout.strip().splitlines()
    )
    assert header.split() == ["agent", "target", "action", "class", "start", "stop", "seconds"]
    assert all(len(row.split()) == 7 for row in rows)


def test_check_of_what_is_no_data_folder_is_one_line(invoke: Mabe, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: not a folder"):
        invoke("data", "check", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"has no train\.csv"):
        invoke("data", "check", str(tmp_path))
    report = json.loads(invoke("data", "check", str(tmp_path), "--json").stdout)
    assert [problem["code"] for problem in report["problems"]] == ["unreadable_table"]


def test_a_share_that_cannot_be_is_named(invoke: Mabe) -> None:
    with pytest.raises(ConfigError, match=r"from 0 to below 1 \(look at mating\)$"):
        invoke("data", "synth", "two", "--shares", "social=0.1,mating=1.5")
