import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.competition import (
    LabeledBehavior,
    labelled,
    read_bouts,
    read_tracking,
    read_videos,
)
from core.data.keypoints import MARS_7, SLOTS_18, slot_of
from core.errors import DataError


def test_a_row_becomes_a_video(layout: Any) -> None:
    layout.add("7", behaviors_labeled=json.dumps(["mouse1,mouse2,sniff", "mouse2,self,rear"]))
    root = layout.write()
    (video,) = read_videos(root)
    assert (video.lab_id, video.video_id, video.row) == ("lab", "7", 2)
    assert (video.frames_per_second, video.duration_seconds) == (30.0, 0.3)
    assert (video.pixels_per_cm, video.width, video.height) == (16.0, 100, 80)
    assert video.mice == (1, 2)
    assert video.body_parts == ("nose", "neck")
    assert video.behaviors == (LabeledBehavior(1, 2, "sniff"), LabeledBehavior(2, 2, "rear"))
    assert video.malformed == ()
    assert video.tracking_path == root / "train_tracking" / "lab" / "7.parquet"
    assert video.annotation_path == root / "train_annotation" / "lab" / "7.parquet"


def test_unknown_scale_and_size_are_none(layout: Any) -> None:
    layout.add("7", pix_per_cm_approx="", video_width_pix="", video_height_pix="nan")
    (video,) = read_videos(layout.write())
    assert (video.pixels_per_cm, video.width, video.height) == (None, None, None)


def test_stray_quotes_are_mended_repeats_merged_and_nonsense_left_out(layout: Any) -> None:
    entries = ["'mouse1','mouse2','sniff'", "mouse1','mouse2','attack'", "mouse1,mouse2,sniff"]
    layout.add("7", behaviors_labeled=json.dumps([*entries, "mouse1,sniff", "mouse1,cat,chase"]))
    (video,) = read_videos(layout.write())
    assert video.behaviors == (LabeledBehavior(1, 2, "sniff"), LabeledBehavior(1, 2, "attack"))
    assert video.malformed == (*entries[:2], "mouse1,sniff", "mouse1,cat,chase")
    assert video.unscored == (LabeledBehavior(1, 2, "attack"),)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (
            {"frames_per_second": "fast"},
            "line 2, column 'frames_per_second': 'fast' is not a number",
        ),
        ({"frames_per_second": ""}, "column 'frames_per_second': is empty"),
        ({"frames_per_second": "0"}, "must be a number above 0"),
        (
            {"video_duration_sec": "inf"},
            "column 'video_duration_sec': inf must be a number above 0",
        ),
        (
            {"video_duration_sec": "1e300", "frames_per_second": "1e300"},
            "column 'video_duration_sec': 1e+300 s at 1e+300 frames a second is no video's length",
        ),
        ({"behaviors_labeled": "[" * 100_000}, "column 'behaviors_labeled': not a JSON list"),
        ({"behaviors_labeled": "[mouse1"}, "column 'behaviors_labeled': not a JSON list"),
        (
            {"body_parts_tracked": '{"a": 1}'},
            "'body_parts_tracked': must be a JSON list of strings",
        ),
        ({"video_id": "../7"}, "column 'video_id': '../7' cannot be the name of a file"),
        ({"lab_id": ""}, "column 'lab_id': '' cannot be the name of a file"),
    ],
)
def test_values_that_cannot_be_read(layout: Any, cells: dict[str, str], problem: str) -> None:
    layout.rows.append(layout.row("7") | cells)
    root = layout.write()
    with pytest.raises(DataError) as error:
        read_videos(root)
    assert problem in str(error.value)
    assert "train.csv" in str(error.value)


def test_a_video_listed_twice(layout: Any) -> None:
    layout.rows += [layout.row("7"), layout.row("8"), layout.row("7")]
    with pytest.raises(DataError, match="line 4, column 'video_id': '7' is already in line 2"):
        read_videos(layout.write())


def test_missing_columns_are_named(layout: Any) -> None:
    row = layout.row("7")
    del row["frames_per_second"], row["behaviors_labeled"]
    layout.rows.append(row)
    with pytest.raises(DataError, match="no column 'frames_per_second', 'behaviors_labeled'"):
        read_videos(layout.write())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00broken", b"lab_id,video_id\n1,2,3\n"])
