"""The outcome of one delivery."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery."""

    problem: str | None = None
    """Why it failed; ``None``: it was delivered."""
    again: bool = False
    """Whether another attempt may succeed."""
    pause: float | None = None
    """Seconds after which the receiver wants to be asked again."""


def delivered() -> Outcome:
    """Return the outcome of a delivery that succeeded."""
    return Outcome()


def refused(problem: str) -> Outcome:
    """Return the outcome of a delivery that cannot succeed."""
    return Outcome(problem)


def retried(problem: str, pause: float | None = None) -> Outcome:
    """Return the outcome of a delivery that is to be tried again."""
    return Outcome(problem, again=True, pause=pause)
