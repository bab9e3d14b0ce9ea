"""Carry out removals: what belongs to runs goes to the trash, the rest is removed for good."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import RunError
from core.run import places
from core.run.rundir import RunDir
from core.system.lock import try_lock
from core.system.progress import Progress
from mabe_tui.launch.launching import LOCK, SECONDS
from mabe_tui.runs.actions.manage import Removal, remove
from mabe_tui.runs.actions.trash import Trash
from mabe_tui.runs.format.units import size_text
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import state_of


@dataclass(frozen=True, slots=True)
class Discarded:
    """What became of removals."""

    trashed: int = 0
    """Bytes that are in the trash now."""
    freed: int = 0
    """Bytes that were removed for good."""
    emptied: int = 0
    """Bytes that the trash had kept for long enough, removed for good."""


def discard(
    home: Path,
    removals: Sequence[Removal],
    now: dt.datetime,
    days: float | None,
    progress: Progress | None = None,
) -> Discarded:
    """Move runs, or parts of them, to the trash, remove what can be made again, and empty the trash.

    Args:
        home: the home folder of the runs.
        removals: see :func:`~mabe_tui.runs.actions.manage.removal_of`.
        now: when they are removed.
        days: how long the trash keeps things; what was removed earlier is removed for good.
        progress: called with (done, total, unit).

    Raises:
        RunError: a run has come alive since, or something cannot be removed; what came before it is gone.
    """
    trash = Trash(home)
    expired = trash.expired(days, now)
    kept = [removal for removal in removals if not removal.for_good]
    for done, each in enumerate(kept, start=1):
        _put(trash, each, now)
        if progress is not None:
            progress(done, len(kept), "runs")
    freed = remove([removal for removal in removals if removal.for_good])
    emptied = trash.empty(expired)
    return Discarded(sum(each.bytes for each in kept), freed, emptied)


def discarded_words(done: Discarded, days: float | None) -> str:
    """Say what became of removals, and how to undo it."""
    parts = []
    if done.trashed:
        kept = "until `mabe trash empty`" if days is None else f"for {days:g} days"
        parts.append(f"moved {size_text(done.trashed)} to the trash, which keeps it {kept}")
    if done.freed or not done.trashed:
        parts.append(f"{size_text(done.freed)} are free again")
    if done.emptied:
        parts.append(f"emptied the trash of {size_text(done.emptied)} that it had kept long enough")
    return "; ".join(parts)


def _put(trash: Trash, removal: Removal, now: dt.datetime) -> None:
    """Move what belongs to a run to the trash, unless its run has come alive since it was planned.

    Raises:
        RunError: the run is alive, or is being started.
    """
    run = RunDir(places.runs(trash.home) / removal.what)
    if not run.path.is_dir():  # another command was faster, and a lock would make the folder again
        return
    if (state := state_of(RunEntry(run))).is_alive:
        raise RunError(f"{run.id} is {state}; stop it first (mabe stop {run.id})")
    with try_lock(run.path / LOCK, SECONDS) as held:
        if not held:
            raise RunError(f"{run.id} is being started by another command; it was not removed")
        trash.put(run.id, removal.reason, removal.paths, now)
