"""Plain tables of labels: one row a bout, or one row a frame."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.importers.boris import NOBODY
from core.data.importers.recording import LabelEvent, Sheet, Unit
from core.data.importers.runs import runs_of, runs_of_names
from core.data.importers.source import Source, text_form
from core.data.importers.textual import column_of, number, read_text, rows_of
from core.errors import DataError

BEHAVIOUR = ("behavior", "behaviour", "action", "label", "event", "class", "annotation")
SUBJECT = ("subject", "agent", "agent_id", "individual", "animal", "mouse", "actor")
TARGET = ("target", "target_id", "recipient", "receiver", "partner")
VIDEO = ("video", "video_id", "media", "file", "recording", "session", "movie")
START: dict[str, Unit | None] = {
    "start_frame": "frames", "frame_start": "frames", "first_frame": "frames", "onset_frame": "frames",
    "start_s": "seconds", "start (s)": "seconds", "start_time": "seconds", "start_sec": "seconds",
    "start_seconds": "seconds", "onset_s": "seconds", "time_start": "seconds",
    "start": None, "onset": None, "begin": None, "from": None,
}  # fmt: skip
STOP = (
    "stop_frame", "end_frame", "frame_end", "frame_stop", "offset_frame", "stop_s", "end_s", "stop (s)",
    "end (s)", "stop_time", "end_time", "stop_sec", "end_sec", "stop_seconds", "end_seconds", "offset_s",
    "time_end", "time_stop", "stop", "end", "offset", "to",
)  # fmt: skip
LAST = ("last_frame",)
"""Columns of a stop that is the last frame itself."""
UNIT_OF_STOP: dict[str, Unit] = {
    "frame": "frames", "frames": "frames", "s": "seconds", "sec": "seconds", "seconds": "seconds",
}  # fmt: skip
"""What the last word of the name of a stop or a duration says of its unit."""
DURATION = ("duration", "duration_s", "duration (s)", "duration_frames", "length")
FRAME = ("frame", "frames", "frame_number", "frame_id", "video_frame", "frame_idx")
FLAGS = ("0", "1", "0.0", "1.0", "")
NOTHING = ("", "0", "none", "nan", "other", "background")


@dataclass(frozen=True, slots=True)
class _Bouts:
    """Where a table of bouts has what."""

    behaviour: int
    start: int
    stop: int
    unit: Unit | None
    is_duration: bool
    is_last: bool
    subject: int | None
    target: int | None
    video: int | None


def is_bout_table(source: Source) -> bool:
    """Return whether the first line names a behaviour, a start and a stop."""
    return bool(source.rows) and _bout_columns(source.rows[0]) is not None


def is_frame_table(source: Source) -> bool:
    """Return whether the first line names a frame, followed by one behaviour or columns of 0 and 1."""
    rows = [row for row in source.rows if any(row)]
    if len(rows) < 2 or column_of(rows[0], *FRAME) is None:
        return False
    behaviour = column_of(rows[0], *BEHAVIOUR)
    others = [place for place in range(len(rows[0])) if place != column_of(rows[0], *FRAME)]
    flags = all(
        row[place] in ("0", "1", "0.0", "1.0")
        for row in rows[1:]
        for place in others
        if place < len(row)
    )
    return behaviour is not None or (bool(others) and flags)


def read_bout_table(source: Source) -> list[Sheet]:
    """Read a table of bouts; ``stop`` is exclusive unless the column is called ``last_frame``.

    Raises:
        DataError: a cell that is no number, or a bout that ends before it starts.
    """
    path, form = source.path, text_form(source)
    rows = rows_of(read_text(path, form.encoding), form)
    columns = _bout_columns(rows[0])
    assert columns is not None
    _check_units(rows[0], columns, path)
    videos: dict[str, list[LabelEvent]] = defaultdict(list)
    for line, row in enumerate(rows[1:], start=2):
        if any(row):
            video = _cell(row, columns.video)
            videos[video].append(_bout(row, columns, path, line))
    if not videos:
        raise DataError(f"{path}: a table of bouts without a row below its header")
    return [
        Sheet(_name(video, path), path, "table of bouts", columns.unit, tuple(events))
        for video, events in videos.items()
    ]


def read_frame_table(source: Source) -> list[Sheet]:
    """Read a table with one row a frame.

    Raises:
        DataError: a frame number that is no whole number, or occurs twice; a mark that is not 0 or 1.
    """
    path, form = source.path, text_form(source)
    rows = [row for row in rows_of(read_text(path, form.encoding), form) if any(row)]
    header = rows[0]
    at = column_of(header, *FRAME)
    assert at is not None
    frames = [_frame(row, at, path, line) for line, row in enumerate(rows[1:], start=2)]
    if len({*frames}) < len(frames):
        twice = next(frame for frame in frames if frames.count(frame) > 1)
        raise DataError(f"{path}: frame {twice} occurs twice; are these two videos in one table?")
    body = [row for _, row in sorted(zip(frames, rows[1:], strict=True))]
    numbers = sorted(frames)
    named = column_of(header, *BEHAVIOUR)
    if named is not None:
        events, behaviours = _named(body, numbers, named), list[str]()
    else:
        _check_flags(rows, header, at, path)
        events, behaviours = _flagged(body, numbers, header, at)
    left_out = numbers[-1] - numbers[0] + 1 - len(numbers)
    notes = (
        f"{left_out} frames between the first and the last have no row; a label goes on over them",
    )
    return [
        Sheet(
            path.stem,
            path,
            "table of frames",
            "frames",
            tuple(events),
            behaviours=tuple(behaviours),
            notes=notes if left_out else (),
        )
    ]


def _bout_columns(header: Sequence[str]) -> _Bouts | None:
    behaviour = column_of(header, *BEHAVIOUR)
    start = next((name for name in START if column_of(header, name) is not None), None)
    stop = column_of(header, *STOP, *LAST)
    duration = column_of(header, *DURATION)
    end = duration if stop is None else stop
    if behaviour is None or start is None or end is None:
        return None
    return _Bouts(
        behaviour=behaviour,
        start=column_of(header, start) or 0,
        stop=end,
        unit=START[start],
        is_duration=stop is None,
        is_last=stop is not None and stop == column_of(header, *LAST),
        subject=column_of(header, *SUBJECT),
        target=column_of(header, *TARGET),
        video=column_of(header, *VIDEO),
    )


def _check_units(header: Sequence[str], columns: _Bouts, path: Path) -> None:
    words = re.findall(r"[a-z]+", header[columns.stop].lower())
    unit = UNIT_OF_STOP.get(words[-1]) if words else None
    if unit is not None and columns.unit is not None and unit != columns.unit:
        raise DataError(
            f"{path}: {header[columns.start]!r} is in {columns.unit} and {header[columns.stop]!r} in {unit};"
            " write both in one unit"
        )


def _bout(row: Sequence[str], columns: _Bouts, path: Path, line: int) -> LabelEvent:
    start, stop = number(_cell(row, columns.start)), number(_cell(row, columns.stop))
    if start is None or stop is None:
        wrong = columns.start if start is None else columns.stop
        raise DataError(f"{path}, line {line}: {_cell(row, wrong)!r} is no number")
    stop = start + stop if columns.is_duration else stop + columns.is_last
    if stop < start:
        raise DataError(f"{path}, line {line}: stops at {stop:g}, before it starts at {start:g}")
    behaviour = _cell(row, columns.behaviour)
    if not behaviour:
        raise DataError(f"{path}, line {line}: no behaviour is named")
    subject = _cell(row, columns.subject) or NOBODY
    return LabelEvent(subject, behaviour, _cell(row, columns.target), start, stop, f"line {line}")


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def _name(video: str, path: Path) -> str:
    last = video.replace("\\", "/").rpartition("/")[2]
    stem, dot, suffix = last.rpartition(".")
    is_file = bool(dot) and suffix.isalnum() and not suffix.isdecimal()
    return (stem if is_file else last) or path.stem


def _frame(row: Sequence[str], at: int, path: Path, line: int) -> int:
    value = number(_cell(row, at))
    if value is None or value < 0 or value != int(value):
        raise DataError(f"{path}, line {line}: {_cell(row, at)!r} is no frame number")
    return int(value)


def _named(body: Sequence[Sequence[str]], frames: Sequence[int], at: int) -> list[LabelEvent]:
    return [
        LabelEvent(NOBODY, name, "", frames[start], frames[stop - 1] + 1, f"frame {frames[start]}")
        for name, start, stop in runs_of_names([_cell(row, at) for row in body])
        if name.lower() not in NOTHING
    ]


def _check_flags(rows: Sequence[Sequence[str]], header: Sequence[str], at: int, path: Path) -> None:
    for line, row in enumerate(rows[1:], start=2):
        for place, name in enumerate(header):
            if place != at and name and _cell(row, place) not in FLAGS:
                raise DataError(
                    f"{path}, line {line}: {name!r} is {_cell(row, place)!r}, not 0 or 1"
                )


def _flagged(
    body: Sequence[Sequence[str]], frames: Sequence[int], header: Sequence[str], at: int
) -> tuple[list[LabelEvent], list[str]]:
    events, behaviours = [], []
    for place, name in enumerate(header):
        if place == at or not name:
            continue
        behaviours.append(name)
        marked = np.array([_cell(row, place) in ("1", "1.0") for row in body], bool)
        events += [
            LabelEvent(
                NOBODY, name, "", frames[start], frames[stop - 1] + 1, f"frame {frames[start]}"
            )
            for start, stop in runs_of(marked)
        ]
    return events, behaviours
