import json
import warnings
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.check import Report, check
from core.data.competition import labelled, read_videos
from core.data.findings import KINDS
from core.data.known_faults import SUSPECT_LABELS
from core.data.labels import ActionMap
from core.errors import ConfigError
from tests.core.data.conftest import regular, tracking_table

CLASSES = ("other", "social", "mating", "aggressive")
MAP = ActionMap({"sniff": "social", "mount": "mating", "attack": "aggressive"}, CLASSES)
ALL = [(1, 2, "sniff", 0, 2), (1, 2, "mount", 2, 5), (2, 1, "attack", 6, 8)]
"""Bouts in which nothing is wrong and no class absent."""


def codes(report: Report) -> dict[str, int]:
    """Count what was found, but for a folder of one video being too little: most here are."""
    found = {problem.code: problem.count for problem in report.problems}
    found.pop("single_video", None)
    return found


def places(report: Report, code: str) -> tuple[str, ...]:
    (found,) = [problem.places for problem in report.problems if problem.code == code]
    return found


def test_nothing_to_complain_about(layout: Any) -> None:
    layout.add("7", bouts=ALL)
    layout.add("8", bouts=ALL)
    report = check(layout.write(), MAP)
    assert report.problems == ()
    assert not report.stops_training
    assert (report.videos, report.labelled, report.usable, report.annotations) == (2, 2, 2, 2)
    assert (report.bouts, report.bouts_per_action) == (6, {"sniff": 2, "mount": 2, "attack": 2})
    assert (report.frames, report.frames_estimated) == (20, False)
    assert report.class_frames == {"other": 6, "social": 4, "mating": 6, "aggressive": 4}
    assert report.class_shares["mating"] == pytest.approx(0.3)
    assert report.labelled_per_lab == {"lab": 2}


def test_a_single_video_is_too_little(layout: Any) -> None:
    layout.add("7", bouts=ALL)
    layout.add("8", bouts=ALL)
    layout.tracking_path("8").write_bytes(b"PAR1")
    report = check(layout.write(), MAP)
    assert (report.labelled, report.usable) == (2, 1)  # a damaged video is of no use
    assert places(report, "single_video") == ("lab/7",)
    assert report.stops_training


@pytest.mark.parametrize(
    ("bout", "code"),
    [
        ((1, 2, "sniff", 4, 4), "zero_length_bouts"),
        ((1, 2, "sniff", 5, 4), "reversed_bouts"),
        ((1, 2, "sniff", -1, 4), "bouts_before_start"),
        ((1, 2, "sniff", 8, 11), "bouts_past_end"),
        ((3, 2, "sniff", 1, 2), "unknown_mouse"),
        ((1, 4, "sniff", 1, 2), "unknown_mouse"),
        ((1, 2, "rear", 1, 2), "self_and_pair_mixed"),
        ((1, 1, "sniff", 1, 2), "self_and_pair_mixed"),
    ],
)
def test_bouts(layout: Any, bout: tuple, code: str) -> None:
    layout.add("7", bouts=[*ALL, bout])
    report = check(layout.write(), MAP)
    assert codes(report)[code] == 1
    note = f": mouse{max(bout[:2])}" if code == "unknown_mouse" else ""
    assert places(report, code) == (f"train_annotation/lab/7.parquet, row 3{note}",)
    assert KINDS[code].severity == "warning"


def test_an_action_of_no_class_and_one_of_no_competition(layout: Any) -> None:
    layout.add("7", bouts=[*ALL, (1, 2, "chase", 8, 9), (1, 2, "interact", 9, 10)])
    report = check(layout.write(), MAP)
    assert codes(report) == {"unknown_action": 1, "unmapped_action": 2}
    assert places(report, "unmapped_action") == ("chase (1 bouts)", "interact (1 bouts)")


