"""Bouts of many videos, whoever found them: predictions, a submission, or a data folder's annotations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from core.data.competition import labelled, read_bouts, read_videos
from core.data.listed import mouse_names
from core.errors import DataError, first_line

CLASS_COLUMNS = ("video_id", "class", "start_frame", "stop_frame")
"""Of the bouts that `mabe predict` writes for classes of frames."""
ACTION_COLUMNS = ("video_id", "agent_id", "target_id", "action", "start_frame", "stop_frame")
"""Of a submission."""


class BoutRow(NamedTuple):
    """One bout; ``stop`` is exclusive, in frames."""

    video: str
    agent: str
    """As ``mouse1``; empty where nobody in particular acts."""
    target: str
    action: str
    start: int
    stop: int

    @property
    def what(self) -> tuple[str, str, str]:
        """Return who does what to whom."""
        return self.agent, self.target, self.action


class VideoLength(NamedTuple):
    """The length of a video."""

    frames: int
    frames_per_second: float

    @property
    def seconds(self) -> float:
        """Return the duration."""
        return self.frames / self.frames_per_second


@dataclass(frozen=True, slots=True)
class BoutTable:
    """The bouts of some videos, by video and start."""

    rows: tuple[BoutRow, ...]
    lengths: Mapping[str, VideoLength]
    """Every video, also one without bouts."""

    def of(self, video: str) -> list[BoutRow]:
        """Return the bouts of one video."""
        return [row for row in self.rows if row.video == video]


def read_lengths(folder: Path) -> dict[str, VideoLength]:
    """Return the length of every video of a data folder, of all its tables.

    Raises:
        DataError: it is not a data folder.
    """
    tables = [name for name in ("train", "test") if (folder / f"{name}.csv").is_file()]
    return {
        video.video_id: VideoLength(
            round(video.frames_per_second * video.duration_seconds), video.frames_per_second
        )
        for table in tables or ["train"]
        for video in read_videos(folder, table)
    }


def annotated_bouts(folder: Path) -> BoutTable:
    """Read the annotations of a data folder.

    Raises:
        DataError: it is not a data folder, has no annotated video, or a damaged one.
    """
    usable, _ = labelled(read_videos(folder))
    if not usable:
        raise DataError(f"{folder}: no video has annotations; `mabe predict` finds bouts")
    rows = []
    for video in usable:
        bouts = read_bouts(video)
        columns = (bouts.agent, bouts.target, bouts.start, bouts.stop)
        numbers = zip(*(column.tolist() for column in columns), bouts.action, strict=True)
        for agent, target, start, stop, action in numbers:
            rows.append(
                BoutRow(video.video_id, *mouse_names(agent, target), str(action), start, stop)
            )
    lengths = read_lengths(folder)
    return _table(rows, {video.video_id: lengths[video.video_id] for video in usable}, folder)


def read_bout_file(
    path: Path, lengths: Mapping[str, VideoLength] | None, frames_per_second: float | None = None
) -> BoutTable:
    """Read a file of bouts: those of `mabe predict`, or a submission.

    Args:
        path: ``.csv`` or ``.parquet``.
        lengths: every video of the folder they belong to; those without bouts count, too.
        frames_per_second: of all videos, where ``lengths`` is not given; each video then ends with its last
            bout.

    Raises:
        DataError: it is no such file, or names a video that ``lengths`` lacks.
    """
    table = _read(path)
    rows = [_row(each) for each in table.to_pylist()]
    if lengths is None:
        if frames_per_second is None:
            raise DataError(
                f"{path}: frames are not seconds; say where the videos are with --data, or give --fps"
            )
        ends: dict[str, int] = {}
        for row in rows:
            ends[row.video] = max(ends.get(row.video, 0), row.stop)
        lengths = {video: VideoLength(end, frames_per_second) for video, end in ends.items()}
    return _table(rows, lengths, path)


def _read(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            table = pq.read_table(path)
        elif path.suffix == ".csv":
            text = pcsv.ConvertOptions(column_types={"video_id": pa.string()})
            table = pcsv.read_csv(path, convert_options=text)
        else:
            raise DataError(f"{path}: a file of bouts ends in .csv or .parquet")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file, run or data folder") from error
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as a table ({first_line(error)[:160]})") from error
    names = set(table.column_names)
    for columns in (ACTION_COLUMNS, CLASS_COLUMNS):
        if names >= {*columns}:
            return table.select(list(columns))
    hint = "; its bouts are in the file NAME.bouts beside it" if "predicted_class" in names else ""
    raise DataError(
        f"{path}: not a table of bouts: it needs the columns {', '.join(CLASS_COLUMNS)}, or those of a"
        f" submission{hint}"
    )


def _row(cells: Mapping[str, object]) -> BoutRow:
    start, stop = int(str(cells["start_frame"])), int(str(cells["stop_frame"]))
    if "class" in cells:
        return BoutRow(str(cells["video_id"]), "", "", str(cells["class"]), start, stop)
    who = (_mouse(cells["agent_id"]), _mouse(cells["target_id"]))
    return BoutRow(str(cells["video_id"]), *who, str(cells["action"]), start, stop)


def _mouse(value: object) -> str:
    text = str(value)
    return f"mouse{text}" if text.isdecimal() else text


def _table(rows: Sequence[BoutRow], lengths: Mapping[str, VideoLength], source: Path) -> BoutTable:
    unknown = sorted({row.video for row in rows} - {*lengths})
    if unknown:
        raise DataError(
            f"{source}: names video {unknown[0]!r}, which the data folder does not list"
        )
    ordered = sorted(
        (row for row in rows if row.stop > row.start), key=lambda r: (r.video, r.start, r.stop)
    )
    return BoutTable(tuple(ordered), lengths)
