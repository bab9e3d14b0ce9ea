import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from filelock import FileLock

from core.data import build
from core.data.competition import labelled, read_bouts, read_tracking, read_videos
from core.data.manifest import NAME
from core.data.prepared import BOUTS, open_prepared, prepare
from core.errors import DataError
from core.features.keypoints import MARS_7


@pytest.fixture
def root(layout: Any) -> Path:
    """Three videos of 4, 7 and 5 frames."""
    nose = [(frame, mouse, "nose", frame, mouse) for frame in range(9) for mouse in (1, 2)]
    for video, frames in (("a", 4), ("b", 7), ("c", 5)):
        points = [point for point in nose if point[0] < frames]
        layout.add(video, points, [(1, 2, "sniff", 1, 3), (2, 2, "rear", 2, frames)])
    return layout.write()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def prepared(root: Path, cache: Path, **options: Any) -> Any:
    return prepare(root, cache, "mars7", 2, **({"workers": 1} | options))


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def test_every_video_is_a_slice_of_one_array(root: Path, cache: Path) -> None:
    data = prepared(root, cache)
    assert data.positions.shape == (16, 2, 7, 2)
    assert [(v.video_id, v.offset, v.frames) for v in data.videos] == [
        ("a", 0, 4),
        ("b", 4, 7),
        ("c", 11, 5),
    ]
    for index, video in enumerate(read_videos(root)):
        expected = read_tracking(video, MARS_7, 2).positions
        np.testing.assert_array_equal(data.positions_of(index), expected)
        bouts, found = read_bouts(video), data.bouts_of(index)
        for column in ("agent", "target", "action", "start", "stop"):
            assert getattr(found, column).tolist() == getattr(bouts, column).tolist()


def test_the_manifest_knows_the_videos(root: Path, cache: Path) -> None:
    data = prepared(root, cache)
    video = data.videos[1]
    assert (video.lab_id, video.frames_per_second, video.pixels_per_cm) == ("lab", 30.0, 16.0)
    assert (video.width, video.height, video.mouse_ids) == (100, 80, (1, 2))
    assert [behavior.action for behavior in video.behaviors] == ["sniff"]
    assert data.slots == MARS_7


def test_the_array_is_a_read_only_map(root: Path, cache: Path) -> None:
    data = prepared(root, cache)
    assert isinstance(data.positions, np.memmap)
    assert not data.positions.flags.writeable


