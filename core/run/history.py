"""The fold: from all events of a run to the one history that counts.

A run may have been started several times. ``resumed`` names the checkpoint an attempt went on from;
following that chain back from the newest attempt gives the line of events that led to the present
weights. What an earlier attempt said after the checkpoint is *superseded*: kept, and paid for, but no
part of any curve. Every view of a run is computed from a :class:`History`; nothing is kept twice.
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
    """One run, folded. Lists are in the order in which things happened."""

    attempts: list[str] = field(default_factory=list)
    events: list[AnyEvent] = field(default_factory=list)
    """The line that counts."""
    superseded: list[AnyEvent] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Event files with damaged lines, a sentence each: what those lines said is missing above."""
    seconds: float = 0.0
    """From the start of each attempt to its last event, over all of them: what was paid for."""
    attempt_seconds: dict[str, float] = field(default_factory=dict)
    """The same, by attempt."""
    device_names: dict[str, str] = field(default_factory=dict)
    """Attempt → what it computes with, where it has said so."""
    counted: dict[str, float] = field(default_factory=dict)
    """Attempt → the last ``seq`` of it that counts; an attempt that is not named counts for nothing."""

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
        """What the run said last of its data."""
        return self.last(DataReady)

    @property
    def epochs(self) -> list[Epoch]:
        """One event per completed epoch."""
        return self.of(Epoch)

    @property
    def last_step(self) -> Step | None:
        """The latest sign of progress inside an epoch."""
        return self.last(Step)

    @property
    def last_system(self) -> System | None:
        """The latest reading of the machine."""
        return self.last(System)

    @property
    def warnings(self) -> list[Warned]:
        """What the run warned of."""
        return self.of(Warned)

    @property
    def ending(self) -> AnyEvent | None:
        """How the newest attempt ended, or ``None`` where it has not said so."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, ENDINGS) and last.attempt == self.attempts[-1] else None

    def best_epoch(self, monitor: str) -> Epoch | None:
        """Return the epoch with the best value of ``monitor``; the earliest where several tie.

        The highest is the best, unless the run has said that the metric falls.

        An epoch whose validation loss is not a number is never the best.
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

    Attempts are ordered by name: an attempt's ordinal comes first in it. An attempt that has not yet
    said whether it resumes leaves the line of the one before it standing.
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
    """Give, for each attempt on the line that counts, the last ``seq`` that counts."""
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
        else:  # it has not come to training (yet): the line before it stands
            limit = math.inf
    return counted


def _duration(events: list[AnyEvent]) -> float:
    return (events[-1].time - began(events[0])).total_seconds() if events else 0.0


def gaps(events: Iterable[AnyEvent]) -> dict[str, list[int]]:
    """Name the ``seq`` numbers that are missing below each attempt's highest one."""
    seen: dict[str, set[int]] = {}
    for event in events:
        seen.setdefault(event.attempt, set()).add(identity(event).seq)
    missing = {name: sorted(set(range(1, max(seqs))) - seqs) for name, seqs in seen.items()}
    return {name: seqs for name, seqs in missing.items() if seqs}
