"""Filling a prepared folder despite interruptions, other processes and full disks."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from filelock import FileLock

import core.system.lock
from core.data import preparation
from core.data.manifest import MANIFEST
from core.data.prepared import open_prepared, prepare
from core.data.workers import in_workers
from core.errors import DataError
from tests.waiting import LONG


def prepared(root: Path, cache: Path, **options: Any) -> Any:
    return prepare(root, cache, "mars7", 2, **({"workers": 1} | options))


def test_workers_change_nothing(three_videos: Path, tmp_path: Path) -> None:
    one = prepared(three_videos, tmp_path / "one", workers=1)
    two = prepared(three_videos, tmp_path / "two", workers=2)
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(one.positions, two.positions)


def test_an_interrupted_prepare_goes_on(
    three_videos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepared(three_videos, cache / "whole")

    def interrupt(done: int, total: int, what: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(three_videos, cache, progress=interrupt)
    (folder,) = cache.glob("data-*")
    with pytest.raises(DataError, match="not a prepared data folder"):
        open_prepared(folder)
    written = []
    write_slice = preparation.write_slice
    monkeypatch.setattr(
        preparation,
        "write_slice",
        lambda job, p: (written.append(job.video.video_id), write_slice(job, p)),
    )
    resumed = prepared(three_videos, cache)
    assert written == ["c"]
    assert resumed.fingerprint == whole.fingerprint
    np.testing.assert_array_equal(resumed.positions, whole.positions)


def test_a_journal_that_says_more_than_the_disk_holds_is_not_believed(
    three_videos: Path, cache: Path
) -> None:
    whole = prepared(three_videos, cache / "whole")
    with pytest.raises(KeyboardInterrupt):
        prepared(three_videos, cache, progress=interrupt_at_once)
    (folder,) = cache.glob("data-*")
    # what a power failure leaves: the journal's line, but not the array's pages
    with (folder / preparation.POSITIONS).open("r+b") as file:
        file.seek(-16 * 2 * 7 * 2 * 4, os.SEEK_END)
        file.write(bytes(400))
    with (folder / preparation.JOURNAL).open("ab") as file:
        file.write(b'{"video_id": "b", "torn')
    resumed = prepared(three_videos, cache)
    np.testing.assert_array_equal(resumed.positions, whole.positions)


def interrupt_at_once(done: int, total: int, what: str) -> None:
    raise KeyboardInterrupt


def test_too_little_space_is_said_before_anything_is_written(
    three_videos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(10, 9, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DataError, match=r"64 MiB are needed, but 0 MiB are free"):
        prepared(three_videos, cache)
    assert not list(cache.rglob(preparation.POSITIONS))


def test_a_disk_that_fills_up_on_the_way() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full to write to")
    with pytest.raises(DataError, match="the disk is full"):
        preparation.write_bytes_at(full, 0, memoryview(b"x"))


def test_a_disk_that_is_full_before_the_array_has_a_header(
    three_videos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(np.lib.format, "write_array_header_1_0", no_room)
        with pytest.raises(DataError, match="the disk is full"):
            prepared(three_videos, cache)
    assert not list(cache.rglob(preparation.POSITIONS))
    assert len(prepared(three_videos, cache).videos) == 3


def test_an_empty_array_is_made_again(three_videos: Path, cache: Path) -> None:
    folder = prepared(three_videos, cache).folder
    (folder / preparation.POSITIONS).write_bytes(b"")
    with pytest.raises(DataError, match=r"positions.npy: missing or cut short"):
        open_prepared(folder)
    assert len(prepared(three_videos, cache).videos) == 3


def test_an_interrupted_repair_is_not_taken_for_whole(three_videos: Path, cache: Path) -> None:
    folder = prepared(three_videos, cache).folder
    (folder / preparation.POSITIONS).unlink()
    with pytest.raises(KeyboardInterrupt):
        prepared(three_videos, cache, progress=interrupt_at_once)
    with pytest.raises(DataError, match="not a prepared data folder"):
        open_prepared(folder)


def test_two_processes_may_prepare_the_same_at_once(three_videos: Path, cache: Path) -> None:
    script = """
import sys
from pathlib import Path
from core.data.prepared import prepare
print(prepare(Path(sys.argv[1]), Path(sys.argv[2]), "mars7", 2, workers=1).fingerprint)
"""
    command = [sys.executable, "-c", script, str(three_videos), str(cache)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = {process.communicate(timeout=LONG)[0].strip() for process in both}
    assert printed == {prepared(three_videos, cache).fingerprint}


def test_killed_and_prepared_again(three_videos: Path, cache: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from core.data.prepared import prepare
def progress(done, total, what):
    if done == 2:
        os.kill(os.getpid(), signal.SIGKILL)
prepare(Path(sys.argv[1]), Path(sys.argv[2]), "mars7", 2, workers=1, progress=progress)
"""
    killed = subprocess.run(
        [sys.executable, "-c", script, str(three_videos), str(cache)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not list(cache.rglob(MANIFEST))
    assert (
        prepared(three_videos, cache).fingerprint
        == prepared(three_videos, cache / "whole").fingerprint
    )


def test_workers_need_no_main_module() -> None:
    # from standard input, and without `if __name__ == "__main__"`: a worker could not import either
    script = """
import math
from core.data.workers import in_workers
print(sorted(in_workers(math.sqrt, [4, 9], 2)))
"""
    done = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[2.0, 3.0]\n"


def test_workers_end_when_their_parent_is_killed() -> None:
    script = """
import multiprocessing, os, signal
from concurrent.futures import ProcessPoolExecutor
from core.system.processes import end_with_parent
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context, initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", script]
    killed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    try:
        worker = psutil.Process(int(killed.stdout))
    except psutil.NoSuchProcess:
        return
    worker.wait(timeout=LONG)  # raises if it is still there


def test_an_interrupt_reaches_the_parent_alone() -> None:
    mask = partial(signal.pthread_sigmask, signal.SIG_BLOCK)
    before = mask([])
    found = list(in_workers(mask, [[], []], 2))  # what each worker has blocked
    assert found == [before | {signal.SIGINT}] * 2
    assert mask([]) == before


def test_a_second_process_waits_and_says_so(
    three_videos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.system.lock, "LOOK_SECONDS", 0.01)
    folder = prepared(three_videos, cache).folder
    (folder / MANIFEST).unlink()
    lock = FileLock(folder / ".lock", thread_local=False)
    seen = []

    def progress(done: int, total: int, what: str) -> None:
        seen.append(what)
        if len(seen) == 3:
            lock.release()

    with lock:
        data = prepared(three_videos, cache, progress=progress)
    assert seen[:3] == ["waiting for another process that prepares the same data"] * 3
    assert len(data.videos) == 3


def test_a_process_that_waits_can_be_interrupted(three_videos: Path, cache: Path) -> None:
    folder = prepared(three_videos, cache).folder
    with FileLock(folder / ".lock"), pytest.raises(KeyboardInterrupt):
        prepared(three_videos, cache, progress=interrupt_at_once)
