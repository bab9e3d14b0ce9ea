"""Reading what a run said: the one reader of its event files, which reads nothing twice."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.run.events import AnyEvent, decode
from core.run.rundir import RunDir
from core.system.files import UNDECODABLE
from mabe_tui.launch.tail import LineTail

STEP = b'{"kind":"step"'
SYSTEM = b'{"kind":"system"'


class NewLines(NamedTuple):
    """What came to one attempt's event file since the last reading."""

    file: "EventFile"
    lines: list[bytes]
    is_another: bool
    """Whether they are of a file that was replaced or cut, so that what was read of it before is void."""


class EventReader:
    """Reads the event files of all attempts of a run on from where the last reading ended."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._files: dict[str, EventFile] = {}

    @property
    def files(self) -> list["EventFile"]:
        """The files that have been read, attempts in order."""
        return [*self._files.values()]

    def new_lines(self) -> Iterator[NewLines]:
        """Read the lines that have come, file by file, attempts in order."""
        for attempt in self.run.attempts():
            path = self.run.events_path(attempt)
            yield self._files.setdefault(attempt, EventFile(path)).read()

    def read(self) -> list[AnyEvent]:
        """Return the events that have come; lines that are none are passed over."""
        found = (decode(line) for new in self.new_lines() for line in new.lines)
        return [event for event in found if event is not None]

    def damages(self) -> list[str]:
        """Name the damaged lines, a sentence for each file that has any."""
        return [
            damage_words(file.path.relative_to(self.run.path), file.damaged)
            for file in self._files.values()
            if file.damaged
        ]


class EventFile:
    """One attempt's event file, read on from where the last reading ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged: list[int] = []
        """Numbers of the lines that are no whole ones."""
        self.lines = 0
        """How many have been read."""
        self._tail = LineTail(path)

    def read(self) -> NewLines:
        """Read the lines that have come."""
        before = self._tail.offset
        lines = self._tail.read()
        is_another = self._tail.offset != before + sum(map(len, lines)) + len(lines)
        if is_another:
            self.damaged, self.lines = [], 0
        first = self.lines + 1
        self.damaged += [n for n, line in enumerate(lines, first) if not _is_whole(line)]
        self.lines += len(lines)
        return NewLines(self, lines, is_another)


def _is_whole(line: bytes) -> bool:
    """Return whether a line was written as it stands: also an event of a kind this reader lacks."""
    if line.startswith((STEP, SYSTEM)):
        return line.endswith(b"}")  # there are thousands of them
    try:
        msgspec.json.decode(line)
    except UNDECODABLE:
        return False
    return True


def damage_words(file: Path, numbers: Sequence[int]) -> str:
    """Say which lines of a file of events are damaged, and what to do."""
    others = len(numbers) - 1
    more = f" and {others} more line{'s' * (others > 1)}" if others else ""
    they, these = ("they", "these lines") if others else ("it", "that line")
    return (
        f"{file}:{numbers[0]}{more}: damaged, so what {they} said is missing here; cut {these} out of"
        " the file to be rid of this warning"
    )
