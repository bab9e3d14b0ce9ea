"""The competition's layout on disk: ``train.csv``, ``train_tracking/`` and ``train_annotation/``.

Also the layout of every data set that this project writes. Strict about columns and types, tolerant
of the quirks of the real files: stray quotes in ``behaviors_labeled``, listed files that are missing,
bouts of length 0 or past the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.data.csv_file import CsvRow, read_rows
from core.data.listed import LabeledBehavior, parse_behaviors
from core.data.parquet import Kind, numbers, read_columns, texts
from core.data.tracking import Tracking, read_positions
from core.errors import DataError

__all__ = [
    "Bouts",
    "LabeledBehavior",
    "LeftOut",
    "Tracking",
    "Video",
    "labelled",
    "most_frames",
    "read_bouts",
    "read_tracking",
    "read_videos",
]

TABLE_COLUMNS = (
    "lab_id",
    "video_id",
    "frames_per_second",
    "video_duration_sec",
    "pix_per_cm_approx",
    "video_width_pix",
    "video_height_pix",
    "body_parts_tracked",
    "behaviors_labeled",
)
"""The columns of ``train.csv`` that are read here; the other 29 describe mice and arena."""

MOUSE_COLUMNS = ("id", "strain", "color", "sex")
"""``mouse3_id`` and so on: a mouse is declared if any of them is filled. Ages and conditions are ignored:
one real row has an age for a mouse that does not exist."""

SPARE_FRAMES = 100_000
"""Factor by which a tracking may always exceed fps × duration."""

MOST_FRAMES = 2**28
"""Largest plausible fps × duration: 25 days at 120 frames per second."""
FARTHEST_FRAME = 2**31
"""A larger number in an annotation is neither a frame nor a mouse."""

SYNTHETIC_MARKER = "synthetic.json"
"""File that marks a data folder as made by `mabe data synth`, and records the settings."""
BOUT_COLUMNS: dict[str, Kind] = {
    "agent_id": "integer",
    "target_id": "integer",
    "action": "text",
    "start_frame": "integer",
    "stop_frame": "integer",
}


@dataclass(frozen=True, slots=True)
class Video:
    """One row of ``train.csv``, and the expected paths of its files."""

    lab_id: str
    video_id: str
    frames_per_second: float
    duration_seconds: float
    pixels_per_cm: float | None
    width: int | None
    height: int | None
    """Size of the picture, in pixels."""
    mice: tuple[int, ...]
    """The mice that the row describes, from 1. Four real rows describe mice 1 to 3, although their labels
    name mouse 4: only the tracking shows which mice exist."""
    body_parts: tuple[str, ...]
    behaviors: tuple[LabeledBehavior, ...]
    tracking_path: Path
    annotation_path: Path
    row: int
    """Line of the table; its header is line 1."""
    malformed: tuple[str, ...] = ()
    """Entries of ``behaviors_labeled`` that had to be repaired or, failing that, dropped."""
    sexes: tuple[str, ...] = ()
    """Of mice 1 to 4, as the row states them; empty where it does not."""
    unscored: tuple[LabeledBehavior, ...] = ()
    """Those of ``behaviors`` that only mended entries list. The competition compares entries literally, so
    it ignores predictions of them."""


class LeftOut(NamedTuple):
    """A video that cannot be used for training, and why."""

    video: Video
    reason: str


@dataclass(frozen=True, slots=True)
class Bouts:
    """The labelled intervals of one video, as columns of equal length ``(bouts,)``."""

    agent: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    """The agent itself for self actions."""
    action: npt.NDArray[np.object_]
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    """Exclusive, as in the competition's metric."""

    def __len__(self) -> int:
        return len(self.start)


def read_videos(root: Path, table: str = "train") -> list[Video]:
    """Read ``{table}.csv``, without checking whether the videos' own files exist.

    Raises:
        DataError: no such folder or table, a missing column, an invalid value, or a video
            listed twice; names the file, line and column.
    """
    path = root / f"{table}.csv"
    if not path.is_file():
        problem = f"has no {table}.csv" if root.is_dir() else "no such folder"
        if root.is_file():
            problem = "not a folder"
        if (root / SYNTHETIC_MARKER).is_file() and table == "train":
            raise DataError(
                f"{root}: unfinished; the same `mabe data synth {root}` as before finishes it"
            )
        raise DataError(f"{root}: {problem}; a data folder has the competition's layout")
    videos = []
    line_of: dict[str, int] = {}
    for row in read_rows(path, TABLE_COLUMNS):
        video = _video(row, root, table)
        if video.video_id in line_of:
            first = line_of[video.video_id]
            raise row.error("video_id", f"{video.video_id!r} is already in line {first}")
        line_of[video.video_id] = video.row
        videos.append(video)
    if not videos:
        raise DataError(f"{path}: lists no videos")
    return videos


