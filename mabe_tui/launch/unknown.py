"""Why the state of a run could not be told when it was asked for last, for whoever shows it."""

from pathlib import Path

from core.run.rundir import RunDir

_reasons: dict[Path, str] = {}


def note(run: RunDir, reason: str) -> None:
    """Keep the reason why the run's state is unknown, and what to do; in this process only."""
    _reasons[run.path] = reason


def forget(run: RunDir) -> None:
    """Drop the reason: the state is known."""
    _reasons.pop(run.path, None)


def reason_of(run: RunDir) -> str | None:
    """Return why the run's state is unknown; ``None`` where it is known or was not asked for yet."""
    return _reasons.get(run.path)
