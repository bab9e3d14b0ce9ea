"""The history of a live run: new events are added to it, and everything is recomputed only if necessary."""

from collections.abc import Iterable, Sequence

from core.run.events import AnyEvent, DataReady, Resumed, RunStarted
from core.run.history import History, fold
from mabe_tui.runs.reading.points import Points
from mabe_tui.runs.reading.thinning import extend_thin, kind_of_event, thinned

TURNS = (RunStarted, DataReady, Resumed)
"""After one of these, earlier events may become superseded."""


class GrowingFold:
    """A history without most of its heartbeats, and all numbers as arrays.

    One thread writes to it; arrays taken from ``points`` never change.
    """

    def __init__(self) -> None:
        self.points = Points()
        self.history = History()
        self.turns = 0
        """Number of times that the line of events that count has changed."""
        self._by_attempt: dict[str, list[AnyEvent]] = {}
        self._seen = _Seen()

    def feed(self, events: Iterable[AnyEvent]) -> list[AnyEvent]:
        """Add events; return those that are new, in the order they came."""
        new, late = self._seen.sift(events)
        if not new:
            return []
        self.points.add(new)
        if late:
            self.points.sort()
        known = self.history.attempts[-1:]
        if late or any(isinstance(e, TURNS) or [e.attempt] != known for e in new):
            self._refold(new, late)
        else:
            self._append(new)
        return new

    def _append(self, new: Sequence[AnyEvent]) -> None:
        few = thinned(new, kind_of_event)
        extend_thin(self._by_attempt[self.history.attempts[-1]], few)
        extend_thin(self.history.events, few)
        self.history.seconds = self.points.seconds

    def _refold(self, new: Sequence[AnyEvent], late: bool) -> None:
        of_attempts: dict[str, list[AnyEvent]] = {}
        for event in new:
            of_attempts.setdefault(event.attempt, []).append(event)
        for attempt, events in of_attempts.items():
            extend_thin(self._by_attempt.setdefault(attempt, []), events, late=late)
        self.history = fold(event for kept in self._by_attempt.values() for event in kept)
        self.history.seconds = self.points.seconds
        self.turns += 1


class Folded:
    """The state of a run according to the events added so far."""

    def __init__(self) -> None:
        self._fold = GrowingFold()

    @property
    def points(self) -> Points:
        """All numbers so far, as arrays."""
        return self._fold.points

    @property
    def history(self) -> History:
        """The history so far, without most of the heartbeats."""
        return self._fold.history


class _Seen:
    """The events already seen, by attempt."""

    def __init__(self) -> None:
        self._seqs: dict[str, set[int]] = {}
        self._last: dict[str, int] = {}

    def sift(self, events: Iterable[AnyEvent]) -> tuple[list[AnyEvent], bool]:
        """Return the new events, and whether one of them came after a later one of its attempt."""
        new: list[AnyEvent] = []
        late = False
        for event in events:
            known = self._seqs.setdefault(event.attempt, set())
            if event.seq in known:
                continue
            known.add(event.seq)
            new.append(event)
            last = self._last.get(event.attempt, 0)
            late |= event.seq < last
            self._last[event.attempt] = max(last, event.seq)
        return new, late
