"""The limit that stopped a run, and the new limit that a resume needs."""

from enum import StrEnum

import msgspec

from core.errors import ConfigError, RunError
from core.run.events import Finished, Stopped
from core.run.history import History
from core.run.limits import Limits
from mabe_tui.runs.format.units import duration, parse_dollars, parse_duration
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunEntry

UNSAID_SECONDS = 60.0
"""Tolerance between a limit and the end of an older run's events: they do not say how long after the start
of the job they begin (:attr:`~core.run.events.RunStarted.startup_seconds`)."""


class LimitKind(StrEnum):
    """The limited quantity, as the reason of a ``stopped`` event."""

    TIME = "time_limit"
    BUDGET = "budget"

    @property
    def option(self) -> str:
        """The command-line option that sets it."""
        return "--max-time" if self is LimitKind.TIME else "--budget"

    def spell(self, amount: float) -> str:
        """Format an amount: ``2h 00m``, ``$15.00``."""
        return duration(amount) if self is LimitKind.TIME else f"${amount:.2f}"

    def read(self, text: str) -> float:
        """Parse an amount: ``2h``, or dollars.

        Raises:
            ConfigError: it is neither.
        """
        if self is LimitKind.TIME:
            return parse_duration(text, "time")
        return parse_dollars(text, "budget")


class ReachedLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that stopped a run, over all its attempts."""

    kind: LimitKind
    allowed: float
    """Seconds or dollars, in the unit of ``used``."""
    used: float

    def __str__(self) -> str:
        name = "time limit" if self.kind is LimitKind.TIME else "budget"
        return f"its {name} of {self.kind.spell(self.allowed)} is used up"

    @property
    def option(self) -> str:
        """The option of ``mabe resume`` that raises it."""
        return self.kind.option

    @property
    def least(self) -> str:
        """The amount that a new limit must exceed."""
        return self.kind.spell(max(self.allowed, self.used))

    def lets_go_on(self, new: float | None) -> bool:
        """Return whether a new limit leaves room for further training."""
        return new is not None and new > max(self.allowed, self.used)

    def raised(self, text: str) -> float:
        """Parse a new limit.

        Raises:
            ConfigError: it is invalid, or leaves no room for further training.
        """
        new = self.kind.read(text)
        if not self.lets_go_on(new):
            raise ConfigError(f"{text}: name more than {self.least}; it counts over all attempts")
        return new


def reached_limit(entry: RunEntry) -> ReachedLimit | None:
    """Return the limit of a run that leaves no room for further training; ``None`` if there is none.

    It ended the last attempt, or has been used up. Modal's own time-out also ends an attempt, but is not a
    limit of the run.

    Raises:
        RunError: the run cannot be read.
    """
    return _reached(entry.require_request().limits, thin_history(entry.run))


def _reached(limits: Limits, history: History) -> ReachedLimit | None:
    if isinstance(history.ending, Finished):
        return None
    reason = history.ending.reason if isinstance(history.ending, Stopped) else None
    seconds, spent = history.seconds, limits.spent(history) or 0.0
    budget, time = limits.cost_usd, limits.seconds
    if budget is not None and (reason == LimitKind.BUDGET or spent >= budget):
        return ReachedLimit(kind=LimitKind.BUDGET, allowed=budget, used=spent)
    if time is None:
        return None
    said = reason == LimitKind.TIME and (
        limits.attempt_seconds is None or seconds + UNSAID_SECONDS >= time
    )
    if said or seconds >= time:
        return ReachedLimit(kind=LimitKind.TIME, allowed=time, used=seconds)
    return None


def require_room(entry: RunEntry, seconds: float | None, cost: float | None) -> None:
    """Reject a resume that a limit would stop again at once.

    Args:
        entry: the run.
        seconds: new time limit over all attempts; ``None``: unchanged.
        cost: new cost limit in dollars; ``None``: unchanged.

    Raises:
        RunError: a limit that it has reached is not raised, or a new one is below the amount used.
    """
    new = {LimitKind.TIME: seconds, LimitKind.BUDGET: cost}
    limits, history = entry.require_request().limits, thin_history(entry.run)
    reached = _reached(limits, history)
    if reached is not None and not reached.lets_go_on(new[reached.kind]):
        raise RunError(
            f"{entry.id}: {reached}; {reached.option} above {reached.least} lets it go on"
        )
    spent = limits.spent(history)
    for kind, used in ((LimitKind.TIME, history.seconds), (LimitKind.BUDGET, spent)):
        wanted = new[kind]
        if wanted is not None and used is not None and used >= wanted:
            raise RunError(
                f"{kind.option} {kind.spell(wanted)}: {entry.id} has used {kind.spell(used)}, and it"
                " counts over all attempts; name more"
            )