def test_not_a_table(layout: Any, content: bytes) -> None:
    root = layout.write()
    (root / "train.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"train\.csv"):
        read_videos(root)


def test_not_a_data_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no train\.csv"):
        read_videos(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read_videos(tmp_path / "absent")


def test_a_table_without_rows(layout: Any) -> None:
    with pytest.raises(DataError, match="lists no videos"):
        read_videos(layout.write())


def test_labelled_says_what_it_leaves_out_and_why(layout: Any) -> None:
    for video in ("good", "unlabelled", "no-tracking", "no-annotation"):
        layout.add(video)
    layout.rows[1]["behaviors_labeled"] = ""
    layout.tracking_path("no-tracking").unlink()
    layout.annotation_path("no-annotation").unlink()
    usable, left_out = labelled(read_videos(layout.write()))
    assert [video.video_id for video in usable] == ["good"]
    assert {video.video_id: reason for video, reason in left_out} == {
        "unlabelled": "not labelled",
        "no-tracking": "no tracking file",
        "no-annotation": "no annotation file",
    }


def test_bouts_are_columns(layout: Any) -> None:
    layout.add("7", bouts=[(1, 2, "sniff", 2, 5), (2, 2, "rear", 5, 5)])
    (video,) = read_videos(layout.write())
    bouts = read_bouts(video)
    assert len(bouts) == 2
    assert bouts.agent.tolist() == [1, 2]
    assert bouts.target.tolist() == [2, 2]
    assert bouts.action.tolist() == ["sniff", "rear"]
    assert (bouts.start.dtype, bouts.start.tolist()) == (np.int64, [2, 5])
    assert (bouts.stop.dtype, bouts.stop.tolist()) == (np.int64, [5, 5])


def test_a_video_without_bouts(layout: Any) -> None:
    layout.add("7", bouts=[])
    (video,) = read_videos(layout.write())
    assert len(read_bouts(video)) == 0


def test_real_tables(real_data: Path) -> None:
    videos = read_videos(real_data / "mabe2025")
    assert len(videos) == 8789
    assert sum(bool(video.behaviors) for video in videos) == 848
    assert Counter(len(video.mice) for video in videos) == {2: 846, 3: 7933, 4: 10}
    assert Counter(video.lab_id for video in videos if video.malformed) == {
        "ReflectiveManatee": 20,
        "DeliriousFly": 6,
    }
    unscored = [(video.lab_id, each.entry) for video in videos for each in video.unscored]
    assert Counter(unscored) == {("ReflectiveManatee", "mouse1,mouse2,attack"): 3}
    (test,) = read_videos(real_data / "mabe2025", "test")
    assert test.lab_id == "AdaptableSnail"
    assert "test_tracking" in test.tracking_path.parts


def test_real_tracking_equals_a_loop_over_its_rows(real_data: Path) -> None:
    usable, left_out = labelled(read_videos(real_data / "ethome"))
    assert (len(usable), left_out) == (4, [])
    video = min(usable, key=lambda video: video.duration_seconds)
    tracking = read_tracking(video, SLOTS_18, max_mice=4)
    frame = pd.read_parquet(video.tracking_path)
    assert tracking.positions.shape == (5700, 4, 18, 2)
    assert tracking.mouse_ids == (1, 2)
    assert (tracking.duplicates, tracking.non_finite, tracking.dropped) == (0, 0, {})
    assert np.isfinite(tracking.positions).sum() == 2 * len(frame)
    for row in frame.sample(200, random_state=0).itertuples():
        slot = slot_of(row.bodypart, SLOTS_18)
        expected = np.array([row.x, row.y], np.float32)
        found = tracking.positions[row.video_frame, row.mouse_id - 1, slot]
        np.testing.assert_array_equal(found, expected)


def test_the_smaller_keypoint_set_is_the_same_points(real_data: Path) -> None:
    usable, _ = labelled(read_videos(real_data / "ethome"))
    small = read_tracking(usable[2], MARS_7, max_mice=2).positions
    large = read_tracking(usable[2], SLOTS_18, max_mice=2).positions
    columns = [SLOTS_18.index(part) for part in MARS_7]
    np.testing.assert_array_equal(small, large[:, :, columns])
    assert np.isfinite(small).all()


def test_real_bouts(real_data: Path) -> None:
    usable, _ = labelled(read_videos(real_data / "ethome"))
    bouts = [read_bouts(video) for video in usable]
    assert sum(map(len, bouts)) == 62
    assert {action for each in bouts for action in each.action} == {"interact"}


def test_threads_change_nothing(layout: Any) -> None:
    layout.add("7")
    (video,) = read_videos(layout.write())
    one = read_tracking(video, SLOTS_18, 2, threads=False)
    two = read_tracking(video, SLOTS_18, 2, threads=True)
    np.testing.assert_array_equal(one.positions, two.positions)


def test_a_frame_number_that_cannot_be_one_names_column_and_row(layout: Any) -> None:
    layout.add("7")
    (video,) = read_videos(layout.write())
    table = pq.read_table(video.annotation_path)
    start = pa.array([2**64 - 1], pa.uint64())
    pq.write_table(table.set_column(3, "start_frame", start), video.annotation_path)
    with pytest.raises(DataError, match="column 'start_frame' is 18446744073709551615 in row 0"):
        read_bouts(video)


def test_annotation_of_a_wrong_type_names_file_and_column(layout: Any) -> None:
    layout.add("7")
    (video,) = read_videos(layout.write())
    table = pq.read_table(video.annotation_path)
    pq.write_table(table.drop_columns(["action"]), video.annotation_path)
    with pytest.raises(DataError, match=r"7\.parquet: has no column 'action'"):
        read_bouts(video)