def test_an_explicit_other_is_no_problem(layout: Any) -> None:
    layout.add("7", bouts=[*ALL, (1, 2, "chase", 8, 9)])
    explicit = ActionMap({**MAP.actions, "chase": "other"}, CLASSES)
    assert codes(check(layout.write(), explicit)) == {}


def test_a_misspelt_keypoint_of_the_version(layout: Any) -> None:
    layout.add("7", bouts=ALL)
    parts = read_videos(layout.write())[0].body_parts
    assert codes(check(layout.write(), MAP, parts)) == {}
    wrong = check(layout.write(), MAP, (*parts[1:], parts[0][::-1]))
    assert codes(wrong)["absent_keypoint"] == 1
    assert places(wrong, "absent_keypoint")[0].startswith(parts[0][::-1])


def test_points(layout: Any) -> None:
    points = [(frame, mouse, "nose", 5.0, 5.0) for frame in range(10) for mouse in (1, 2)]
    points += [
        (0, 1, "nose", 6.0, 6.0),  # again
        (0, 1, "neck", float("nan"), 1.0),
        (1, 1, "neck", 101.0, 1.0),  # right of the picture
        (2, 1, "neck", 1.0, -1.0),  # above it
        (3, 1, "neck", 1e30, 1.0),
        (3, 1, "headpiece_topbackleft", 1.0, 1.0),
        (3, 1, "whisker", 1.0, 1.0),
    ]
    layout.add("7", points, ALL)
    report = check(layout.write(), MAP)
    assert codes(report) == {
        "unknown_body_part": 1,
        "non_finite_points": 1,
        "points_far_off": 1,
        "duplicate_rows": 1,
        "points_outside": 2,
        "dropped_points": 1,
    }
    for code, row in (("duplicate_rows", 0), ("non_finite_points", 21), ("points_far_off", 24)):
        assert places(report, code) == (f"train_tracking/lab/7.parquet, row {row}",)
    assert places(report, "dropped_points") == (
        "train_tracking/lab/7.parquet: headpiece_topbackleft",
    )


