"""The reader of a run's event files, which reads no line twice."""

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
METRICS = b'{"kind":"metrics"'


class NewLines(NamedTuple):
    """Lines added to one attempt's event file since the last reading."""

    file: "EventFile"
    lines: list[bytes]
    is_another: bool
    """Whether the file was replaced or cut, so that lines read earlier are void."""


class EventReader:
    """Reads the event files of all attempts of a run, each from where the last reading ended."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._files: dict[str, EventFile] = {}

    @property
    def files(self) -> list["EventFile"]:
        """The files read so far, in the order of attempts."""
        return [*self._files.values()]

    def new_lines(self) -> Iterator[NewLines]:
        """Read the new lines, file by file, in the order of attempts."""
        for attempt in self.run.attempts():
            path = self.run.events_path(attempt)
            yield self._files.setdefault(attempt, EventFile(path)).read()

    def read(self) -> list[AnyEvent]:
        """Return the new events; skip lines that are not events."""
        found = (decode(line) for new in self.new_lines() for line in new.lines)
        return [event for event in found if event is not None]

    def damages(self) -> list[str]:
        """Describe the damaged lines, in a sentence for each file that has any."""
        return [
            damage_words(file.path.relative_to(self.run.path), file.damaged)
            for file in self._files.values()
            if file.damaged
        ]


class EventFile:
    """One attempt's event file, read from where the last reading ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged: list[int] = []
        """Numbers of the incomplete lines."""
        self.lines = 0
        """Number of lines read."""
        self._tail = LineTail(path)

    def read(self) -> NewLines:
        """Read the new lines."""
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
    """Return whether a line is complete JSON: also an event of a kind unknown to this reader."""
    if line.startswith((STEP, SYSTEM)):
        return line.endswith(b"}")  # called for thousands of lines
    try:
        msgspec.json.decode(line)
    except UNDECODABLE:
        return False
    return True


def damage_words(file: Path, numbers: Sequence[int]) -> str:
    """Say which lines of an event file are damaged, and what to do."""
    others = len(numbers) - 1
    more = f" and {others} more line{'s' * (others > 1)}" if others else ""
    they, these = ("they", "these lines") if others else ("it", "that line")
    return (
        f"{file}:{numbers[0]}{more}: damaged, so what {they} said is missing here; cut {these} out of"
        " the file to be rid of this warning"
    )
