import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import preparation
from core.data.competition import labelled, read_bouts, read_tracking, read_videos
from core.data.keypoints import MARS_7
from core.data.manifest import MANIFEST, omissions, source_fingerprint
from core.data.prepared import BOUTS, open_prepared, prepare
from core.errors import DataError


def prepared(root: Path, cache: Path, **options: Any) -> Any:
    return prepare(root, cache, "mars7", 2, **({"workers": 1} | options))


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def test_every_video_is_a_slice_of_one_array(three_videos: Path, cache: Path) -> None:
    data = prepared(three_videos, cache)
    assert data.positions.shape == (16, 2, 7, 2)
    assert [(v.video_id, v.offset, v.frames) for v in data.videos] == [
        ("a", 0, 4),
        ("b", 4, 7),
        ("c", 11, 5),
    ]
    for index, video in enumerate(read_videos(three_videos)):
        expected = read_tracking(video, MARS_7, 2).positions
        np.testing.assert_array_equal(data.positions_of(index), expected)
        bouts, found = read_bouts(video), data.bouts_of(index)
        for column in ("agent", "target", "action", "start", "stop"):
            assert getattr(found, column).tolist() == getattr(bouts, column).tolist()


def test_the_manifest_knows_the_videos(three_videos: Path, cache: Path) -> None:
    data = prepared(three_videos, cache)
    video = data.videos[1]
    assert (video.lab_id, video.frames_per_second, video.pixels_per_cm) == ("lab", 30.0, 16.0)
    assert (video.width, video.height, video.mouse_ids) == (100, 80, (1, 2))
    assert [behavior.action for behavior in video.behaviors] == ["sniff"]
    assert data.slots == MARS_7


def test_the_source_is_the_same_for_other_slots_and_another_for_other_files(
    three_videos: Path, cache: Path, layout: Any
) -> None:
    first = prepared(three_videos, cache).videos
    slots = prepare(three_videos, cache, "mabe18", 3, workers=1).videos
    layout.add("b", bouts=[(1, 2, "sniff", 1, 2)])
    layout.rows.pop()
    changed = prepared(three_videos, cache).videos
    assert [video.source for video in first] == [video.source for video in slots]
    assert [a.source == b.source for a, b in zip(first, changed, strict=True)] == [
        True,
        False,
        True,
    ]
    assert source_fingerprint(first) == source_fingerprint(reversed(slots))
    assert source_fingerprint(first) != source_fingerprint(changed)
    assert source_fingerprint(first[::2]) == source_fingerprint(changed[::2])


def test_the_array_is_a_read_only_map(three_videos: Path, cache: Path) -> None:
    data = prepared(three_videos, cache)
    assert isinstance(data.positions, np.memmap)
    assert not data.positions.flags.writeable


