"""Fold all events of a run into the one history that counts.

A run may have been started several times. ``resumed`` names the checkpoint that an attempt continued from;
following that chain back from the newest attempt yields the line of events that led to the present
weights. Events that an earlier attempt emitted after the checkpoint are *superseded*: kept, and included
in the cost, but part of no curve. Every view of a run is computed from a :class:`History`; nothing is
stored twice.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from core.run.events import (
    ENDINGS,
    AnyEvent,
    DataReady,
    Epoch,
    Event,
    Resumed,
    RunStarted,
    Step,
    System,
    Warned,
    began,
    identity,
)

Kind = TypeVar("Kind", bound=Event)


@dataclass(slots=True)
class History:
    """One run, folded. Lists are in chronological order."""

    attempts: list[str] = field(default_factory=list)
    events: list[AnyEvent] = field(default_factory=list)
    """Events on the line that counts."""
    superseded: list[AnyEvent] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """One sentence per event file with damaged lines, whose events are missing above."""
    seconds: float = 0.0
    """Sum over all attempts, from the start of each to its last event: the time that is billed."""
    attempt_seconds: dict[str, float] = field(default_factory=dict)
    """The same, by attempt."""
    device_names: dict[str, str] = field(default_factory=dict)
    """Attempt → the device that it computes on, if reported."""
    counted: dict[str, float] = field(default_factory=dict)
    """Attempt → its last ``seq`` that counts; an attempt that is missing here does not count at all."""

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[Kind]) -> Kind | None:
        """Return the latest event of one kind."""
        return next((event for event in reversed(self.events) if isinstance(event, kind)), None)

    @property
    def started(self) -> RunStarted | None:
        """The newest attempt's first event."""
        return self.last(RunStarted)

    @property
    def data(self) -> DataReady | None:
        """The latest description of the run's data."""
        return self.last(DataReady)

    @property
    def epochs(self) -> list[Epoch]:
        """One event per completed epoch."""
        return self.of(Epoch)

    @property
    def last_step(self) -> Step | None:
        """The latest progress event inside an epoch."""
        return self.last(Step)

    @property
    def last_system(self) -> System | None:
        """The latest reading of the machine's load."""
        return self.last(System)

    @property
    def warnings(self) -> list[Warned]:
        """All warnings that the run emitted."""
        return self.of(Warned)

    @property
    def ending(self) -> AnyEvent | None:
        """The ending event of the newest attempt; ``None`` if it has emitted none."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, ENDINGS) and last.attempt == self.attempts[-1] else None

    def best_epoch(self, monitor: str) -> Epoch | None:
        """Return the epoch with the best value of ``monitor``, the earliest in case of a tie.

        The highest value is the best unless the run has declared that a smaller value is better.

        An epoch whose validation loss is NaN is never the best.
        """
        measured = [
            epoch
            for epoch in self.epochs
            if math.isfinite(epoch.metrics.get(monitor, math.nan))
            and math.isfinite(epoch.metrics.get("loss", 0.0))
        ]
        falls = self.data is not None and monitor in self.data.falling
        best = min if falls else max
        return best(measured, key=lambda epoch: epoch.metrics[monitor], default=None)


def fold(events: Iterable[AnyEvent]) -> History:
    """Compute the history of one run from its events, in any order.

    Attempts are ordered by name, which starts with the attempt's number. An attempt that has not yet
    reported whether it resumes leaves the line of the previous one in place.
    """
    by_attempt: dict[str, list[AnyEvent]] = {}
    for event in events:
        by_attempt.setdefault(event.attempt, []).append(event)
    attempts = sorted(by_attempt)
    for name in attempts:
        by_attempt[name].sort(key=lambda event: event.seq)
    history = History(attempts=attempts, counted=_last_counted(attempts, by_attempt))
    for name in attempts:
        limit = history.counted.get(name, 0)
        for event in by_attempt[name]:
            (history.events if event.seq <= limit else history.superseded).append(event)
        history.attempt_seconds[name] = _duration(by_attempt[name])
        for started in by_attempt[name]:
            if isinstance(started, RunStarted):
                history.device_names[name] = started.device_name
    history.seconds = sum(history.attempt_seconds.values())
    return history


def _last_counted(attempts: list[str], by_attempt: dict[str, list[AnyEvent]]) -> dict[str, float]:
    """Return the last ``seq`` that counts, for each attempt on the line that counts."""
    counted: dict[str, float] = {}
    remaining = list(attempts)
    limit = math.inf
    while remaining:
        name = remaining.pop()
        counted[name] = limit
        resumed = next((e for e in by_attempt[name] if isinstance(e, Resumed)), None)
        if resumed is not None:
            while remaining and remaining[-1] != resumed.from_attempt:
                remaining.pop()
            limit = resumed.from_seq
        elif any(isinstance(e, DataReady) for e in by_attempt[name]):
            break  # it trained from the beginning: nothing older led to its weights
        else:  # it has not started training (yet): the previous line remains
            limit = math.inf
    return counted


def _duration(events: list[AnyEvent]) -> float:
    return (events[-1].time - began(events[0])).total_seconds() if events else 0.0


def gaps(events: Iterable[AnyEvent]) -> dict[str, list[int]]:
    """Return the ``seq`` numbers that are missing below each attempt's highest one."""
    seen: dict[str, set[int]] = {}
    for event in events:
        seen.setdefault(event.attempt, set()).add(identity(event).seq)
    missing = {name: sorted(set(range(1, max(seqs))) - seqs) for name, seqs in seen.items()}
    return {name: seqs for name, seqs in missing.items() if seqs}