def test_points_at_the_origin_and_beyond_32_bits(layout: Any, capfd: Any) -> None:
    points = regular(10)
    layout.add("7", points, ALL)
    table = tracking_table(points)
    x, y = table["x"].to_pylist(), table["y"].to_pylist()
    x[3], y[3], x[9], y[9], x[5] = 0.0, 0.0, 0.0, 0.0, 1e300
    wide = {"x": pa.array(x, pa.float64()), "y": pa.array(y, pa.float64())}
    table = (
        table.drop_columns(["x", "y"]).append_column("x", wide["x"]).append_column("y", wide["y"])
    )
    pq.write_table(table, layout.tracking_path("7"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check(layout.write(), MAP)
    assert codes(report) == {"points_far_off": 1, "points_at_origin": 2}
    file = "train_tracking/lab/7.parquet"
    assert places(report, "points_at_origin") == (f"{file}, rows 3, 9",)
    assert places(report, "points_far_off") == (f"{file}, row 5",)


def test_frames_that_start_late(layout: Any) -> None:
    layout.add("7", [(frame, 1, "nose", 5.0, 5.0) for frame in range(1, 10)], ())
    report = check(layout.write(), MAP)
    assert places(report, "late_start") == ("train_tracking/lab/7.parquet: starts at frame 1",)


def test_more_mice_than_slots(layout: Any) -> None:
    layout.add("7", bouts=ALL)
    report = check(layout.write(), MAP, max_mice=1)
    assert codes(report) == {"mice_left_out": 1}
    assert places(report, "mice_left_out") == ("train_tracking/lab/7.parquet: mouse2",)


def test_the_table(layout: Any) -> None:
    entries = ["'mouse1','mouse2','sniff'", "mouse1,mouse3,sniff"]
    layout.add(
        "7",
        bouts=ALL,
        behaviors_labeled=json.dumps(entries),
        body_parts_tracked=json.dumps(["nose", "nek"]),
        video_duration_sec=60,
    )
    report = check(layout.write(), MAP)
    assert codes(report) == {
        "malformed_behaviors": 1,
        "undeclared_mouse": 1,
        "untracked_mouse": 1,
        "unknown_body_part": 1,
        "frames_disagree": 1,
    }
    assert places(report, "malformed_behaviors") == (f"train.csv, line 2: {entries[0]}",)
    assert "nek" in places(report, "unknown_body_part")[0]
    assert places(report, "untracked_mouse") == (
        "train.csv, line 2: mouse3; tracked: mouse1, mouse2",
    )


def test_a_mouse_without_a_slot_is_tracked_nevertheless(layout: Any) -> None:
    layout.add("7", bouts=ALL)
    assert codes(check(layout.write(), MAP, max_mice=1)) == {"mice_left_out": 1}


def test_labels_that_others_found_wrong(layout: Any) -> None:
    ((lab, (video, *_)),) = SUSPECT_LABELS.items()
    layout.add(video, bouts=ALL)
    assert "suspect_labels" not in codes(check(layout.write(), MAP))  # of another lab
    layout.rows[0]["lab_id"] = lab
    assert places(check(layout.write(), MAP), "suspect_labels") == (f"{lab}/{video}",)


def test_files_that_are_missing_unlisted_or_damaged(layout: Any) -> None:
    for video in (
        "good",
        "no-tracking",
        "no-annotation",
        "bad-tracking",
        "bad-annotation",
        "extra",
    ):
        layout.add(video, bouts=ALL)
    layout.rows.pop()
    layout.tracking_path("no-tracking").unlink()
    layout.annotation_path("no-annotation").unlink()
    layout.tracking_path("bad-tracking").write_bytes(b"PAR1")
    layout.annotation_path("bad-annotation").write_bytes(b"")
    report = check(layout.write(), MAP)
    assert codes(report) == {
        "unreadable_tracking": 1,
        "unreadable_annotation": 1,
        "missing_tracking": 1,
        "missing_annotation": 1,
        "unlisted_file": 2,
    }
    assert report.stops_training
    assert [problem.severity for problem in report.problems][:2] == ["error"] * 2
    assert "bad-tracking.parquet" in places(report, "unreadable_tracking")[0]
    assert report.frames_estimated


def test_a_folder_of_parts_is_named(layout: Any) -> None:
    for video in ("7", "8", "9", "10"):
        layout.add(video, bouts=ALL)
    for path in (layout.tracking_path("9"), layout.annotation_path("10")):
        path.unlink()
        path.mkdir()
        (path / "part-00000.parquet").touch()
    report = check(layout.write(), MAP)
    assert codes(report) == {"folder_of_parts": 2}
    assert places(report, "folder_of_parts") == (
        "train_tracking/lab/9.parquet",
        "train_annotation/lab/10.parquet",
    )
    assert report.usable == 2
    reasons = [left.reason for left in labelled(read_videos(layout.root))[1]]
    assert reasons == ["tracking is a folder, not one file", "annotation is a folder, not one file"]


def test_no_tracking_at_all_is_one_problem(layout: Any) -> None:
    for video in ("a", "b", "c"):
        layout.add(video, bouts=[*ALL, (1, 2, "sniff", 12, 14)])
        layout.tracking_path(video).unlink()
    report = check(layout.write(), MAP)
    assert codes(report) == {"no_tracking": 3, "bouts_past_end": 3, "labels_outlast_video": 3}
    assert report.stops_training
    assert (report.frames, report.frames_estimated) == (27, True)  # 30 fps × 0.3 s


def test_classes_that_nobody_shows(layout: Any) -> None:
    layout.add("7", bouts=ALL[:1])
    report = check(layout.write(), MAP)
    assert places(report, "absent_class") == ("mating", "aggressive")


def test_labels_that_look_inclusive(layout: Any) -> None:
    chain = [(1, 2, "sniff", 2 * number, 2 * number + 1) for number in range(5)]
    layout.add("7", bouts=[*ALL, *chain])
    assert codes(check(layout.write(), MAP))["inclusive_labels"] == 1


def test_places_are_few_and_counts_whole(layout: Any) -> None:
    for number in range(8):
        layout.add(f"v{number}", bouts=[*ALL, (1, 2, "sniff", 4, 4), (1, 2, "sniff", 5, 5)])
    (problem,) = check(layout.write(), MAP).problems
    assert (problem.count, problem.videos, len(problem.places)) == (16, 8, 5)
    assert problem.places[0].endswith("rows 3, 4")
    assert problem.more_places == 3
    (problem,) = check(layout.root, MAP, every_place=True).problems
    assert (len(problem.places), problem.more_places) == (8, 0)


def test_rows_are_few_or_all(layout: Any) -> None:
    layout.add("7", bouts=[*ALL, *[(1, 2, "sniff", 4, 4)] * 5])
    layout.add("8", bouts=ALL)
    file = "train_annotation/lab/7.parquet"
    few = places(check(layout.write(), MAP), "zero_length_bouts")
    assert few == (f"{file}, rows 3, 4, 5 and 2 more",)
    every = places(check(layout.root, MAP, every_place=True), "zero_length_bouts")
    assert every == (f"{file}, rows 3, 4, 5, 6, 7",)


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    report = check(tmp_path, MAP)
    assert codes(report) == {"unreadable_table": 1}
    assert report.stops_training


def test_a_file_for_a_folder_and_an_empty_table(tmp_path: Path) -> None:
    table = tmp_path / "train.csv"
    table.touch()
    assert places(check(table, MAP), "unreadable_table")[0].startswith(f"{table}: not a folder")
    assert places(check(tmp_path, MAP), "unreadable_table")[0].startswith(f"{table}: is empty")


def test_unknown_keypoints(layout: Any) -> None:
    with pytest.raises(ConfigError, match="'mars8' is not one of mars7, mabe18"):
        check(layout.write(), MAP, keypoints="mars8")


def test_a_report_is_plain_data(layout: Any) -> None:
    layout.add("7", bouts=[*ALL, (1, 2, "sniff", 4, 4)])
    report = check(layout.write(), MAP)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_progress(layout: Any) -> None:
    layout.add("a", bouts=ALL)
    layout.add("b", bouts=ALL)
    seen: list[tuple[int, int, str]] = []
    check(layout.write(), MAP, progress=lambda *state: seen.append(state))
    assert seen == [(1, 2, "videos"), (2, 2, "videos")]


def test_every_kind_says_what_to_think_of_it() -> None:
    for kind in KINDS.values():
        assert kind.severity in ("error", "warning", "note")
        assert kind.unit
        assert kind.meaning
        assert "\n" not in kind.meaning


def test_real_pose(real_data: Path) -> None:
    report = check(real_data / "ethome", ActionMap({"interact": "social"}, CLASSES))
    expected = {"unknown_action": 1, "absent_class": 2, "points_outside": 48, "identity_swaps": 4}
    assert codes(report) == expected
    assert (report.frames, report.class_frames["social"]) == (35400, 4092)


def test_real_annotations_without_tracking(real_data: Path) -> None:
    report = check(real_data / "mabe2025", MAP)
    found = codes(report)
    assert (report.videos, report.labelled, report.annotations) == (8789, 848, 775)
    assert found["no_tracking"] == 8789
    assert found["missing_annotation"] == 73
    assert found["malformed_behaviors"] == 58
    assert found["zero_length_bouts"] == 5
    assert found["bouts_past_end"] == 1104
    assert found["suspect_labels"] == 4
    assert "CalMS21_task1" in " ".join(places(report, "inclusive_labels"))
    assert "unknown_mouse" not in found
    assert "unknown_action" not in found
