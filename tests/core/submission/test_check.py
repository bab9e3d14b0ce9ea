"""The check says before what the metric says afterwards, and names the rows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import DataError
from core.evaluation.competition import score
from core.submission.check import SubmissionReport, check_submission
from core.submission.reading import read_submission, read_truth
from tests.core.data.conftest import Layout, regular

LISTED = ["mouse1,mouse2,sniff", "mouse1,mouse2,attack", "mouse1,mouse2,mount", "mouse2,self,rear"]
BOUTS = [(1, 2, "sniff", 0, 6), (1, 2, "attack", 6, 8), (2, 2, "rear", 4, 8)]
Row = tuple[object, ...]
SNIFF: Row = (0, "7", "mouse1", "mouse2", "sniff", 0, 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two annotated and tracked videos of 10 frames; the lab lists `mount`, and never has it."""
    layout = Layout(tmp_path / "data")
    for video in ("7", "8"):
        layout.add(video, regular(10), BOUTS, behaviors_labeled=json.dumps(LISTED))
    return layout.write()


def checked(folder: Path, *rows: Row, columns: str = "", **more: object) -> SubmissionReport:
    path = folder.parent / "submission.csv"
    named = columns or "row_id video_id agent_id target_id action start_frame stop_frame"
    pd.DataFrame(list(rows), columns=named.split()).to_csv(path, index=False)
    return check_submission(path, folder, **more)  # type: ignore[arg-type]


def found(report: SubmissionReport) -> dict[str, tuple[str, int]]:
    return {each.code: (each.consequence, each.count) for each in report.findings}


def test_the_truth_is_clean(folder: Path) -> None:
    path = folder.parent / "truth.csv"
    read_truth(folder).table.to_csv(path, index_label="row_id")
    report = check_submission(path, folder)
    assert (report.findings, report.accepted) == ((), True)
    assert (report.rows, report.scored_rows, report.videos_without_rows) == (6, 6, 0)
    assert (report.table, report.tracked, report.annotated_labs) == ("train", 2, 1)


@pytest.mark.parametrize(
    ("row", "code", "consequence"),
    [
        ((1, "7", "mouse1", "mouse2", "attack", 3, 9), "overlap", "rejected"),
        ((1, "7", "mouse1", "mouse2", "sniff", 9, 8), "start_after_stop", "rejected"),
        ((1, "gone", "mouse1", "mouse2", "sniff", 9, 8), "start_after_stop", "rejected"),
        ((1, "7", "mouse1", "mouse2", "sniff", "x", 8), "no_frame_number", "rejected"),
        ((1, "7", "mouse1", "mouse2", "sniff", "6.5", 8), "no_frame_number", "rejected"),
        ((1, "7", "mouse1", "mouse2", "sniff", 6, 2**40), "no_frame_number", "rejected"),
        ((1, "7", "mouse1", None, "sniff", 6, 8), "empty_value", "rejected"),
        ((1, "7", "mouse1", "mouse2", "sniff", "6.0", 8), "decimal_frames", "may be rejected"),
        ((0, "7", "mouse1", "mouse2", "sniff", 6, 8), "row_id", "may be rejected"),
        ((1, "7", "mouse1", "mouse2", "mount", 6, 8), "never_annotated", "costs points"),
        ((1, "7", "mouse1", "mouse2", "mount", 6, 6), "never_annotated", "costs points"),
        ((1, "7", "mouse1", "mouse2", "sniff", -2, 0), "before_start", "costs points"),
        ((1, "7", "mouse1", "mouse2", "sniff", 6, 11), "past_end", "costs points"),
        ((1, "gone", "mouse1", "mouse2", "attack", 0, 9), "unknown_video", "scores nothing"),
        ((1, "7", "mouse2", "mouse1", "sniff", 0, 9), "unlisted", "scores nothing"),
        ((1, "7", "mouse2", "mouse2", "rear", 0, 9), "target_by_number", "scores nothing"),
        ((1, "7", "mouse1", "mouse2", "sniff", 6, 6), "no_frames", "scores nothing"),
        ((1, "7", "mouse1", "mouse2", "sniff", 0, 4), "repeated", "scores nothing"),
    ],
)  # fmt: skip
def test_each_fault_is_found_and_named(folder: Path, row: Row, code: str, consequence: str) -> None:
    report = checked(folder, SNIFF, row)
    findings = found(report)
    assert findings.pop(code) == (consequence, 1)
    findings.pop("no_frames", None)  # of the listed action that is never annotated
    assert findings == {}
    assert report.accepted == (consequence != "rejected")
    place = "from row 1" if code == "never_annotated" else "row 1"
    assert place in next(each for each in report.findings if each.code == code).places[0]


def test_files_that_are_no_submission(folder: Path) -> None:
    assert found(checked(folder))["no_rows"] == ("rejected", 1)
    report = checked(folder, ("7", "mouse1", 0), columns="video_id agent_id stop_frame")
    assert found(report)["missing_column"] == ("rejected", 3)
    assert not report.accepted
    (folder.parent / "submission.csv").write_text("")
    with pytest.raises(DataError, match="is empty"):
        check_submission(folder.parent / "submission.csv", folder)


def test_without_tracking_and_annotations_less_is_checked(folder: Path) -> None:
    test = pd.read_csv(folder / "train.csv", dtype=str)
    test.to_csv(folder / "test.csv", index=False)
    (folder / "train.csv").unlink()
    report = checked(folder, SNIFF, (1, "7", "mouse1", "mouse2", "mount", 6, 99))
    assert (report.table, report.tracked, report.annotated_labs) == ("test", 0, 0)
    assert report.findings == ()


def test_places_are_limited_unless_all_are_asked_for(folder: Path) -> None:
    rows = [(n, "7", "mouse1", "mouse2", "sniff", 9 + n, 9) for n in range(1, 9)]
    (some,) = checked(folder, *rows).findings
    (every,) = checked(folder, *rows, every_place=True).findings
    assert (some.count, len(some.places), some.more_places) == (8, 5, 3)
    assert (every.count, len(every.places), every.more_places) == (8, 8, 0)


@pytest.mark.parametrize("seed", range(40))
def test_it_accepts_what_the_metric_accepts(folder: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(rng.integers(1, 8)):
        start = int(rng.integers(0, 10))
        stop = start + int(rng.integers(-1, 4)) if rng.random() < 0.1 else start + 2
        agent, target, action = LISTED[rng.integers(4)].split(",")
        video = rng.choice(["7", "8", "gone"])
        rows.append((number, video, agent, target, action, start, stop))
    report = checked(folder, *rows)
    try:
        score(read_truth(folder).table, read_submission(folder.parent / "submission.csv"))
    except DataError:
        assert not report.accepted
    else:
        assert report.accepted
