"""BORIS: tabular events (START, STOP and POINT rows) and aggregated events (a row with start and stop).

Both as CSV or TSV, with or without the preamble of older versions, as described in BORIS's user guide
(sections "Export events").
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from core.data.importers.recording import LabelEvent, Sheet
from core.data.importers.source import Source, text_form
from core.data.importers.textual import column_of, number, read_text, rows_of
from core.errors import DataError

NOBODY = "No focal subject"
"""BORIS's own word for an event without a subject."""
MEDIA = ("Media file path", "Media file name", "Media file", "Source")
RATES = ("FPS", "FPS (frame/s)")
NOT_THERE = ("", "NA")
"""What BORIS writes for the stop of a point event, and for the media of a live observation."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each field is."""

    behaviour: int
    time: int | None
    start: int | None
    stop: int | None
    status: int | None
    media: int | None
    subject: int | None
    rate: int | None
    modifiers: tuple[int, ...]


@dataclass(slots=True)
class _Video:
    """What was found of one video."""

    rate: float | None = None
    events: list[LabelEvent] = field(default_factory=list)
    open: dict[tuple[str, str, str], list[tuple[float, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )


def is_boris(source: Source) -> bool:
    """Return whether some line names the columns of an export of events."""
    return _header_row(source.rows) is not None


def read_boris(source: Source) -> list[Sheet]:
    """Read all events, one sheet per video.

    Raises:
        DataError: a time that is no number, a STOP without a START, an unknown status, or no event at all.
    """
    path, form = source.path, text_form(source)
    rows = rows_of(read_text(path, form.encoding), form)
    top = _header_row(rows)
    assert top is not None
    columns = _columns(rows[top])
    videos: dict[str, _Video] = defaultdict(_Video)
    seen = 0
    for line, row in enumerate(rows[top + 1 :], start=top + 2):
        if not any(row):
            continue
        seen += 1
        if len(row) <= columns.behaviour:
            raise DataError(f"{path}, line {line}: {len(row)} cells, fewer than the header")
        media = row[columns.media] if columns.media is not None else ""
        media = "" if media in NOT_THERE else media
        _add(videos[media], row, columns, path, line)
    if not seen:
        raise DataError(f"{path}: no event below the header in line {top + 1}")
    return [_sheet(path, media, video) for media, video in videos.items()]


def _header_row(rows: Sequence[Sequence[str]]) -> int | None:
    for number_, row in enumerate(rows[:60]):
        times = column_of(row, "Time", "Start (s)") is not None
        kinds = column_of(row, "Status", "Behavior type", "Stop (s)") is not None
        if times and kinds and column_of(row, "Behavior", "Behaviour") is not None:
            return number_
    return None


def _columns(header: Sequence[str]) -> _Columns:
    behaviour = column_of(header, "Behavior", "Behaviour")
    assert behaviour is not None
    return _Columns(
        behaviour=behaviour,
        time=column_of(header, "Time"),
        start=column_of(header, "Start (s)"),
        stop=column_of(header, "Stop (s)"),
        # aggregated events have the type STATE or POINT in the column that tabular ones use for START
        status=column_of(header, "Status", "Behavior type"),
        media=column_of(header, *MEDIA),
        subject=column_of(header, "Subject"),
        rate=column_of(header, *RATES),
        modifiers=tuple(
            place for place, name in enumerate(header) if name.lower().startswith("modifier")
        ),
    )


def _add(video: _Video, row: Sequence[str], columns: _Columns, path: Path, line: int) -> None:
    def cell(place: int | None) -> str:
        return row[place] if place is not None and place < len(row) else ""

    if video.rate is None:
        rate = number(cell(columns.rate))
        video.rate = rate if rate is not None and rate > 0 else None
    subject, behaviour = cell(columns.subject) or NOBODY, cell(columns.behaviour)
    if not behaviour:
        raise DataError(f"{path}, line {line}: no behaviour is named")
    modifier = "|".join(filter(None, (cell(place) for place in columns.modifiers)))
    place = f"line {line}"
    if columns.start is not None and columns.stop is not None:
        start = _time(cell(columns.start), path, line)
        end = cell(columns.stop)
        stop = start if end in NOT_THERE else _time(end, path, line)
        if stop < start:
            raise DataError(
                f"{path}, line {line}: stops at {stop:g} s, before it starts at {start:g} s"
            )
        video.events.append(LabelEvent(subject, behaviour, modifier, start, stop, place))
        return
    time, status = _time(cell(columns.time), path, line), cell(columns.status)
    _add_row(video, (subject, behaviour, modifier), time, status, path, line)


def _add_row(
    video: _Video, key: tuple[str, str, str], time: float, status: str, path: Path, line: int
) -> None:
    """Add a row of tabular events; a STOP ends the oldest START of the same kind."""
    subject, behaviour, _ = key
    place = f"line {line}"
    match status.upper():
        case "POINT":
            video.events.append(LabelEvent(*key, time, time, place))
        case "START":
            video.open[key].append((time, line))
        case "STOP" if video.open[key]:
            start, _ = video.open[key].pop(0)
            if time < start:
                raise DataError(
                    f"{path}, line {line}: stops at {time:g} s, before it starts at {start:g} s"
                )
            video.events.append(LabelEvent(*key, start, time, place))
        case "STOP":
            raise DataError(
                f"{path}, line {line}: STOP of {behaviour!r} of {subject} without a START before it; mend"
                " it in BORIS"
            )
        case _:
            raise DataError(f"{path}, line {line}: status {status!r} is not START, STOP or POINT")


def _time(text: str, path: Path, line: int) -> float:
    value = number(text)
    if value is None:
        raise DataError(f"{path}, line {line}: {text!r} is no time in seconds")
    return value


def _sheet(path: Path, media: str, video: _Video) -> Sheet:
    events = tuple(sorted(video.events, key=lambda event: (event.start, event.stop)))
    return Sheet(
        name=_video_name(media) or path.stem,
        path=path,
        format="BORIS",
        unit="seconds",
        events=events,
        frames_per_second=video.rate,
        open_events=tuple(_open(video)),
    )


def _open(video: _Video) -> Iterator[LabelEvent]:
    for (subject, behaviour, modifier), starts in video.open.items():
        for start, line in starts:
            yield LabelEvent(subject, behaviour, modifier, start, inf, f"line {line}")


def _video_name(media: str) -> str:
    """Return a media path's name without folder and suffix; Windows' paths come to Linux, too."""
    name = media.replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[0] or name
