"""A prepared data set: one memory-mapped array of all positions, the bouts, and a manifest.

Training reads frames from it and never parses a source file again. Classes are not stored: a task
derives them from the bouts with its own action map. The folder is in a cache, under a key of the
source's files and the settings, so that changed data or settings never use an outdated copy.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from core.data import preparation
from core.data.competition import BOUT_COLUMNS, Bouts, Video, labelled, read_videos
from core.data.copies import copies, sketch
from core.data.keypoints import slots_of_set
from core.data.manifest import (
    FORMAT_VERSION,
    MANIFEST,
    Manifest,
    PreparedVideo,
    Unreadable,
    content_fingerprint,
    missing_files,
    read_manifest,
    source_key,
    write_manifest,
)
from core.data.parquet import numbers, read_columns, texts
from core.data.preparation import POSITIONS, VideoOutcome
from core.data.workers import worker_count
from core.errors import DataError
from core.system.files import replace_atomically
from core.system.lock import in_turn
from core.system.progress import Progress

__all__ = ["PreparedData", "PreparedVideo", "Unreadable", "open_prepared", "prepare"]

BOUTS = "bouts.parquet"


@dataclass(frozen=True)
class PreparedData:
    """A prepared folder, open for reading."""

    folder: Path
    manifest: Manifest
    positions: npt.NDArray[np.float32] = field(repr=False)
    """``(total frames, mice, keypoints, 2)`` in pixels, NaN where missing; a read-only memory map."""
    bouts: Bouts = field(repr=False)
    """Bouts of all videos, one after the other."""
    bout_videos: npt.NDArray[np.int64] = field(repr=False)
    """The index into ``videos`` of each bout, ascending."""

    @property
    def videos(self) -> tuple[PreparedVideo, ...]:
        """The videos, in the order of their offsets."""
        return self.manifest.videos

    @property
    def fingerprint(self) -> str:
        """Hash of the content: equal for equal data and settings, wherever they are."""
        return self.manifest.fingerprint

    @property
    def slots(self) -> tuple[str, ...]:
        """The body part of each keypoint index."""
        return self.manifest.slots

    def positions_of(self, index: int) -> npt.NDArray[np.float32]:
        """Return a view of one video's positions, ``(frames, mice, keypoints, 2)``."""
        video = self.videos[index]
        return self.positions[video.offset : video.offset + video.frames]

    def copies(self, videos: Iterable[int]) -> list[tuple[str, ...]]:
        """Return the groups of ids, among some videos, that share their tracking.

        Folders prepared before copies were recognised keep no sketches: their positions are read.
        """
        return copies(
            {
                self.videos[index].video_id: self.videos[index].tracking
                or sketch(self.positions_of(index))
                for index in videos
            }
        )

    def bouts_of(self, index: int) -> Bouts:
        """Return one video's bouts, all actions, as they were annotated."""
        bouts = self.bouts
        part = slice(*np.searchsorted(self.bout_videos, [index, index + 1]))
        return Bouts(
            agent=bouts.agent[part],
            target=bouts.target[part],
            action=bouts.action[part],
            start=bouts.start[part],
            stop=bouts.stop[part],
        )


def open_prepared(folder: Path) -> PreparedData:
    """Open a folder made by :func:`prepare`.

    Raises:
        DataError: not a prepared folder, damaged, or of another format version.
    """
    manifest = read_manifest(folder)
    path = folder / POSITIONS
    try:
        positions = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path}: missing or cut short; delete {folder} and prepare again"
        ) from error
    if positions.shape != manifest.shape or positions.dtype != np.float32:
        raise DataError(f"{path}: not what the manifest says; delete {folder} and prepare again")
    table = read_columns(folder / BOUTS, {"video": "integer", **BOUT_COLUMNS})
    videos, agent, target, start, stop = (
        numbers(table[name])
        for name in ("video", "agent_id", "target_id", "start_frame", "stop_frame")
    )
    bouts = Bouts(agent, target, texts(table["action"]), start, stop)
    return PreparedData(folder, manifest, positions, bouts, videos)


