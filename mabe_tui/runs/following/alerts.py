"""Alerts that need attention at once: a loss that is not a number, silence, a warning, an end."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.run.events import AnyEvent, Epoch, Failed, Identity, Resumed, Step, Warned, identity
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.summary.run_summary import STALL_SECONDS

Kind = Literal["not_a_number", "stall", "warning", "resumed", "ended", "gone"]
Severity = Literal["information", "warning", "error"]
MEASURED = (Step, Epoch)
SEVERITY: dict[RunState, Severity] = {
    RunState.FINISHED: "information",
    RunState.STOPPED: "information",
    RunState.PREEMPTED: "warning",
    RunState.FAILED: "error",
    RunState.LOST: "error",
}
"""Severity of the states in which a run has ended."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, reported once."""

    kind: Kind
    severity: Severity
    message: str
    at: Identity | None = None
    """The event that it is based on."""


class AlertWatch:
    """Checks the new events of one run and returns alerts, each once."""

    def __init__(self) -> None:
        self._state: RunState | None = None
        self._not_numbers: set[tuple[str, str]] = set()
        self._stalled = False

    def look(
        self, new: Sequence[AnyEvent], state: RunState, silent_seconds: float
    ) -> tuple[Alert, ...]:
        """Return the alerts since the last look.

        The first look reports only the current condition: a loss that is not a number now, or silence. A
        run that had ended by then causes no alerts.

        Args:
            new: the events since the last look.
            state: the run's current state.
            silent_seconds: seconds since its last event.
        """
        before, self._state = self._state, state
        if before is None:
            new = _latest_measured(new) if state.may_speak else ()
        alerts = [alert for event in new for alert in self._of(event)]
        alerts += self._stall(state, silent_seconds)
        if before not in (None, state) and state in SEVERITY:
            alerts.append(_ended(state, new))
        return tuple(alerts)

    def _of(self, event: AnyEvent) -> Iterator[Alert]:
        match event:
            case Step() | Epoch():
                yield from self._not_a_number(event)
            case Warned():
                yield Alert("warning", "warning", event.message, identity(event))
            case Resumed():
                message = f"attempt {event.attempt} goes on after epoch {event.epoch}"
                yield Alert("resumed", "information", message, identity(event))

    def _not_a_number(self, event: Step | Epoch) -> Iterator[Alert]:
        if isinstance(event, Step):
            values = {"train_loss": event.loss}
        else:
            trained = {"train_loss": event.train_loss} if event.was_trained else {}
            values = trained | event.metrics
        for name, value in values.items():
            key = (event.attempt, name)
            if math.isfinite(value):
                self._not_numbers.discard(key)
            elif key not in self._not_numbers:
                self._not_numbers.add(key)
                message = f"{name} is {value} in epoch {event.epoch}, step {event.step}"
                yield Alert("not_a_number", "error", message, identity(event))

    def _stall(self, state: RunState, silent_seconds: float) -> Iterator[Alert]:
        stalled = state is RunState.RUNNING and silent_seconds > STALL_SECONDS
        if stalled and not self._stalled:
            since = dt.timedelta(seconds=round(silent_seconds))
            yield Alert("stall", "warning", f"silent for {since} (h:mm:ss)")
        self._stalled = stalled


def _latest_measured(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    """Return the last step and the last epoch."""
    found = [next((e for e in reversed(events) if isinstance(e, kind)), None) for kind in MEASURED]
    return [event for event in found if event is not None]


def _ended(state: RunState, new: Sequence[AnyEvent]) -> Alert:
    failure = next((event for event in new if isinstance(event, Failed)), None)
    if failure is None:
        return Alert("ended", SEVERITY[state], str(state))
    return Alert("ended", SEVERITY[state], f"{state}: {failure.error}", identity(failure))