def labelled(videos: Iterable[Video]) -> tuple[list[Video], list[LeftOut]]:
    """Return the videos that can be used for training: labelled, with tracking and annotation files.

    Returns:
        Those videos in their order, and the labelled ones whose files are missing or that were
        never labelled, each with its reason.
    """
    usable, left_out = [], []
    for video in videos:
        if not video.behaviors:
            left_out.append(LeftOut(video, "not labelled"))
        elif not video.tracking_path.is_file():
            left_out.append(LeftOut(video, _absence(video.tracking_path, "tracking")))
        elif not video.annotation_path.is_file():
            left_out.append(LeftOut(video, _absence(video.annotation_path, "annotation")))
        else:
            usable.append(video)
    return usable, left_out


def _absence(path: Path, what: str) -> str:
    return f"{what} is a folder, not one file" if path.is_dir() else f"no {what} file"


def read_tracking(
    video: Video, slots: tuple[str, ...], max_mice: int, *, threads: bool = True
) -> Tracking:
    """Read a video's positions, ``(frames, max_mice, len(slots), 2)``; see ``read_positions``.

    Raises:
        DataError: names the file, and the invalid column or row.
    """
    most = most_frames(video)
    return read_positions(video.tracking_path, slots, max_mice, most_frames=most, threads=threads)


def most_frames(video: Video) -> int:
    """Return the limit beyond which a frame number must be wrong: far more than fps × duration.

    Real rows can be off by a few per cent; a timestamp in place of a frame would cost gigabytes.
    """
    stated = round(video.frames_per_second * video.duration_seconds)
    return max(3 * stated, stated + SPARE_FRAMES)


def read_bouts(video: Video) -> Bouts:
    """Read a video's bouts unchanged, including zero-length and out-of-range ones.

    Raises:
        DataError: names the file, and the invalid column or row.
    """
    path = video.annotation_path
    columns = read_columns(path, BOUT_COLUMNS)
    return Bouts(
        agent=_integers(path, columns, "agent_id"),
        target=_integers(path, columns, "target_id"),
        action=texts(columns.column("action")),
        start=_integers(path, columns, "start_frame"),
        stop=_integers(path, columns, "stop_frame"),
    )


def _integers(path: Path, columns: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """Return a column as ``(bouts,)`` integers.

    Raises:
        DataError: a number is beyond :data:`FARTHEST_FRAME`, where differences of two could overflow.
    """
    values = numbers(columns.column(name))
    wrong = np.flatnonzero((values > FARTHEST_FRAME) | (values < -FARTHEST_FRAME))
    if wrong.size:
        row = int(wrong[0])
        raise DataError(
            f"{path}: column {name!r} is {values[row]} in row {row}; no video has so many frames or mice"
        )
    return values.astype(np.int64)


def _video(row: CsvRow, root: Path, table: str) -> Video:
    lab, video = row.name("lab_id"), row.name("video_id")
    entries = row.names("behaviors_labeled")
    behaviors, malformed = parse_behaviors(entries)
    width, height = row.number("video_width_pix"), row.number("video_height_pix")
    fps, seconds = row.needed_number("frames_per_second"), row.needed_number("video_duration_sec")
    if fps * seconds > MOST_FRAMES:
        raise row.error(
            "video_duration_sec", f"{seconds:g} s at {fps:g} frames a second is no video's length"
        )
    return Video(
        lab_id=lab,
        video_id=video,
        frames_per_second=fps,
        duration_seconds=seconds,
        pixels_per_cm=row.number("pix_per_cm_approx"),
        width=None if width is None else round(width),
        height=None if height is None else round(height),
        mice=_declared_mice(row),
        body_parts=tuple(row.names("body_parts_tracked")),
        behaviors=behaviors,
        tracking_path=root / f"{table}_tracking" / lab / f"{video}.parquet",
        annotation_path=root / f"{table}_annotation" / lab / f"{video}.parquet",
        row=row.line,
        malformed=malformed,
        sexes=tuple(row.values.get(f"mouse{mouse}_sex", "").strip() for mouse in range(1, 5)),
        unscored=tuple(each for each in behaviors if each.entry not in entries),
    )


def _declared_mice(row: CsvRow) -> tuple[int, ...]:
    def declared(mouse: int) -> bool:
        cells = (row.values.get(f"mouse{mouse}_{name}", "") for name in MOUSE_COLUMNS)
        return any(cell.strip() for cell in cells)

    return tuple(mouse for mouse in range(1, 5) if declared(mouse))