def prepare(
    root: Path,
    cache_root: Path,
    keypoints: str = "mabe18",
    max_mice: int = 4,
    workers: int | None = None,
    progress: Progress | None = None,
    skip_bad: bool = False,
) -> PreparedData:
    """Prepare the labelled videos of a data folder, or open an earlier preparation of the same source.

    If damaged videos were skipped earlier, they stay skipped: a run uses the result of ``mabe data prepare
    --skip-bad``. An interrupted preparation continues where it stopped. If two processes request the
    same at once, one prepares and the other waits.

    Args:
        root: a folder in the competition's layout.
        cache_root: parent of the prepared folders.
        keypoints: a set, as :func:`core.data.keypoints.slots_of_set` reads it.
        max_mice: mouse slots; further mice are left out.
        workers: processes, each holding one video; by default, one per core.
        progress: called with (done, total, what).
        skip_bad: skip damaged videos, instead of failing with an error that names them.

    Raises:
        ConfigError: there is no such keypoint set.
        DataError: damaged videos (all are checked first), no labelled videos, no space.
    """
    slots = slots_of_set(keypoints)
    usable, left_out = labelled(read_videos(root))
    without_files = missing_files(left_out)
    if not usable:
        raise DataError(_nothing_usable(root, without_files))
    key = source_key(root, usable, keypoints, max_mice)
    folder = cache_root / f"{root.resolve().name}-{key[:16]}"
    waiting = "waiting for another process that prepares the same data"
    with in_turn(folder / ".lock", progress, waiting):
        prepared = _opened_if_whole(folder)
        if prepared is None:
            # first of all: beside a half-filled array, an old manifest would make it look complete
            (folder / MANIFEST).unlink(missing_ok=True)
            count = worker_count(workers, len(usable))
            videos, unreadable = _build(folder, usable, slots, max_mice, count, progress, skip_bad)
            if source_key(root, usable, keypoints, max_mice) != key:
                raise DataError(f"{root}: changed while it was being prepared; run again")
            manifest = Manifest(
                format_version=FORMAT_VERSION,
                source=key,
                fingerprint=content_fingerprint(keypoints, max_mice, videos),
                keypoints=keypoints,
                slots=slots,
                mice=max_mice,
                total_frames=_rows(folder),
                videos=videos,
                without_files=without_files,
                unreadable=unreadable,
            )
            write_manifest(folder, manifest)
            (folder / preparation.JOURNAL).unlink(missing_ok=True)
            prepared = open_prepared(folder)
    return prepared


def _build(
    folder: Path,
    videos: Sequence[Video],
    slots: tuple[str, ...],
    max_mice: int,
    workers: int,
    progress: Progress | None,
    skip_bad: bool,
) -> tuple[tuple[PreparedVideo, ...], tuple[Unreadable, ...]]:
    """Fill the arrays; return the videos in them, and those that could not be read."""
    jobs, uncounted = preparation.plan(folder, videos, slots, max_mice)
    outcomes = preparation.run(jobs, workers, folder, progress)
    failed = [outcome for outcome in outcomes if outcome.prepared is None]
    unreadable = (
        *uncounted,
        *(Unreadable(failure.job.video.video_id, failure.problem) for failure in failed),
    )
    if unreadable and (not skip_bad or len(unreadable) == len(videos)):
        raise _unreadable_error(unreadable)
    for failure in failed:
        # these rows belong to no video, but a reader of the whole array must not take zeros for positions
        job = failure.job
        shape = (job.frames, max_mice, len(job.slots), 2)
        preparation.write_slice(job, np.full(shape, np.nan, np.float32))
    done = [outcome for outcome in outcomes if outcome.prepared is not None]
    _write_bouts(folder / BOUTS, done)
    with (folder / POSITIONS).open("rb+") as file:
        os.fsync(file.fileno())
    return tuple(outcome.prepared for outcome in done if outcome.prepared), unreadable


def _write_bouts(path: Path, outcomes: Sequence[VideoOutcome]) -> None:
    """Write the bouts of all videos, with ``video`` as the index in the manifest."""
    bouts = [outcome.bouts for outcome in outcomes if outcome.bouts is not None]
    counts = [len(each) for each in bouts]
    columns = {
        "video": np.repeat(np.arange(len(bouts)), counts),
        "agent_id": np.concatenate([each.agent for each in bouts]),
        "target_id": np.concatenate([each.target for each in bouts]),
        "action": pa.array(np.concatenate([each.action for each in bouts]), pa.string()),
        "start_frame": np.concatenate([each.start for each in bouts]),
        "stop_frame": np.concatenate([each.stop for each in bouts]),
    }
    with replace_atomically(path) as file:
        pq.write_table(pa.table(columns), file)


def _opened_if_whole(folder: Path) -> PreparedData | None:
    try:
        return open_prepared(folder)
    except DataError:
        return None


def _rows(folder: Path) -> int:
    return int(np.load(folder / POSITIONS, mmap_mode="r").shape[0])


def _nothing_usable(root: Path, without_files: Sequence[Unreadable]) -> str:
    if not without_files:
        return f"{root / 'train.csv'}: no video has behaviors_labeled, so there is nothing to learn"
    reasons = Counter(reason for reason in (video.reason for video in without_files))
    counted = ", ".join(f"{count} × {reason}" for reason, count in reasons.items())
    return f"{root}: none of the {len(without_files)} labelled videos can be used ({counted})"


def _unreadable_error(unreadable: Sequence[Unreadable]) -> DataError:
    first = "; ".join(video.reason for video in unreadable[:3])
    more = f"; and {len(unreadable) - 3} more" if len(unreadable) > 3 else ""
    count = f"{len(unreadable)} video{'s' if len(unreadable) > 1 else ''}"
    return DataError(
        f"{count} cannot be prepared (`mabe data prepare --skip-bad` leaves bad ones out):"
        f" {first}{more}"
    )
