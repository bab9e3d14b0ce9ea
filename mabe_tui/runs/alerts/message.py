"""What an alert says: an event with its values, and its text."""

import datetime as dt
from typing import Any

import msgspec

from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.alerts.conditions import NOT_A_NUMBER, Condition
from mabe_tui.runs.alerts.moments import RunMoment
from mabe_tui.runs.alerts.rules import AlertRule
from mabe_tui.runs.format.untrusted_text import clean

BAD = (RunState.FAILED, RunState.LOST, RunState.PREEMPTED)


class AlertEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One alert: what commands and webhooks of the form ``json`` receive."""

    rule: str
    """The rule's name, or its condition."""
    when: str
    run: str
    version: str
    state: str
    time: dt.datetime
    """When the condition was met."""
    text: str
    """One line, without control characters."""
    epoch: int = 0
    epochs: int | None = None
    metric: str | None = None
    best_score: float | None = None
    cost_usd: float | None = None
    elapsed_seconds: float | None = None
    values: dict[str, Any] = {}
    """Values that the condition looks at; ``null`` for NaN, too."""

    @property
    def is_bad(self) -> bool:
        """Whether somebody should look at it soon."""
        is_nan = NOT_A_NUMBER in self.when.casefold().split()
        return is_nan or self.state in {state.value for state in BAD}


def event_of(rule: AlertRule, condition: Condition, moment: RunMoment, reason: str) -> AlertEvent:
    """Return the event of a rule whose condition was met.

    Args:
        rule: the rule.
        condition: its condition.
        moment: when it was met.
        reason: why, as the condition said.
    """
    run = moment.record.summary
    name = f" [{rule.name}]" if rule.name else ""
    return AlertEvent(
        rule=rule.title,
        when=rule.when,
        run=run.id,
        version=run.version,
        state=run.state.value,
        time=moment.time,
        text=clean(f"{run.id} {reason}{name}"),
        epoch=run.epoch,
        epochs=run.epochs,
        metric=run.metric,
        best_score=run.best_score,
        cost_usd=run.cost_usd,
        elapsed_seconds=run.elapsed_seconds,
        values={key: moment.row.get(key) for key in condition.keys},
    )
