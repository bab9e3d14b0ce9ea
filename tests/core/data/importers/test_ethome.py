"""A real video: DeepLabCut's table and BORIS's file equal its form in the competition's layout."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.data.check import check
from core.data.competition import read_bouts, read_tracking, read_videos
from core.data.importers.formats import look_at
from core.data.importers.importing import ImportReport, import_videos
from core.data.importers.mapping import Mapping, read_mapping
from core.data.importers.suggestion import completed, write_suggestion
from core.data.keypoints import MARS_7
from core.data.labels import ActionMap

VIDEO = "two_mice_20210610T122332"
PREPARED = "900000003"


@pytest.fixture
def sources(real_data: Path) -> list[Path]:
    poses = real_data / "poses"
    return [poses / "deeplabcut" / f"{VIDEO}.csv", poses / "boris" / f"{VIDEO}.csv"]


def imported(sources: list[Path], folder: Path, mapping: Mapping | None = None) -> ImportReport:
    found = look_at(sources)
    whole = completed(mapping or Mapping(), found).mapping
    return import_videos(found, whole, folder)


def test_positions_and_bouts_are_equal(
    real_data: Path, sources: list[Path], tmp_path: Path
) -> None:
    report = imported(sources, tmp_path / "mice")
    (ours,) = read_videos(tmp_path / "mice")
    theirs = next(v for v in read_videos(real_data / "ethome") if v.video_id == PREPARED)
    one, other = (read_tracking(video, MARS_7, 2) for video in (ours, theirs))
    assert one.positions.shape == other.positions.shape == (5700, 2, 7, 2)
    assert np.abs(one.positions - other.positions).max() < 1e-3
    assert (one.mouse_ids, one.dropped, ours.behaviors) == ((1, 2), {}, theirs.behaviors)
    mine, labelled = read_bouts(ours), read_bouts(theirs)
    for field in ("agent", "target", "action", "start", "stop"):
        assert np.array_equal(getattr(mine, field), getattr(labelled, field)), field
    assert (report.videos[0].bouts, report.videos[0].frames_per_second) == (10, 30.0)
    findings = check(
        tmp_path / "mice", ActionMap({"interact": "social"}, ("other", "social")), "mars7"
    )
    assert {p.code for p in findings.problems} == {"single_video", "unknown_action"}


def test_the_suggested_mapping_gives_the_same_files(sources: list[Path], tmp_path: Path) -> None:
    found = look_at(sources)
    write_suggestion(tmp_path / "map.toml", found, completed(Mapping(), found).mapping)
    imported(sources, tmp_path / "a")
    imported(sources, tmp_path / "b", read_mapping(tmp_path / "map.toml"))
    for name in (f"train_tracking/lab/{VIDEO}", f"train_annotation/lab/{VIDEO}"):
        one, other = (pq.read_table(tmp_path / root / f"{name}.parquet") for root in ("a", "b"))
        assert one.equals(other)
    assert (tmp_path / "a/train.csv").read_text() == (tmp_path / "b/train.csv").read_text()


def test_an_edited_mapping_is_followed_and_what_it_drops_is_counted(
    sources: list[Path], tmp_path: Path
) -> None:
    found = look_at(sources)
    write_suggestion(tmp_path / "map.toml", found, completed(Mapping(), found).mapping)
    text = (tmp_path / "map.toml").read_text()
    for old, new in (
        ("likelihood_below = 0.0", "likelihood_below = 0.9"),
        ('tail = "tail_base"', 'tail = ""'),
        ("juvenile = 2", "juvenile = 3"),
        ("target = 2", "target = 3"),
        (
            "# arena_cm = [50, 40]\n# arena_pixels = [800, 640]",
            "arena_cm = [50, 40]\narena_pixels = [800, 640]",
        ),
        ("offset_seconds = 0.0", "offset_seconds = 1.0"),
        ('interact = "interact"', 'interact = "sniff"'),
        (f"# [videos.{VIDEO}]", f'[videos.{VIDEO}]\nid = "{PREPARED}"'),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "map.toml").write_text(text)
    report = imported(sources, tmp_path / "mice", read_mapping(tmp_path / "map.toml"))
    (video,) = read_videos(tmp_path / "mice")
    assert (video.video_id, video.mice, video.pixels_per_cm) == (PREPARED, (1, 3), 16.0)
    assert [each.entry for each in video.behaviors] == ["mouse1,mouse3,sniff"]
    assert read_bouts(video).start[0] == 895 + 30
    omitted = report.videos[0].omitted
    assert omitted.points_unlikely > 1000
    assert omitted.body_parts.keys() == {"tail"}
    tracking = read_tracking(video, MARS_7, 2)
    present = np.isfinite(tracking.positions).all(axis=-1).sum()
    assert (
        present
        == report.videos[0].points
        == 79800 - omitted.points_unlikely - sum(omitted.body_parts.values())
    )
