"""Reading what a run said without parsing every sign of life."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from core.run.events import AnyEvent, decode
from core.run.history import History, fold
from core.run.rundir import RunDir
from core.system.files import UNDECODABLE
from mabe_tui.launch.tail import LineTail, last_lines

STEP = b'{"kind":"step"'
SYSTEM = b'{"kind":"system"'
LOG_HEAD = 1 << 18
"""Bytes of a log below which all of it is looked at for events, else its end."""


class Thinner:
    """Keeps the events of one attempt; of each unbroken row of signs of life, only the last ones.

    A long run says ``step`` and ``system`` once a second: thousands of lines, of which a summary needs
    the last of each. The fold over what is left gives the same summary (and is tested to).
    """

    def __init__(self) -> None:
        self._kept: list[AnyEvent] = []
        self._heartbeat: dict[bytes, bytes] = {}

    def feed(self, lines: Iterable[bytes]) -> None:
        """Take in the lines that follow."""
        for line in lines:
            kind = STEP if line.startswith(STEP) else SYSTEM if line.startswith(SYSTEM) else None
            if kind is not None:
                self._heartbeat[kind] = line
                continue
            self._kept += _decoded(self._heartbeat.values())
            self._heartbeat.clear()
            self._kept += _decoded([line])

    def events(self) -> list[AnyEvent]:
        """Return what is left of all lines so far."""
        return [*self._kept, *_decoded(self._heartbeat.values())]


class ThinTail:
    """The history of a run that goes on, without most of the signs of life; nothing is read twice."""

    def __init__(self, run: RunDir) -> None:
        self._run = run
        self._files: dict[str, _ThinFile] = {}

    def history(self) -> History:
        """Fold the events of all attempts as they are now; names damaged lines."""
        for attempt in self._run.attempts():
            path = self._run.events_path(attempt)
            self._files.setdefault(attempt, _ThinFile(path)).take_in()
        history = fold(event for file in self._files.values() for event in file.thinner.events())
        for file in self._files.values():
            name = str(file.path.relative_to(self._run.path))
            if file.damaged:
                history.unreadable.append(damage_words(name, file.damaged))
            elif file.is_lost(self._run.log_path(file.path.parent.name)):
                history.unreadable.append(
                    f"{name}: gone or empty, so what this attempt said counts for nothing here;"
                    " `mabe logs` reads it from its log.txt"
                )
        return history


def thin_history(run: RunDir) -> History:
    """Fold the events of all attempts once; see :class:`ThinTail`."""
    return ThinTail(run).history()


class EventFile:
    """One attempt's event file, read on from where the last reading ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged: list[int] = []
        """Numbers of the lines that are no whole ones."""
        self.lines = 0
        """How many have been read."""
        self._tail = LineTail(path)

    def read(self) -> tuple[list[bytes], bool]:
        """Return the lines that have come, and whether they are of a file that was replaced or cut."""
        before = self._tail.offset
        lines = self._tail.read()
        is_another = self._tail.offset != before + sum(map(len, lines)) + len(lines)
        if is_another:
            self.damaged, self.lines = [], 0
        first = self.lines + 1
        self.damaged += [n for n, line in enumerate(lines, first) if not _is_whole(line)]
        self.lines += len(lines)
        return lines, is_another


class _ThinFile(EventFile):
    """The same, of which only what a summary needs is kept."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.thinner = Thinner()

    def take_in(self) -> None:
        lines, is_another = self.read()
        if is_another:
            self.thinner = Thinner()
        self.thinner.feed(lines)

    def is_lost(self, log: Path) -> bool:
        """Return whether the attempt's log has events, and this file none."""
        if self.lines:
            return False
        begins = LineTail(log).read() if _size(log) < LOG_HEAD else last_lines(log)
        return any(decode(line) is not None for line in begins) and not _size(self.path)


def _is_whole(line: bytes) -> bool:
    """Return whether a line was written as it stands: also an event of a kind this reader lacks."""
    if line.startswith((STEP, SYSTEM)):
        return line.endswith(b"}")  # there are thousands of them
    try:
        msgspec.json.decode(line)
    except UNDECODABLE:
        return False
    return True


def damage_words(file: str, numbers: Sequence[int]) -> str:
    """Say which lines of a file of events are damaged, and what to do."""
    others = len(numbers) - 1
    more = f" and {others} more line{'s' * (others > 1)}" if others else ""
    they, these = ("they", "these lines") if others else ("it", "that line")
    return (
        f"{file}:{numbers[0]}{more}: damaged, so what {they} said is missing here; cut {these} out of"
        " the file to be rid of this warning"
    )


def folder_size(path: Path) -> int:
    """Add up the bytes of a file, or of all files below a folder; what vanishes meanwhile is 0."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(_size(file) for file in files)


def _decoded(lines: Iterable[bytes]) -> Iterator[AnyEvent]:
    for line in lines:
        if (event := decode(line)) is not None:
            yield event


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
