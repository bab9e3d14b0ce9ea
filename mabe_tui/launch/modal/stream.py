"""Convert Modal's log entries to the lines of a run.

An entry may hold a piece of a line or several lines, and carries neither a number nor the name of the
attempt. Pieces are assembled per container; a container's lines belong to the attempt that it names in its
first line. A reopened stream starts from the beginning, and lines already received are recognised: events
by their number, plain lines by container, time, source, text and how often the same line came before.
"""

import re
from collections import Counter

from modal.types import LogEntry

from core.run.events import Failed, Finished, Stopped, decode
from mabe_tui.launch.line_buffer import LineBuffer
from mabe_tui.launch.recorder import LineKey, Recorder

ATTEMPT_LINE = re.compile(rb"mabe: attempt (\d{4}-[a-z0-9]{4}) in container \S*")
CONTAINER = "ta-"
LAST_WORDS = (Finished, Stopped, Failed)


class StreamReader:
    """Processes one pass over a log, from its beginning, and records new lines."""

    def __init__(self, recorder: Recorder, events_only: bool = False) -> None:
        """Record into ``recorder``.

        Args:
            recorder: the run's mirror.
            events_only: skip plain lines, for a pass that begins in the middle, where the first piece of a
                line may be missing.
        """
        self._recorder = recorder
        self._events_only = events_only
        self._lines = LineBuffer()
        self._same: Counter[tuple[str, float, str, str]] = Counter()
        self._attempts: dict[str, str] = {}
        self._waiting: dict[str, list[LineKey]] = {}
        self.has_ended = False
        """Whether the run has emitted its final event; a preemption is not final, since the run continues."""

    def feed(self, entry: LogEntry) -> int:
        """Process one entry; return how many lines were new."""
        container = container_of(entry)
        lines = self._lines.feed(entry.message, entry.timestamp, f"{container}/{entry.source}")
        return sum(
            self._line(container, (began or entry.timestamp).timestamp(), entry.source, line)
            for line, began in lines
        )

    def _line(self, container: str, timestamp: float, source: str, text: str) -> int:
        raw = text.encode()
        event = decode(raw)
        if event is not None:
            self.has_ended |= isinstance(event, LAST_WORDS)
            new = self._recorder.add_event(raw)
            return new + self._name_attempt(container, event.attempt)
        if self._events_only:
            return 0
        place = (container, timestamp, source, text)
        key = LineKey(container, timestamp, source, raw, self._same[place])
        self._same[place] += 1
        named = ATTEMPT_LINE.fullmatch(raw)
        before = self._name_attempt(container, named[1].decode()) if named else 0
        return before + self._text(key)

    def _text(self, key: LineKey) -> int:
        attempt = self._attempts.get(key.container)
        if attempt is None:  # printed before the container named its attempt
            self._waiting.setdefault(key.container, []).append(key)
            return 0
        return int(self._recorder.add_text(attempt, key))

    def _name_attempt(self, container: str, attempt: str) -> int:
        if self._attempts.get(container) == attempt:
            return 0
        self._attempts[container] = attempt
        return sum(self._text(key) for key in self._waiting.pop(container, []))


def container_of(entry: LogEntry) -> str:
    """Return the container that printed an entry; empty if none did."""
    return next((i for i in reversed(entry.context_ids) if i.startswith(CONTAINER)), "")
