"""Control a run: stop it, resume it, fetch its checkpoints."""

from pathlib import Path

import msgspec

from core.errors import ConfigError, RunError, UserError
from core.run.events import CheckpointSaved
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.trash import restore_hint
from core.system.progress import Progress
from mabe_tui.launch.launcher import (
    Say,
    StopOutcome,
    launcher_named,
    require_resumable,
    say_nothing,
)
from mabe_tui.runs.actions.resume_limits import require_room
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import chosen_pointers, is_elsewhere, pointer_names
from mabe_tui.runs.summary.run_summary import state_of

GRACE_SECONDS = 60.0
"""Time that a run has to save a checkpoint before it is killed."""


def stop(entry: RunEntry, grace: float = GRACE_SECONDS) -> StopOutcome:
    """Ask a run to save a checkpoint and end; kill it after ``grace`` seconds.

    Raises:
        UserError: it cannot be read, or cannot be stopped now; says why.
    """
    request = entry.require_request()
    return launcher_named(request.launcher).stop(entry.run, grace)


def before_resume(entry: RunEntry, data: Path | None = None) -> list[str]:
    """Update a run's local folder, and describe what changed since the run began.

    Args:
        entry: the run.
        data: where its data are now; ``None``: at their old place.

    Returns:
        One sentence per change; none if a resume continues exactly as an uninterrupted run would have.

    Raises:
        UserError: it is alive, finished or imported, cannot be read, or cannot be reached, or its data
            are gone.
    """
    from mabe_tui.runs.actions.changes import (
        changes_since,
    )  # imported late: it reads the job's code

    request = _with_data(_require_own(entry), data)
    require_resumable(entry.run, state_of(entry))
    launcher_named(request.launcher).sync(entry.run)
    changes = list(changes_since(entry.run, request))
    if lost_its_checkpoints(entry) and pointer_names(entry.run):
        changes.insert(
            0, f"the checkpoints of {entry.id} were removed where it ran: it starts again"
        )
    return changes


def lost_its_checkpoints(entry: RunEntry) -> bool:
    """Return whether a run had checkpoints, but a new attempt would find none to continue from.

    Raises:
        UserError: it ran elsewhere, and that cannot be reached.
    """
    if thin_history(entry.run).last(CheckpointSaved) is None:
        return False
    if is_elsewhere(entry.run):
        from mabe_tui.launch.modal import volume as modal_volume  # imported late: modal

        return not modal_volume.has_checkpoints(entry.run)
    return not pointer_names(entry.run)


def resume(
    entry: RunEntry,
    seconds: float | None = None,
    cost_usd: float | None = None,
    data: Path | None = None,
    say: Say = say_nothing,
    from_scratch: bool = False,
) -> Handle:
    """Start a new attempt, which continues from the last checkpoint.

    Args:
        entry: the run, already checked by :func:`before_resume`.
        seconds: new time limit over all attempts; ``None``: unchanged.
        cost_usd: new cost limit over all attempts; ``None``: unchanged.
        data: new data folder; ``None``: unchanged.
        say: called with a message before each slow step.
        from_scratch: allow a start from the first epoch if its checkpoints were removed.

    Raises:
        UserError: it is alive, finished or imported, its checkpoints were removed, a limit that it has
            reached is not raised, or the launcher cannot start it.
    """
    request = _require_own(entry)
    require_checkpoints(entry, from_scratch)
    require_room(entry, seconds, cost_usd)
    launcher, before = launcher_named(request.launcher), entry.run.read_request()
    if any(changed is not None for changed in (seconds, cost_usd, data)):
        entry.run.change_request(
            lambda asked: launcher.prepare(_with_limits(_with_data(asked, data), seconds, cost_usd))
        )
    try:
        return launcher.resume(entry.run, say)
    except UserError:
        entry.run.change_request(  # a refused resume changes nothing
            lambda now: msgspec.structs.replace(now, limits=before.limits, data=before.data)
        )
        raise


def require_checkpoints(entry: RunEntry, from_scratch: bool = False) -> None:
    """Reject the resume of a run without its checkpoints: all its epochs would be paid for again.

    Args:
        entry: the run.
        from_scratch: the user asked for exactly that.

    Raises:
        RunError: they were removed; says how to restart it anyway.
        UserError: it ran elsewhere, and that cannot be reached.
    """
    if not from_scratch and lost_its_checkpoints(entry):
        raise RunError(
            f"the checkpoints of {entry.id} were removed, so there is nothing to go on from"
            f"{restore_hint(entry.run.path)}; `mabe resume {entry.id} --from-scratch` starts it again"
            " from the beginning"
        )


def pull(entry: RunEntry, which: str = "best", progress: Progress | None = None) -> list[Path]:
    """Fetch checkpoints and verify them; files already here are not fetched again.

    Args:
        entry: the run.
        which: ``best``, ``last``, ``epoch-5`` or ``all``.
        progress: called with the bytes received so far.

    Returns:
        Their files, each once.

    Raises:
        UserError: there is no such checkpoint, or it cannot be fetched whole.
    """
    elsewhere = is_elsewhere(entry.run)
    if elsewhere:
        launcher_named(entry.require_request().launcher).sync(entry.run)
    pointers = chosen_pointers(entry.run, which)
    if elsewhere:
        from mabe_tui.launch.modal import pull as modal_pull  # imported late: modal

        paths = modal_pull.pull(entry.run, pointers, progress)
    else:
        paths = [entry.run.checkpoints / pointer.file for pointer in pointers]
    return list(dict.fromkeys(paths))


def _require_own(entry: RunEntry) -> RunRequest:
    """Return the request of a run that was started by `mabe`.

    Raises:
        RunError: it was imported from an old log, or cannot be read.
    """
    request = entry.require_request()
    if request.imported:
        raise RunError(
            f"{entry.id} was imported from a log, so there is nothing to go on with;"
            f" `mabe run {entry.version}` starts a run"
        )
    return request


def _with_data(request: RunRequest, data: Path | None) -> RunRequest:
    """Return the request with another data folder.

    Raises:
        ConfigError: the run reads no data folder on this computer.
    """
    if data is None:
        return request
    if request.launcher != "local" or request.data is None:
        where = "makes its own data" if request.data is None else f"runs on {request.launcher}"
        raise ConfigError(f"--data: {request.run} {where}, and reads no folder of this computer")
    return msgspec.structs.replace(request, data=str(data.resolve()))


def _with_limits(request: RunRequest, seconds: float | None, cost_usd: float | None) -> RunRequest:
    old = request.limits
    limits = msgspec.structs.replace(
        old,
        seconds=seconds if seconds is not None else old.seconds,
        cost_usd=cost_usd if cost_usd is not None else old.cost_usd,
    )
    return msgspec.structs.replace(request, limits=limits)
