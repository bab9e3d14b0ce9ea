"""The history of a run without most of its heartbeats, few of which are even parsed."""

from collections.abc import Iterable
from pathlib import Path

from core.run.events import AnyEvent, decode
from core.run.history import History, fold
from core.run.rundir import RunDir
from mabe_tui.launch.tail import LineTail, last_lines
from mabe_tui.runs.reading.event_files import EventFile, EventReader
from mabe_tui.runs.reading.thinning import extend_thin, kind_of_line, thinned

LOG_HEAD = 1 << 18
"""A log smaller than this many bytes is searched for events as a whole, a larger one only at its end."""


class ThinTail:
    """The history of a live run, without most of the heartbeats; nothing is read twice."""

    def __init__(self, run: RunDir) -> None:
        self._run = run
        self._reader = EventReader(run)
        self._events: dict[Path, list[AnyEvent]] = {}

    def history(self) -> History:
        """Fold the current events of all attempts; report damaged lines."""
        for file, lines, is_another in self._reader.new_lines():
            if is_another:
                self._events.pop(file.path, None)
            extend_thin(self._events.setdefault(file.path, []), decoded_thin(lines))
        history = fold(event for events in self._events.values() for event in events)
        history.unreadable = [*self._reader.damages(), *self._lost()]
        return history

    def _lost(self) -> list[str]:
        return [
            f"{file.path.relative_to(self._run.path)}: gone or empty, so what this attempt said counts for"
            " nothing here; `mabe logs` reads it from its log.txt"
            for file in self._reader.files
            if _is_lost(file, self._run.log_path(file.path.parent.name))
        ]


def thin_history(run: RunDir) -> History:
    """Fold the events of all attempts once; see :class:`ThinTail`."""
    return ThinTail(run).history()


def decoded_thin(lines: Iterable[bytes]) -> list[AnyEvent]:
    """Return the events of lines, thinned before they are parsed."""
    events = map(decode, thinned(lines, kind_of_line))
    return [event for event in events if event is not None]


def _is_lost(file: EventFile, log: Path) -> bool:
    """Return whether the attempt's log has events, and its event file none."""
    if file.lines:
        return False
    begins = LineTail(log).read() if _size(log) < LOG_HEAD else last_lines(log)
    return any(decode(line) is not None for line in begins) and not _size(file.path)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