def test_a_second_prepare_only_opens(
    three_videos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared(three_videos, cache)
    monkeypatch.setattr(preparation, "prepare_video", None)
    again = prepared(three_videos, cache)
    assert again.folder == first.folder
    assert again.fingerprint == first.fingerprint == open_prepared(first.folder).fingerprint


def test_progress_counts_videos(three_videos: Path, cache: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    prepared(three_videos, cache, progress=lambda *state: seen.append(state))
    assert seen == [(1, 3, "videos"), (2, 3, "videos"), (3, 3, "videos")]


def test_changed_data_and_settings_are_prepared_anew(
    three_videos: Path, cache: Path, layout: Any
) -> None:
    first = prepared(three_videos, cache)
    os.utime(layout.tracking_path("b"), ns=(1, 1))
    touched = prepared(three_videos, cache)
    assert touched.folder != first.folder
    assert touched.fingerprint == first.fingerprint  # the same content
    layout.rows.clear()
    layout.add("a", [(0, 1, "nose", 5, 5)])
    layout.write()
    changed = prepared(three_videos, cache)
    assert changed.positions.shape[0] == 1
    assert changed.fingerprint != first.fingerprint
    assert prepare(three_videos, cache, "mabe18", 2, 1).folder != changed.folder
    assert prepare(three_videos, cache, "mars7", 1, 1).folder != changed.folder


def test_the_source_is_never_written_to(three_videos: Path, cache: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in three_videos.rglob("*"))
    prepared(three_videos, cache)
    assert sorted((path, path.stat().st_mtime_ns) for path in three_videos.rglob("*")) == before


def test_a_bad_video_is_named_after_all_were_tried(
    three_videos: Path, cache: Path, layout: Any
) -> None:
    damage(layout.tracking_path("a"))
    damage(layout.annotation_path("c"))
    with pytest.raises(DataError) as error:
        prepared(three_videos, cache)
    text = str(error.value)
    assert text.startswith("2 videos cannot be prepared")
    assert str(layout.tracking_path("a")) in text
    assert str(layout.annotation_path("c")) in text
    assert "\n" not in text
    assert not list(cache.rglob(MANIFEST))


def test_bad_videos_can_be_skipped_and_are_listed(
    three_videos: Path, cache: Path, layout: Any
) -> None:
    damage(layout.tracking_path("a"))
    damage(layout.annotation_path("c"))
    data = prepared(three_videos, cache, skip_bad=True)
    assert [video.video_id for video in data.videos] == ["b"]
    assert [video.video_id for video in data.manifest.unreadable] == ["a", "c"]
    assert data.bouts_of(0).stop.tolist() == [3, 7]
    (video,) = [video for video in read_videos(three_videos) if video.video_id == "b"]
    np.testing.assert_array_equal(data.positions_of(0), read_tracking(video, MARS_7, 2).positions)
    # rows laid out for c belong to nobody, and must not look like positions
    assert np.isnan(data.positions[7:]).all()


def test_what_was_skipped_stays_so_and_is_told(
    three_videos: Path, cache: Path, layout: Any
) -> None:
    damage(layout.tracking_path("a"))
    layout.annotation_path("c").unlink()
    skipped = prepared(three_videos, cache, skip_bad=True)
    data = prepared(three_videos, cache)  # as a run asks for it
    assert data.folder == skipped.folder
    told = dict(omissions(data.manifest))
    assert told["videos_without_files"] == "1 labelled video left out (c: no annotation file)"
    assert str(layout.tracking_path("a")) in told["videos_unreadable"]
    assert told.keys() == {"videos_without_files", "videos_unreadable"}


def test_points_far_off_are_told(layout: Any, cache: Path) -> None:
    layout.add("a", [(0, 1, "nose", 5, 5), (1, 1, "nose", 1e30, 5)])
    data = prepared(layout.write(), cache)
    assert np.nanmax(data.positions) == 5
    assert dict(omissions(data.manifest))["points_far_off"].startswith("1 point")


def test_frame_numbers_of_a_clock_are_refused_by_file(layout: Any, cache: Path) -> None:
    layout.add("a")
    layout.add("b", [(10**9, 1, "nose", 5, 5)])
    root = layout.write()
    with pytest.raises(DataError, match=r"b\.parquet: column 'video_frame' goes up to 1000000000"):
        prepared(root, cache)
    with pytest.raises(DataError, match=r"b\.parquet: column 'video_frame' is 1000000000 in row 0"):
        read_tracking(read_videos(root)[1], MARS_7, 2)


def test_nothing_but_bad_videos(three_videos: Path, cache: Path, layout: Any) -> None:
    for video in "abc":
        damage(layout.tracking_path(video))
    with pytest.raises(DataError, match="3 videos cannot be prepared"):
        prepared(three_videos, cache, skip_bad=True)


def test_missing_files_are_listed(three_videos: Path, cache: Path, layout: Any) -> None:
    layout.tracking_path("b").unlink()
    data = prepared(three_videos, cache)
    assert [(v.video_id, v.reason) for v in data.manifest.without_files] == [
        ("b", "no tracking file")
    ]


def test_no_labels_and_no_files(three_videos: Path, cache: Path, layout: Any) -> None:
    shutil.rmtree(three_videos / "train_tracking")
    with pytest.raises(DataError, match=r"none of the 3 labelled videos .*3 × no tracking file"):
        prepared(three_videos, cache)
    for row in layout.rows:
        row["behaviors_labeled"] = ""
    layout.write()
    with pytest.raises(DataError, match="no video has behaviors_labeled"):
        prepared(three_videos, cache)


def test_a_cache_that_cannot_be_made(three_videos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        prepared(three_videos, tmp_path / "file" / "cache")


@pytest.mark.parametrize("name", [MANIFEST, preparation.POSITIONS, BOUTS])
def test_a_damaged_folder_is_made_again(three_videos: Path, cache: Path, name: str) -> None:
    first = prepared(three_videos, cache)
    positions = np.array(first.positions)
    damage(first.folder / name)
    again = prepared(three_videos, cache)
    np.testing.assert_array_equal(again.positions, positions)
    assert len(again.bouts_of(2)) == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"{", "damaged"), (b'{"format_version": 99}', "format version 99"), (None, "not a prepared")],
)
def test_a_manifest_that_cannot_be_used(
    three_videos: Path, cache: Path, content: bytes | None, problem: str
) -> None:
    manifest = prepared(three_videos, cache).folder / MANIFEST
    manifest.unlink()
    if content is not None:
        manifest.write_bytes(content)
    with pytest.raises(DataError, match=problem):
        open_prepared(manifest.parent)


def test_real_data(real_data: Path, cache: Path) -> None:
    data = prepare(real_data / "ethome", cache, "mabe18", 4, workers=1)
    usable, _ = labelled(read_videos(real_data / "ethome"))
    assert data.positions.shape == (35400, 4, 18, 2)
    assert sum(len(data.bouts_of(index)) for index in range(len(data.videos))) == 62
    expected = read_tracking(usable[3], data.slots, 4).positions
    np.testing.assert_array_equal(data.positions_of(3), expected)
