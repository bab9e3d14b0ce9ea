"""Look up a run's call where its handle says it is, and interpret what was found there."""

import time
from pathlib import Path

from core.run.rundir import HANDLE, RunDir
from mabe_tui.launch.launcher import UnreachableError
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal.calls import CallOutcome, CallState, UnknownCallError
from mabe_tui.launch.modal.handle import Call, Place, call_in, call_of
from mabe_tui.launch.modal.place import here, require_account, words_of

FORGOTTEN_AFTER_SECONDS = 3600.0
"""Modal keeps calls for days, so a call that was active within the last hour cannot have expired."""


def state_of_call(run: RunDir, call: Call, patience: float = 0.0) -> CallState:
    """Return the state of one of the run's calls.

    Args:
        run: the run that the call belongs to.
        call: the call, located where its handle says.
        patience: seconds to keep retrying if Modal gives no answer.

    Raises:
        ElsewhereError: the current profile belongs to another workspace.
        UnreachableError: there was no answer, or the call was not found, which is no outcome.
        UserError: Modal cannot be queried.
    """
    require_account(run, call.place)
    try:
        return modal_calls.state(call.id, patience)
    except UnknownCallError as error:
        return _interpret_not_found(run, call, error)


def _interpret_not_found(run: RunDir, call: Call, error: UnknownCallError) -> CallState:
    """Interpret Modal's "not found" for a call.

    Raises:
        UnreachableError: it implies nothing about the call.
    """
    now = here()
    if call.place != Place() and not call.place.is_same_as(now):
        raise UnreachableError(
            f"{words_of(run, call.place, now)}, where its call is not found; look again from there"
        ) from error
    said = f"Modal does not find its call {call.id} in {now}"
    if _was_active_lately(run, call):
        raise UnreachableError(
            f"{said}, though it spoke within the hour; it is asked again"
        ) from error
    is_over = modal_calls.app_is_over(call.app_id) if call.app_id else None
    if is_over:
        return CallState(
            CallOutcome.FORGOTTEN, "Modal keeps its call no longer, and its app stopped"
        )
    if is_over is None and call.place.is_same_as(now):
        return CallState(
            CallOutcome.FORGOTTEN, "Modal keeps neither its call nor its app any longer"
        )
    why = (
        f"though its app {call.app_id} is alive; it is asked again"
        if is_over is False
        else "and an older mabe did not note where it was started: look from the profile it was"
        " started with (`modal profile activate NAME`); if none finds it, it is over, and"
        f" `mabe rm --force {run.id}` removes what is here of it"
    )
    raise UnreachableError(f"{said}, {why}") from error


def _was_active_lately(run: RunDir, call: Call) -> bool:
    """Return whether a call was made, or produced output, within the last hour."""
    paths = [path for attempt in _attempts_of(run, call) for path in _signs(run, attempt)]
    newest = call_of(run)
    if newest is None or newest.id == call.id:
        paths.append(run.path / HANDLE)
    return any(time.time() - _changed(path) < FORGOTTEN_AFTER_SECONDS for path in paths)


def _attempts_of(run: RunDir, call: Call) -> list[str]:
    """Return the attempts from the one that a call was made for up to that of the next call."""
    starts = {
        found.id: handle.attempt
        for handle in run.read_handles()
        if (found := call_in(handle)) is not None
    }
    first = starts.get(call.id, "")
    end = min((attempt for attempt in starts.values() if attempt > first), default=None)
    return [each for each in run.attempts() if first <= each and (end is None or each < end)]


def _signs(run: RunDir, attempt: str) -> list[Path]:
    events = run.events_path(attempt)
    return [events] if events.exists() else [run.attempt_folder(attempt)]


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
