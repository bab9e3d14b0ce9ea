"""The whole output of a run, one attempt's log after the other, and the mapping between lines and events.

Positions are those of :mod:`~mabe_tui.runs.following.log_index`, counted over all attempts: 0 is the first
line that comes after the log was opened, −1 the one before.
"""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.errors import UserError
from core.run.events import AnyEvent, Epoch, Event, Identity, Step, decode
from core.run.rundir import RunDir
from mabe_tui.runs.following.event_lines import find_event
from mabe_tui.runs.following.log_index import LogIndex
from mabe_tui.runs.format.untrusted_text import plain

SEARCHED_AT_ONCE = 4000
"""Lines per slice, taking about 10 ms."""
LOOKED_AT_ONCE = 500
MEASURED = (Step, Epoch)
"""Events that are points of a chart."""
Spell = Callable[[AnyEvent], str | None]


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line to show."""

    position: int
    attempt: str
    text: str
    """Sanitised: no terminal sequences, no control characters; never to be parsed as markup."""
    event: AnyEvent | None = None
    """The event, if the line is one."""


@dataclass(slots=True)
class _AttemptLog:
    attempt: str
    index: LogIndex
    base: int
    """Offset added to its positions."""

    @property
    def first(self) -> int:
        return self.base + self.index.first

    @property
    def stop(self) -> int:
        return self.base + self.index.stop


class RunLog:
    """The logs of all attempts of a run as one; see :class:`~mabe_tui.runs.following.log_index.LogIndex`.

    Not thread-safe: one thread at a time.

    Args:
        run: the run whose logs are read.
        spell: returns an event's text; if it returns ``None``, the event shows as its JSON line. Search looks
            at the shown text.
    """

    def __init__(self, run: RunDir, spell: Spell | None = None) -> None:
        self.run = run
        self.generation = 0
        """Increases when a log was replaced or cut: every position is void then."""
        self._spell = spell
        self._until: int | None = None
        self._open()

    @property
    def first(self) -> int:
        """The first known position."""
        return self._parts[0].first if self._parts else 0

    @property
    def stop(self) -> int:
        """One past the last line."""
        end = self._parts[-1].stop if self._parts else 0
        return end if self._until is None else max(self.first, min(end, self._until))

    @property
    def complete(self) -> bool:
        """Whether the first line of the first attempt is known; only then do lines have a number."""
        return not self._earlier and (not self._parts or self._parts[0].index.complete)

    def number(self, position: int) -> int | None:
        """Return a line's number in the whole log, from 1; ``None`` while the log is incomplete."""
        return position - self.first + 1 if self.complete else None

    def poll(self) -> int:
        """Read appended lines; return how many came.

        If a log was replaced or cut, or an older attempt's log grew, everything is read again, and
        ``generation`` increases.
        """
        stop, generation = self.stop, self.generation
        self._take_up_attempts()
        self._grow()
        older = any(self._has_grown(part) for part in self._parts[:-1])
        if older or any(part.index.generation for part in self._parts):
            self.generation += 1
            self._open()
        return self.stop - stop if self.generation == generation else 0

    def extend(self) -> bool:
        """Index one more slice towards the beginning; return whether there is more."""
        if self._parts and self._parts[0].index.extend():
            return True
        if self._earlier:
            self._parts.insert(0, self._part_before(self._earlier.pop()))
        return not self.complete

    def lines(self, first: int, count: int) -> list[LogRow]:
        """Return the lines from a position on that are known and shown."""
        return [
            self._row(position, attempt, raw) for position, attempt, raw in self._raw(first, count)
        ]

    def search(
        self, pattern: "re.Pattern[str]", start: int, direction: int = 1
    ) -> Iterator[int | None]:
        """Search for the next line with a match, starting at ``start`` itself.

        A backward search indexes as it goes. Lines are searched as they are shown.

        Args:
            pattern: see :func:`search_pattern`.
            start: the position to begin at.
            direction: 1 towards the end, −1 towards the beginning.

        Yields:
            ``None`` after each slice without a match, so that other work can be done; finally the
            position. Ends without one if there is no match.
        """
        at = start
        while self.first <= at < self.stop or (direction < 0 and self._reach(at)):
            begin = at if direction > 0 else max(self.first, at - SEARCHED_AT_ONCE + 1)
            count = SEARCHED_AT_ONCE if direction > 0 else at + 1 - begin
            rows = self._raw(begin, count)
            for position, _, raw in rows if direction > 0 else reversed(rows):
                if pattern.search(self._shown(raw)):
                    yield position
                    return
            at = begin + len(rows) if direction > 0 else begin - 1
            if not rows:
                return
            yield None

    def line_of(self, event: Identity) -> int | None:
        """Return the position of an event's line; index back as far as necessary.

        Returns:
            ``None`` if the log has no line for this event.
        """
        while (part := self._part_of(event.attempt)) is None and self._earlier:
            self.extend()
        if part is None:
            return None
        offset = find_event(part.index.path, event.seq, part.index.size)
        if offset is None:
            return None
        more = True
        while (found := part.index.position_at(offset)) is None and more:
            more = part.index.extend()
        return None if found is None else part.base + found

    def event_near(
        self, position: int, kinds: tuple[type[Event], ...] = MEASURED
    ) -> AnyEvent | None:
        """Return the last event of these kinds up to a line, else the first one after it."""
        at = position
        while at >= self.first:
            begin = max(self.first, at - LOOKED_AT_ONCE + 1)
            for _, _, raw in reversed(self._raw(begin, at + 1 - begin)):
                if isinstance(event := decode(raw), kinds):
                    return event
            at = begin - 1
        at = position + 1
        while rows := self._raw(at, LOOKED_AT_ONCE):
            for _, _, raw in rows:
                if isinstance(event := decode(raw), kinds):
                    return event
            at += len(rows)
        return None

    def show_until(self, event: Identity | None) -> None:
        """Hide lines after this event's, for a replay; ``None`` shows all. Ignore events without a line."""
        if event is None:
            self._until = None
        elif (position := self.line_of(event)) is not None:
            self._until = position + 1

    def hide_all(self) -> None:
        """Show no line until :meth:`show_until` is called."""
        self._until = -sys.maxsize

    # ── parts ─────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        attempts = self.run.attempts()
        self._earlier = attempts[:-1]
        """Attempts whose logs are not open yet."""
        self._parts = [
            _AttemptLog(name, LogIndex(self.run.log_path(name)), 0) for name in attempts[-1:]
        ]

    def _take_up_attempts(self) -> None:
        known = {*self._earlier, *(part.attempt for part in self._parts)}
        for name in self.run.attempts():
            if name not in known:
                if self._parts:
                    self._grow()  # the last lines of the previous attempt come first
                index = LogIndex(self.run.log_path(name), from_end=False)
                base = self._parts[-1].stop if self._parts else 0
                self._parts.append(_AttemptLog(name, index, base))

    def _grow(self) -> None:
        """Read all lines of the newest attempt's log."""
        while self._parts and self._parts[-1].index.poll():
            pass

    def _has_grown(self, part: _AttemptLog) -> bool:
        stop = part.index.stop
        part.index.poll()
        return part.index.stop != stop

    def _part_before(self, attempt: str) -> _AttemptLog:
        index = LogIndex(self.run.log_path(attempt))
        return _AttemptLog(attempt, index, self.first)

    def _part_of(self, attempt: str) -> _AttemptLog | None:
        return next((part for part in self._parts if part.attempt == attempt), None)

    def _reach(self, position: int) -> bool:
        """Index back to a position; return ``False`` if there is no such line."""
        while position < self.first and self.extend():
            pass
        return self.first <= position < self.stop

    # ── lines ─────────────────────────────────────────────────────────────────────────────────

    def _raw(self, first: int, count: int) -> list[tuple[int, str, bytes]]:
        begin, stop = max(first, self.first), min(first + count, self.stop)
        rows: list[tuple[int, str, bytes]] = []
        for part in self._parts:
            start, end = max(begin, part.first), min(stop, part.stop)
            if start < end:
                found = part.index.lines(start - part.base, end - start)
                rows += [(start + at, part.attempt, raw) for at, raw in enumerate(found)]
        return rows

    def _row(self, position: int, attempt: str, raw: bytes) -> LogRow:
        return LogRow(position, attempt, self._shown(raw), decode(raw))

    def _shown(self, raw: bytes) -> str:
        if self._spell is not None and (event := decode(raw)) is not None:
            words = self._spell(event)
            if words is not None:
                return words
        return plain(raw)


def search_pattern(text: str) -> "re.Pattern[str]":
    """Compile a search term: a regular expression; without capitals, case is ignored.

    Raises:
        UserError: it is not a valid regular expression; says where.
    """
    try:
        return re.compile(text, 0 if any(c.isupper() for c in text) else re.IGNORECASE)
    except re.error as error:
        raise UserError(
            f"search {text!r}: {error}; write \\ before a sign meant as itself"
        ) from None