def test_a_second_prepare_only_opens(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared(root, cache)
    monkeypatch.setattr(build, "prepare_video", None)
    again = prepared(root, cache)
    assert again.folder == first.folder
    assert again.fingerprint == first.fingerprint == open_prepared(first.folder).fingerprint


def test_workers_change_nothing(root: Path, tmp_path: Path) -> None:
    one = prepared(root, tmp_path / "one", workers=1)
    two = prepared(root, tmp_path / "two", workers=2)
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(one.positions, two.positions)


def test_progress_counts_videos(root: Path, cache: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    prepared(root, cache, progress=lambda *state: seen.append(state))
    assert seen == [(1, 3, "videos"), (2, 3, "videos"), (3, 3, "videos")]


def test_changed_data_and_settings_are_prepared_anew(root: Path, cache: Path, layout: Any) -> None:
    first = prepared(root, cache)
    os.utime(layout.tracking_path("b"), ns=(1, 1))
    touched = prepared(root, cache)
    assert touched.folder != first.folder
    assert touched.fingerprint == first.fingerprint  # the same content
    layout.rows.clear()
    layout.add("a", [(0, 1, "nose", 5, 5)])
    layout.write()
    changed = prepared(root, cache)
    assert changed.positions.shape[0] == 1
    assert changed.fingerprint != first.fingerprint
    assert prepare(root, cache, "mabe18", 2, 1).folder != changed.folder
    assert prepare(root, cache, "mars7", 1, 1).folder != changed.folder


def test_the_source_is_never_written_to(root: Path, cache: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))
    prepared(root, cache)
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before


def test_an_interrupted_prepare_goes_on(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepared(root, cache / "whole")

    def interrupt(done: int, total: int, what: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(root, cache, progress=interrupt)
    (folder,) = cache.glob("data-*")
    with pytest.raises(DataError, match="not a prepared data folder"):
        open_prepared(folder)
    written = []
    write_slice = build.write_slice
    monkeypatch.setattr(
        build,
        "write_slice",
        lambda job, p: (written.append(job.video.video_id), write_slice(job, p)),
    )
    resumed = prepared(root, cache)
    assert written == ["c"]
    assert resumed.fingerprint == whole.fingerprint
    np.testing.assert_array_equal(resumed.positions, whole.positions)


def test_a_journal_that_says_more_than_the_disk_holds_is_not_believed(
    root: Path, cache: Path
) -> None:
    whole = prepared(root, cache / "whole")
    with pytest.raises(KeyboardInterrupt):
        prepared(root, cache, progress=interrupt_at_once)
    (folder,) = cache.glob("data-*")
    # what a power failure leaves: the journal's line, but not the array's pages
    with (folder / build.POSITIONS).open("r+b") as file:
        file.seek(-16 * 2 * 7 * 2 * 4, os.SEEK_END)
        file.write(bytes(400))
    with (folder / build.JOURNAL).open("ab") as file:
        file.write(b'{"video_id": "b", "torn')
    resumed = prepared(root, cache)
    np.testing.assert_array_equal(resumed.positions, whole.positions)


def interrupt_at_once(done: int, total: int, what: str) -> None:
    raise KeyboardInterrupt


def test_a_bad_video_is_named_after_all_were_tried(root: Path, cache: Path, layout: Any) -> None:
    damage(layout.tracking_path("a"))
    damage(layout.annotation_path("c"))
    with pytest.raises(DataError) as error:
        prepared(root, cache)
    text = str(error.value)
    assert text.startswith("2 videos cannot be prepared")
    assert str(layout.tracking_path("a")) in text
    assert str(layout.annotation_path("c")) in text
    assert "\n" not in text
    assert not list(cache.rglob(NAME))


def test_bad_videos_can_be_skipped_and_are_listed(root: Path, cache: Path, layout: Any) -> None:
    damage(layout.tracking_path("a"))
    damage(layout.annotation_path("c"))
    data = prepared(root, cache, skip_bad=True)
    assert [video.video_id for video in data.videos] == ["b"]
    assert [video.video_id for video in data.manifest.unreadable] == ["a", "c"]
    assert data.bouts_of(0).stop.tolist() == [3, 7]
    (video,) = [video for video in read_videos(root) if video.video_id == "b"]
    np.testing.assert_array_equal(data.positions_of(0), read_tracking(video, MARS_7, 2).positions)
    # rows laid out for c belong to nobody, and must not look like positions
    assert np.isnan(data.positions[7:]).all()
    with pytest.raises(DataError, match="2 videos cannot be prepared"):
        prepared(root, cache)


def test_nothing_but_bad_videos(root: Path, cache: Path, layout: Any) -> None:
    for video in "abc":
        damage(layout.tracking_path(video))
    with pytest.raises(DataError, match="3 videos cannot be prepared"):
        prepared(root, cache, skip_bad=True)


def test_missing_files_are_listed(root: Path, cache: Path, layout: Any) -> None:
    layout.tracking_path("b").unlink()
    data = prepared(root, cache)
    assert [(v.video_id, v.reason) for v in data.manifest.without_files] == [
        ("b", "no tracking file")
    ]


def test_no_labels_and_no_files(root: Path, cache: Path, layout: Any) -> None:
    shutil.rmtree(root / "train_tracking")
    with pytest.raises(DataError, match=r"none of the 3 labelled videos .*3 × no tracking file"):
        prepared(root, cache)
    for row in layout.rows:
        row["behaviors_labeled"] = ""
    layout.write()
    with pytest.raises(DataError, match="no video has behaviors_labeled"):
        prepared(root, cache)


def test_too_little_space_is_said_before_anything_is_written(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(10, 9, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DataError, match=r"GiB are needed, but 0\.0 are free"):
        prepared(root, cache)
    assert not list(cache.rglob(build.POSITIONS))


def test_a_disk_that_fills_up_on_the_way(root: Path, cache: Path) -> None:
    job = build.Job(read_videos(root)[0], 0, 1, MARS_7, 2, Path("/dev/full"))
    if not job.positions.exists():
        pytest.skip("no /dev/full on this system")
    with pytest.raises(DataError, match="the disk is full"):
        build.write_bytes_at(job.positions, 0, memoryview(b"x"))


def test_a_cache_that_cannot_be_made(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        prepared(root, tmp_path / "file" / "cache")


@pytest.mark.parametrize("name", [NAME, build.POSITIONS, BOUTS])
def test_a_damaged_folder_is_made_again(root: Path, cache: Path, name: str) -> None:
    first = prepared(root, cache)
    positions = np.array(first.positions)
    damage(first.folder / name)
    again = prepared(root, cache)
    np.testing.assert_array_equal(again.positions, positions)
    assert len(again.bouts_of(2)) == 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"{", "damaged"), (b'{"format_version": 99}', "format version 99"), (None, "not a prepared")],
)
def test_a_manifest_that_cannot_be_used(
    root: Path, cache: Path, content: bytes | None, problem: str
) -> None:
    manifest = prepared(root, cache).folder / NAME
    manifest.unlink()
    if content is not None:
        manifest.write_bytes(content)
    with pytest.raises(DataError, match=problem):
        open_prepared(manifest.parent)


def test_two_processes_may_prepare_the_same_at_once(root: Path, cache: Path) -> None:
    script = """
import sys
from pathlib import Path
from core.data.prepared import prepare
print(prepare(Path(sys.argv[1]), Path(sys.argv[2]), "mars7", 2, workers=1).fingerprint)
"""
    command = [sys.executable, "-c", script, str(root), str(cache)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = {process.communicate(timeout=60)[0].strip() for process in both}
    assert printed == {prepared(root, cache).fingerprint}


def test_killed_and_prepared_again(root: Path, cache: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from core.data.prepared import prepare
def progress(done, total, what):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
prepare(Path(sys.argv[1]), Path(sys.argv[2]), "mars7", 2, workers=1, progress=progress)
"""
    killed = subprocess.run([sys.executable, "-c", script, str(root), str(cache)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not list(cache.rglob(NAME))
    assert prepared(root, cache).fingerprint == prepared(root, cache / "whole").fingerprint


def test_workers_end_when_their_parent_is_killed() -> None:
    script = """
import multiprocessing, os, signal
from concurrent.futures import ProcessPoolExecutor
from core.data.build import _end_with_parent
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context, initializer=_end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", script]
    killed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    try:
        worker = psutil.Process(int(killed.stdout))
    except psutil.NoSuchProcess:
        return
    worker.wait(timeout=30)  # raises if it is still there


def test_a_second_process_waits_and_says_so(root: Path, cache: Path) -> None:
    folder = prepared(root, cache).folder
    (folder / NAME).unlink()
    lock = FileLock(folder / ".lock", thread_local=False)
    seen = []

    def progress(done: int, total: int, what: str) -> None:
        seen.append(what)
        lock.release()

    with lock:
        data = prepared(root, cache, progress=progress)
    assert seen[0].startswith("waiting for another process")
    assert len(data.videos) == 3


def test_real_data(real_data: Path, cache: Path) -> None:
    data = prepare(real_data / "ethome", cache, "mabe18", 4, workers=1)
    usable, _ = labelled(read_videos(real_data / "ethome"))
    assert data.positions.shape == (35400, 4, 18, 2)
    assert sum(len(data.bouts_of(index)) for index in range(len(data.videos))) == 62
    expected = read_tracking(usable[3], data.slots, 4).positions
    np.testing.assert_array_equal(data.positions_of(3), expected)
