import csv
import json

import numpy as np
import pytest

from core.data.competition import read_bouts, read_tracking, read_videos
from core.data.keypoints import SLOTS_18
from core.data.synthetic import like
from core.data.synthetic.schedule import PlannedBout
from core.data.writer import write_annotation, write_train_csv
from core.errors import ConfigError, DataError

HEADPIECE = ["nose", "neck", "tail_base", "headpiece_topbackleft"]
BOUTS = [
    PlannedBout(1, 2, "mount", 60, 200),
    PlannedBout(2, 2, "rear", 100, 100),
    PlannedBout(3, 1, "attack", 120, 180),
    PlannedBout(1, 3, "serenade", 250, 290),
    PlannedBout(2, 1, "sniff", 280, 310),
]


@pytest.fixture
def real(tmp_path):
    """Two labelled videos (one without its annotation file) and one that is not labelled."""
    root = tmp_path / "real"
    row = {
        "lab_id": "L",
        "mouse1_strain": "CD-1, white",
        "mouse2_sex": "male",
        "mouse3_id": 3.0,
        "frames_per_second": 30.0,
        "video_duration_sec": 10.0,
        "pix_per_cm_approx": 10.0,
        "video_width_pix": 640,
        "video_height_pix": 480,
        "arena_width_cm": 40.0,
        "arena_height_cm": 30.0,
        "body_parts_tracked": json.dumps(HEADPIECE),
        "behaviors_labeled": '["mouse1,mouse2,mount"]',
    }
    rows = [
        {**row, "video_id": 11},
        {**row, "video_id": 12},
        {**row, "video_id": 13, "behaviors_labeled": ""},
    ]
    write_train_csv(root / "train.csv", rows)
    write_annotation(root / "train_annotation/L/11.parquet", BOUTS)
    return root


def copy(real, into, **options):
    return like(real / "train.csv", real / "train_annotation", into, workers=1, **options)


def test_copies_the_row_and_the_bouts_and_makes_the_tracking(real, tmp_path):
    summary = copy(real, tmp_path / "twin")
    assert (summary.videos, summary.frames, summary.bouts) == (1, 310, 5)
    with (real / "train.csv").open() as before, (tmp_path / "twin/train.csv").open() as after:
        assert list(csv.DictReader(after)) == list(csv.DictReader(before))[:1]
    (video,) = read_videos(tmp_path / "twin")
    bouts = read_bouts(video)
    assert bouts.start.tolist() == [60, 100, 120, 250, 280]
    assert bouts.stop.tolist() == [200, 100, 180, 290, 310]
    tracking = read_tracking(video, SLOTS_18, 4)
    assert tracking.frames == 310, "labels run a little past frame rate × duration"
    assert tracking.mouse_ids == (1, 2, 3)
    assert set(tracking.dropped) == {"headpiece_topbackleft"}
    centres = np.nanmean(tracking.positions[:, :3, [0, 3, 9]], axis=2)
    apart = np.hypot(*(centres[:, 0] - centres[:, 1]).T) / 85
    assert np.nanmedian(apart[90:200]) < 0.6, "one is on the other"


def test_unlabelled_videos_on_request(real, tmp_path):
    summary = copy(real, tmp_path / "twin", labelled_only=False)
    assert (summary.videos, summary.frames, summary.bouts) == (3, 310 + 300 + 300, 5)


def test_a_draw_of_the_real_table(real_data, tmp_path):
    source = real_data / "mabe2025"
    summaries = [
        like(
            source / "train.csv", source / "train_annotation", tmp_path / "x", 2, seed=4, workers=1
        )
        for _ in range(2)
    ]
    assert [summary.written for summary in summaries] == [2, 0]
    for video in read_videos(tmp_path / "x"):
        original = source / "train_annotation" / video.lab_id / f"{video.video_id}.parquet"
        of_original = read_bouts(
            next(v for v in read_videos(source) if v.video_id == video.video_id)
        )
        assert original.is_file()
        assert read_bouts(video).start.tolist() == of_original.start.tolist()
        tracking = read_tracking(video, SLOTS_18, 4)
        nominal = round(video.frames_per_second * video.duration_seconds)
        assert nominal <= tracking.frames <= 1.1 * nominal


def test_what_cannot_be_copied_is_said_in_one_line(real, tmp_path):
    with pytest.raises(DataError, match=r"other\.csv: no such file"):
        like(real / "other.csv", real, tmp_path / "twin")
    with pytest.raises(DataError, match="no such folder"):
        like(real / "train.csv", real / "nowhere", tmp_path / "twin")
    with pytest.raises(ConfigError, match="videos: 0"):
        copy(real, tmp_path / "twin", videos=0)
    with pytest.raises(DataError, match="no labelled video has its annotation"):
        like(real / "train.csv", tmp_path, tmp_path / "twin")
    write_annotation(real / "train_annotation/L/12.parquet", [PlannedBout(1, 90, "sniff", 0, 5)])
    with pytest.raises(DataError, match=r"12\.parquet: mouse ids 1, 2, 3, 90"):
        copy(real, tmp_path / "twin")
    assert not (tmp_path / "twin").exists()
