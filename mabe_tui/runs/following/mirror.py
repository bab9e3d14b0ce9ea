"""Follow one run: its events and its other output, as they arrive."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.errors import RunError
from core.run.events import PREFIX, AnyEvent, Identity, decode, identity
from core.run.rundir import RunDir
from mabe_tui.launch.tail import LineTail
from mabe_tui.runs.reading.event_files import EventFile


@dataclass(frozen=True, slots=True)
class EventItem:
    """An event, reported once."""

    event: AnyEvent


@dataclass(frozen=True, slots=True)
class TextItem:
    """A line of plain log, as printed: untrusted bytes, to be sanitised before they are shown."""

    attempt: str
    raw: bytes


Item = EventItem | TextItem


@dataclass(slots=True)
class _AttemptTail:
    log: LineTail
    events: EventFile


@dataclass
class Mirror:
    """One reader's view of a run's files.

    Events come from the log, where their place among the plain lines is known, and from the event file,
    which has them even if the log was cut or another thread's output ran into a line. Each
    (attempt, seq) is returned once; a log that was replaced returns its plain lines again.
    """

    run: RunDir
    _tails: dict[str, _AttemptTail] = field(default_factory=dict)
    _seen: dict[Identity, bytes] = field(default_factory=dict)

    def poll(self) -> list[Item]:
        """Return everything new since the last call, in the order of attempts, including new attempts.

        Raises:
            RunError: one event was written twice, differently.
        """
        items: list[Item] = []
        for attempt in self.run.attempts():
            tail = self._tail(attempt)
            for line in tail.log.read():
                items += self._event(line, attempt, else_text=True)
            for line in tail.events.read().lines:
                items += self._event(line, attempt, else_text=False)
        return items

    def remainder(self) -> list[Item]:
        """Return the incomplete last lines of the logs; only for a run that has ended.

        An incomplete event is not output, and is skipped.
        """
        torn = {attempt: tail.log.read_partial() for attempt, tail in self._tails.items()}
        return [
            TextItem(attempt, rest)
            for attempt, rest in torn.items()
            if rest and not rest.startswith(PREFIX.encode())
        ]

    def _tail(self, attempt: str) -> _AttemptTail:
        if attempt not in self._tails:
            log, events = self.run.log_path(attempt), self.run.events_path(attempt)
            self._tails[attempt] = _AttemptTail(LineTail(log), EventFile(events))
        return self._tails[attempt]

    def _event(self, line: bytes, attempt: str, else_text: bool) -> Iterator[Item]:
        event = decode(line)
        if event is None:
            if else_text:
                yield TextItem(attempt, line)
            return
        known = self._seen.setdefault(key := identity(event), content := line.strip())
        if known is content:
            yield EventItem(event)
        elif known != content:
            raise RunError(
                f"{self.run.id}: event {key.seq} of attempt {key.attempt} is there twice, differently;"
                " two jobs wrote into one attempt"
            )
