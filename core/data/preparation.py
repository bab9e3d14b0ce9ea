"""Fill a prepared folder: one video per worker at a time, with a journal so that it can be interrupted.

The array is laid out first, from each file's column statistics. Then each worker reads one video and
writes its slice. The result is valid only once the manifest exists (:mod:`core.data.prepared`).
"""

import errno
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from core.data.competition import Bouts, Video, most_frames, read_bouts, read_tracking
from core.data.copies import sketch
from core.data.manifest import PreparedVideo, Unreadable, file_content
from core.data.tracking import count_frames
from core.data.workers import in_workers
from core.errors import DataError
from core.system.files import UNDECODABLE, write_all
from core.system.progress import Progress

POSITIONS = "positions.npy"
JOURNAL = "journal.jsonl"
SPARE_BYTES = 64 * 2**20
"""Extra space for the bouts, the manifest and the file system itself."""


class Job(NamedTuple):
    """One video to write to its slice."""

    video: Video
    offset: int
    """Row of the array that is the video's frame 0."""
    frames: int
    slots: tuple[str, ...]
    mice: int
    positions: Path
    journaled: PreparedVideo | None = None
    """Journal entry: what an interrupted preparation wrote to this slice."""


class VideoOutcome(NamedTuple):
    """The outcome of a job: a prepared video with its bouts, or the problem."""

    job: Job
    prepared: PreparedVideo | None
    bouts: Bouts | None
    problem: str = ""


def plan(
    folder: Path, videos: Sequence[Video], slots: tuple[str, ...], mice: int
) -> tuple[list[Job], list[Unreadable]]:
    """Lay out the array and allocate its file, keeping the content left by an interrupted preparation.

    Returns:
        A job for each video whose frames could be counted, and the other videos.

    Raises:
        DataError: too little space, or a folder that cannot be written.
    """
    jobs: list[Job] = []
    unreadable: list[Unreadable] = []
    offset = 0
    for video in videos:
        try:
            frames = count_frames(video.tracking_path, most_frames(video))
        except DataError as error:
            unreadable.append(Unreadable(video.video_id, str(error)))
            continue
        jobs.append(Job(video, offset, frames, slots, mice, folder / POSITIONS))
        offset += frames
    if not _has_array(folder / POSITIONS, (offset, mice, len(slots), 2)):
        (folder / JOURNAL).unlink(missing_ok=True)
        _allocate(folder / POSITIONS, (offset, mice, len(slots), 2))
    journal = {entry.video_id: entry for entry in _read_journal(folder / JOURNAL)}
    return [job._replace(journaled=journal.get(job.video.video_id)) for job in jobs], unreadable


def run(
    jobs: Sequence[Job], workers: int, folder: Path, progress: Progress | None = None
) -> list[VideoOutcome]:
    """Run all jobs; each finished video is entered in the journal at once.

    Returns:
        Outcomes in the order of the jobs; an unreadable video has an outcome too.

    Raises:
        DataError: the disk is full, or a worker was killed.
    """
    outcomes = {}
    for outcome in in_workers(prepare_video, jobs, workers):
        outcomes[outcome.job.video.video_id] = outcome
        if outcome.prepared not in (None, outcome.job.journaled):
            _append(folder / JOURNAL, outcome.prepared)
        if progress is not None:
            progress(len(outcomes), len(jobs), "videos")
    return [outcomes[job.video.video_id] for job in jobs]


def _append(journal: Path, entry: PreparedVideo) -> None:
    try:
        with journal.open("ab") as file:
            file.write(msgspec.json.encode(entry) + b"\n")
    except OSError as error:
        raise _cannot_write(journal, error) from error


