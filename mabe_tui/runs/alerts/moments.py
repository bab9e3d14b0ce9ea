"""The moments of a run at which a rule is checked: each epoch, losses that are no numbers, silences, now."""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec

from core.run.events import AnyEvent, Epoch, Step
from core.run.history import History, fold
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.fields import Value, row_of
from mabe_tui.runs.listing.record import RunRecord, smoothed_of
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import STALL_SECONDS, summarise
from mabe_tui.runs.tasks import spec_of


@dataclass(frozen=True)
class RunMoment:
    """A run as it was at some time."""

    time: dt.datetime
    record: RunRecord
    epochs: tuple[Epoch, ...]
    """The epochs completed by then."""

    @cached_property
    def row(self) -> dict[str, Value]:
        """The values that a query sees."""
        return row_of(self.record)


def now_of(record: RunRecord, history: History, now: dt.datetime) -> RunMoment:
    """Return a run as it is.

    Args:
        record: its record.
        history: its events.
        now: the time; of a run that has ended, its last event's time counts.
    """
    ended = None if record.state.may_speak else record.summary.last_event
    return RunMoment(ended or now, record, tuple(history.epochs))


def moments_of(
    entry: RunEntry, record: RunRecord, history: History, after: int = 0
) -> Iterator[RunMoment]:
    """Return a run's moments in the past, in order; :func:`now_of` is the last.

    Args:
        entry: the run.
        record: its present record, from which what does not change is taken.
        history: its events, which may be thinned: each epoch is kept.
        after: leave out what happened before this epoch was over.

    Raises:
        RunError: the run's request cannot be read.
    """
    events = history.events
    done = 0
    for number, event in enumerate(events):
        done = max(done, event.epoch) if isinstance(event, Epoch) else done
        following = events[number + 1] if number + 1 < len(events) else None
        if done < after or (done == after and isinstance(event, Epoch)):
            continue
        if isinstance(event, Epoch) or (isinstance(event, Step) and not math.isfinite(event.loss)):
            yield _moment(entry, record, events[: number + 1], event.time)
        if following is not None and _is_silence(event, following):
            until = event.time + dt.timedelta(seconds=STALL_SECONDS + 1)
            yield _moment(entry, record, events[: number + 1], until)


def _is_silence(event: AnyEvent, following: AnyEvent) -> bool:
    same = event.attempt == following.attempt
    return same and (following.time - event.time).total_seconds() > STALL_SECONDS


def _moment(
    entry: RunEntry, record: RunRecord, events: list[AnyEvent], time: dt.datetime
) -> RunMoment:
    request, history = entry.require_request(), fold(events)
    summary = summarise(request, history, RunState.RUNNING, time)
    present = record.summary
    summary = msgspec.structs.replace(summary, tags=present.tags, note=present.note)
    best = history.best_epoch(request.experiment.training.monitor)
    then = msgspec.structs.replace(
        record,
        summary=summary,
        best=best.metrics if best else {},
        smoothed=smoothed_of(history, spec_of(request.experiment)),
    )
    return RunMoment(time, then, tuple(history.epochs))
