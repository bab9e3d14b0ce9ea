"""End the calls of a run, either at the user's request or before another call is started in its folder."""

import contextlib
import time
from collections.abc import Sequence

from core.errors import RunError, UserError
from core.run.rundir import RunDir
from mabe_tui.launch.attempts import (
    QuietEnding,
    attempt_ending,
    has_spoken,
    newest_attempt,
    write_quiet_ending,
)
from mabe_tui.launch.launcher import RunState, StopOutcome, UnreachableError
from mabe_tui.launch.modal import apps as modal_apps
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal import follow as modal_follow
from mabe_tui.launch.modal.calls import CallOutcome
from mabe_tui.launch.modal.handle import Call, calls_of
from mabe_tui.launch.modal.lookup import state_of_call
from mabe_tui.launch.modal.place import require_account, require_same

KILL_SECONDS = 20.0
"""How long Modal may take to kill a container."""
WIND_DOWN_SECONDS = 15.0
"""How long a call may take to end after its job has emitted its final event."""
GRACE_SECONDS = 40.0
"""Time that an earlier call gets to save a checkpoint before another one replaces it."""
HEAR_SECONDS = 15.0
"""How long to wait for another process that writes the mirror to record the final events."""
EARLIER_SECONDS = 5.0
"""How long to query the state of a call of an earlier start before it is cancelled without knowing it."""
PATIENCE_SECONDS = 15.0
"""How long to query whether a call has ended before giving up on a resume."""
POLL_SECONDS = 0.2


def stop(run: RunDir, found: RunState, grace: float) -> StopOutcome:
    """Cancel every call of the run that may be alive; kill their containers if that does not help.

    Args:
        run: the run to stop.
        found: its state as far as known; if unknown, the call is cancelled anyway.
        grace: seconds for saving a checkpoint.

    Raises:
        RunError: the run is being started and has no call yet.
        UnreachableError: calls of earlier starts may still be running and cannot be reached; names them.
        UserError: Modal is unreachable or refuses to cancel the call.
    """
    calls, attempt = calls_of(run), newest_attempt(run)
    if not calls or attempt is None:
        if found.is_alive:
            raise RunError(
                f"{run.id} is being started: press Ctrl-C there, or stop it once `mabe ps` shows it"
            )
        return StopOutcome.ENDED
    if not found.may_speak:
        return _stop_earlier(run, calls[:-1], grace)
    if found is RunState.UNKNOWN:
        modal_client.require()  # raises if it cannot be reached
        require_account(run, calls[-1].place)
    modal_calls.cancel(calls[-1].id)
    run.request_stop(attempt)
    earlier = _Earlier(run, calls[:-1])
    outcome = _stop_newest(run, [*earlier.alive, calls[-1]], grace)
    earlier.require_reached()
    return outcome


def _stop_newest(run: RunDir, cancelled: Sequence[Call], grace: float) -> StopOutcome:
    """Wait for the newest call, the last one to be cancelled, and for the others."""
    if not _end(cancelled, grace) or not _fetch_final_events(run, cancelled[-1]):
        return StopOutcome.ASKED
    outcome = _outcome(run)
    modal_apps.stop_if_over(run)
    return outcome


class _Earlier:
    """Calls of earlier starts that may be alive, each of which has been cancelled."""

    def __init__(self, run: RunDir, calls: Sequence[Call]) -> None:
        self._run = run
        self.alive: list[Call] = []
        """Calls known to be running."""
        self._unknown: dict[str, tuple[Call, UserError]] = {}
        for call in calls:
            try:
                is_alive = state_of_call(run, call, EARLIER_SECONDS).outcome is CallOutcome.RUNNING
            except UserError as error:  # cancel it anyway: Modal may accept that
                self._unknown[call.id] = call, error
                with contextlib.suppress(UserError):
                    modal_calls.cancel(call.id)
                continue
            if is_alive:
                modal_calls.cancel(call.id)
                self.alive.append(call)

    def require_reached(self) -> None:
        """Check that all of them are known to have ended by now.

        Raises:
            UnreachableError: some may not have; names them.
        """
        left = {i: error for i, (call, error) in self._unknown.items() if not _is_over(call)}
        if left:
            ids, why = ", ".join(left), str(next(iter(left.values())))
            raise UnreachableError(
                f"{self._run.id}: its newest start was seen to, but {ids} of earlier starts could not be"
                f" reached ({why}) and may go on, at a cost: `mabe stop {self._run.id}` tries again"
            )


