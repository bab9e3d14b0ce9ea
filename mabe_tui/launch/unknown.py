"""Reasons why the state of a run could not be determined, kept for display."""

from pathlib import Path

from core.run.rundir import RunDir

_reasons: dict[Path, str] = {}


def note(run: RunDir, reason: str) -> None:
    """Record why the run's state is unknown and what to do, for this process only."""
    _reasons[run.path] = reason


def forget(run: RunDir) -> None:
    """Remove the reason: the state is known."""
    _reasons.pop(run.path, None)


def reason_of(run: RunDir) -> str | None:
    """Return why the run's state is unknown; ``None`` if it is known or was never queried."""
    return _reasons.get(run.path)
