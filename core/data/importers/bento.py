"""Bento's and MARS's ``.annot`` files: a preamble, then a block of intervals for each channel and behaviour.

Intervals with decimals are seconds; whole numbers are frames from 1, whose stop is the last frame (Bento's
documentation, "Annotation file format").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.data.importers.boris import NOBODY
from core.data.importers.recording import LabelEvent, Sheet
from core.data.importers.source import Source, text_form
from core.data.importers.textual import number, read_text
from core.errors import DataError

FIRST_LINE = re.compile(r"^\s*Bento annotation file", re.IGNORECASE)
CHANNEL = re.compile(r"^(?P<name>.+?)-{4,}\s*$")
SETTING = re.compile(
    r"^Annotation (?P<key>start frame|start time|stop frame|stop time|framerate):\s*(?P<value>\S+)"
)


@dataclass(slots=True)
class _Found:
    """What the lines say."""

    settings: dict[str, float] = field(default_factory=dict)
    media: str = ""
    behaviours: list[str] = field(default_factory=list)
    events: list[LabelEvent] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    has_decimals: bool = False


def is_bento(source: Source) -> bool:
    """Return whether the first line is Bento's."""
    return bool(FIRST_LINE.match(source.start))


def read_bento(source: Source) -> list[Sheet]:
    """Read all channels.

    Raises:
        DataError: an interval that is no pair of numbers or ends before it starts, or no behaviour at all.
    """
    path, form = source.path, text_form(source)
    found = _Found()
    lines = read_text(path, form.encoding).split("\n")
    _preamble(found, lines)
    _intervals(found, lines, str(path))
    if not found.behaviours:
        raise DataError(f"{path}: no behaviour is listed; is the file complete?")
    unit = "seconds" if found.has_decimals else "frames"
    first = found.settings.get("start frame", 1.0)
    rate = found.settings.get("framerate")
    if rate is not None and rate <= 0:
        rate = None
    events = found.events
    if unit == "frames":
        events = [e._replace(start=e.start - first, stop=e.stop - first + 1) for e in events]
    if len(found.channels) == 1:
        events = [event._replace(subject=NOBODY) for event in events]
    return [
        Sheet(
            name=found.media or path.stem,
            path=path,
            format="Bento",
            unit="seconds" if found.has_decimals else "frames",
            events=tuple(sorted(events, key=lambda event: (event.start, event.stop))),
            frames_per_second=rate,
            behaviours=tuple(found.behaviours),
            notes=(
                f"its numbers are {unit}, as they have {'' if found.has_decimals else 'no '}decimals",
            ),
        )
    ]


def _preamble(found: _Found, lines: Sequence[str]) -> None:
    in_list = False
    for line in lines:
        if CHANNEL.match(line):
            return
        if setting := SETTING.match(line):
            if (value := number(setting["value"])) is not None:
                found.settings[setting["key"]] = value
        elif line.lower().startswith("movie file"):
            name = line.partition(":")[2].strip().replace("\\", "/").rpartition("/")[2]
            found.media = name.rpartition(".")[0] or name
        elif line.lower().startswith("list of annotations"):
            in_list = True
        elif not line.strip():
            in_list = False
        elif in_list:
            found.behaviours.append(line.strip())


def _intervals(found: _Found, lines: Sequence[str], path: str) -> None:
    channel = behaviour = ""
    for at, line in enumerate(lines, start=1):
        if heading := CHANNEL.match(line):
            channel, behaviour = heading["name"].strip(), ""
            found.channels.append(channel)
        elif line.startswith(">"):
            behaviour = line[1:].strip()
            if behaviour not in found.behaviours:
                found.behaviours.append(behaviour)
        elif behaviour and line.strip() and not line.strip().lower().startswith("start"):
            cells = line.split()
            pair = [number(cell) for cell in cells[:2]]
            if len(pair) < 2 or pair[0] is None or pair[1] is None:
                raise DataError(
                    f"{path}, line {at}: {line.strip()!r} is no interval of two numbers"
                )
            if pair[1] < pair[0]:
                raise DataError(
                    f"{path}, line {at}: stops at {pair[1]:g}, before it starts at {pair[0]:g}"
                )
            found.has_decimals |= any("." in cell for cell in cells[:2])
            found.events.append(LabelEvent(channel, behaviour, "", pair[0], pair[1], f"line {at}"))