def prepare_video(job: Job) -> VideoOutcome:
    """Read one video and write its slice, unless that is already written.

    Raises:
        DataError: the slice cannot be written; a damaged source is an outcome instead.
    """
    try:
        bouts = read_bouts(job.video)
        if job.journaled is not None and _is_there(job, bouts):
            return VideoOutcome(job, job.journaled, bouts)
        tracking = read_tracking(job.video, job.slots, job.mice, threads=False)
        source = file_content(job.video.tracking_path), file_content(job.video.annotation_path)
    except DataError as error:
        return VideoOutcome(job, None, None, str(error))
    if tracking.frames != job.frames:
        problem = f"{job.video.tracking_path}: column statistics promise {job.frames} frames, but"
        return VideoOutcome(
            job, None, None, f"{problem} there are {tracking.frames}; write it again"
        )
    write_slice(job, tracking.positions)
    prepared = PreparedVideo(
        video_id=job.video.video_id,
        lab_id=job.video.lab_id,
        offset=job.offset,
        frames=job.frames,
        frames_per_second=job.video.frames_per_second,
        pixels_per_cm=job.video.pixels_per_cm,
        width=job.video.width,
        height=job.video.height,
        behaviors=job.video.behaviors,
        mouse_ids=tracking.mouse_ids,
        mice_left_out=tracking.left_out,
        dropped=tracking.dropped,
        duplicates=tracking.duplicates,
        non_finite=tracking.non_finite,
        far_off=tracking.far_off,
        content=_content(tracking.positions, bouts),
        source=source,
        tracking=sketch(tracking.positions),
    )
    return VideoOutcome(job, prepared, bouts)


def write_slice(job: Job, positions: npt.NDArray[np.float32]) -> None:
    """Write a video's rows into the array.

    Raises:
        DataError: the disk is full, or the file cannot be written.
    """
    array = np.load(job.positions, mmap_mode="r")
    first_byte = int(array.offset) + job.offset * array.strides[0]
    write_bytes_at(job.positions, first_byte, np.ascontiguousarray(positions).data.cast("B"))


def write_bytes_at(path: Path, first_byte: int, data: memoryview) -> None:
    """Write with ordinary writes: through a memory map, a full disk would kill the process.

    Raises:
        DataError: the disk is full, or the file cannot be written.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            file.seek(first_byte)
            write_all(file, data)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _is_there(job: Job, bouts: Bouts) -> bool:
    """Return whether the slice matches the journal: a crash can lose the latest writes."""
    entry = job.journaled
    if entry is None or (entry.offset, entry.frames) != (job.offset, job.frames):
        return False
    array = np.load(job.positions, mmap_mode="r")
    return _content(array[job.offset : job.offset + job.frames], bouts) == entry.content


def _content(positions: npt.NDArray[np.float32], bouts: Bouts) -> str:
    digest = hashlib.blake2b(np.ascontiguousarray(positions).data, digest_size=16)
    for column in (bouts.agent, bouts.target, bouts.start, bouts.stop):
        digest.update(column.tobytes())
    digest.update("\n".join(bouts.action).encode())
    return digest.hexdigest()


def _has_array(path: Path, shape: tuple[int, ...]) -> bool:
    try:
        return bool(np.load(path, mmap_mode="r").shape == shape)
    except (OSError, ValueError, EOFError):  # numpy's word for an empty file is the last
        return False


def _allocate(path: Path, shape: tuple[int, int, int, int]) -> None:
    """Create the array's file, sparse, discarding its old content."""
    path.unlink(missing_ok=True)
    needed = int(np.prod(shape, dtype=np.int64)) * 4 + SPARE_BYTES
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise DataError(
            f"{path.parent}: {needed >> 20:,} MiB are needed, but {free >> 20:,} MiB are free;"
            " make room, or choose another folder with MABE_HOME"
        )
    try:
        with path.open("wb") as file:
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            file.truncate(file.tell() + needed - SPARE_BYTES)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> DataError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError(f"{path}: the disk is full; make room and run again, what is done is kept")
    return DataError(f"{path}: cannot be written ({error.strerror})")


def _read_journal(path: Path) -> Iterator[PreparedVideo]:
    """Read the complete lines of the journal; an incomplete last one is ignored."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=PreparedVideo)
        except UNDECODABLE:
            continue