def _fetch_final_events(run: RunDir, call: Call) -> bool:
    """Fetch the final events of an ended call; return whether they have arrived."""
    deadline = time.monotonic() + HEAR_SECONDS
    while True:
        try:
            if modal_follow.catch_up(run, call.id):
                return True
        except (UnreachableError, modal_client.ModalError):
            return False
        # Another process writes the mirror and receives the ending itself.
        if attempt_ending(run, newest_attempt(run) or "") is not None:
            return True
        if time.monotonic() >= deadline:
            return False


def _stop_earlier(run: RunDir, calls: Sequence[Call], grace: float) -> StopOutcome:
    """End the calls of earlier starts that are still running although the run has ended."""
    earlier = _Earlier(run, calls)
    outcome = StopOutcome.ENDED
    if earlier.alive:
        outcome = StopOutcome.ENDED_EARLIER if _end(earlier.alive, grace) else StopOutcome.ASKED
    earlier.require_reached()
    return outcome


def _outcome(run: RunDir) -> StopOutcome:
    """Return how the newest attempt ended, from the run's own events, now that its call is over."""
    attempt = newest_attempt(run) or ""
    match attempt_ending(run, attempt):
        case RunState.STOPPED | RunState.PREEMPTED:
            return StopOutcome.CLEAN
        case RunState.FINISHED:
            return StopOutcome.FINISHED
        case None:
            killed = QuietEnding(RunState.STOPPED, "killed", CallOutcome.CANCELLED)
            write_quiet_ending(run, attempt, killed)
            return StopOutcome.KILLED if has_spoken(run, attempt) else StopOutcome.BEFORE_START
        case _:
            return StopOutcome.ENDED


def require_over(run: RunDir) -> None:
    """Make sure that no call of the run is alive before another one is started in its folder.

    A call that is still running although the run has ended is given time to exit, then cancelled.

    Raises:
        ElsewhereError: the next call would be started in another workspace or environment.
        UnreachableError: whether a call has ended cannot be determined now; nothing was started.
        RunError: a call does not end; nothing was started.
    """
    require_same(run)
    for call in calls_of(run):
        try:
            said = state_of_call(run, call, PATIENCE_SECONDS)
        except UserError as error:
            kind = UnreachableError if isinstance(error, UnreachableError) else RunError
            raise kind(
                f"{run.id}: whether its call {call.id} is over cannot be found out now ({error});"
                " nothing was started"
            ) from error
        if said.outcome is not CallOutcome.RUNNING or _wait([call], WIND_DOWN_SECONDS):
            continue
        modal_calls.cancel(call.id)
        if not _end([call], GRACE_SECONDS):
            raise RunError(
                f"{run.id}: its call {call.id} was cancelled and is not over yet; nothing was"
                " started: try again in a minute"
            )


def _end(calls: Sequence[Call], grace: float) -> bool:
    """Wait for cancelled calls, then kill their containers; return whether all are known to have ended."""
    if _wait(calls, grace):
        return True
    with contextlib.suppress(UserError):
        for call in calls:
            modal_calls.cancel(call.id, terminate=True)
        return _wait(calls, KILL_SECONDS)
    return False


def _wait(calls: Sequence[Call], seconds: float) -> bool:
    """Wait until all calls have ended; return whether they have. An unknown state does not count as ended."""
    deadline = time.monotonic() + seconds
    left = list(calls)
    while True:
        left = [call for call in left if not _is_over(call)]
        if not left or time.monotonic() >= deadline:
            return not left
        time.sleep(POLL_SECONDS)


def _is_over(call: Call) -> bool:
    try:
        return modal_calls.state(call.id).outcome is not CallOutcome.RUNNING
    except UserError:
        return False
