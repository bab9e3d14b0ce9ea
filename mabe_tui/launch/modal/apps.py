"""The user's live apps on Modal and their bills; stopping apps whose work is over."""

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Iterable
from typing import Any

import modal
import modal.experimental
import msgspec

from core.errors import RunError, UserError
from core.run.rundir import RunDir
from core.system.files import write_bytes_atomically
from mabe_tui.launch.attempts import attempt_ending, newest_attempt, read_quiet_ending
from mabe_tui.launch.launcher import RunState, Say, say_nothing
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal.client import ask, trouble
from mabe_tui.launch.modal.handle import Call, call_in, call_of, calls_of

RECEIPT = "app-stopped"
"""File in an attempt's folder that records that its app has been stopped."""
POLL_SECONDS = 0.3
LONGEST_REPORT = dt.timedelta(days=30)
_lock = threading.Lock()
_reported: set[str] = set()
"""Apps for which this process has already reported that they could not be stopped."""


class RunningApp(msgspec.Struct, frozen=True, kw_only=True):
    """A live app on Modal."""

    id: str
    description: str
    created: dt.datetime


def running_apps() -> list[RunningApp]:
    """List the apps of this environment that may cost money now; a deployed app without containers does not.

    Raises:
        UserError: Modal cannot be queried.
    """

    async def question() -> list[RunningApp]:
        environment = modal.Environment.from_context()
        deployed = await modal.experimental.list_deployed_apps.aio()
        idle = {app.app_id for app in deployed if not app.containers}
        apps = await environment.apps.list.aio()
        return [await _described(app) for app in apps if app.app_id not in idle]

    return ask(question)


async def _described(app: Any) -> RunningApp:
    info: Any = await app.info.aio()
    return RunningApp(
        id=str(app.app_id),
        description=str(info.description or app.name or ""),
        created=info.lifecycle.created_at or dt.datetime.now(dt.UTC),
    )


def stop_if_over(run: RunDir, patience: float = 0.0, say: Say = say_nothing) -> bool:
    """Stop the apps of a run whose calls are over, unless another call of that app may be alive.

    A detached app does not stop by itself. An idle one costs nothing, so a failure is not raised: the next
    follow or sync of the run tries again. The app of a start that another computer made is left to that
    computer.

    Args:
        run: the run.
        patience: seconds to wait for its newest call to end after its job has emitted the final event.
        say: called, once per process, with a message that an app could not be stopped.

    Returns:
        Whether the app of the newest start is known to have stopped.
    """
    newest, attempt = call_of(run), newest_attempt(run)
    if newest is None or attempt is None:
        return False
    for handle in run.read_handles():
        earlier = call_in(handle)
        if earlier is not None and earlier.id != newest.id:
            _stop_once(run, earlier, handle.attempt, 0.0, say)
    return _has_ended(run, attempt) and _stop_once(run, newest, attempt, patience, say)


def _stop_once(run: RunDir, call: Call, attempt: str, patience: float, say: Say) -> bool:
    """Stop the app of a call unless the attempt's folder records that; return whether it has stopped."""
    if not call.app_id or not call.calls_in_app:
        return False
    receipt = run.attempt_folder(attempt) / RECEIPT
    if receipt.exists():
        return True
    try:
        others = _others(run, call)
    except UserError:
        return False
    if not stop_app_of(call, run.id, others, patience, say):
        return False
    with contextlib.suppress(UserError):  # without a receipt the next look asks Modal again
        write_bytes_atomically(receipt, call.app_id.encode())
    return True


def stop_app_of(
    call: Call,
    name: str,
    others: Iterable[Call] = (),
    patience: float = 0.0,
    say: Say = say_nothing,
) -> bool:
    """Stop the app of a call that is over; do nothing if that is not certain.

    Args:
        call: the call whose app is stopped.
        name: name of the work in messages to ``say``.
        others: the other calls of that app, which must be over as well.
        patience: seconds to wait for the call to end.
        say: called, once per process, with a message that the app could not be stopped.

    Returns:
        Whether the app has been stopped.
    """
    try:
        if not _is_over(call, patience) or not all(_is_over(other) for other in others):
            return False
    except UserError:
        return False
    try:
        stop_app(call)
    except UserError as error:
        with _lock:
            is_news = call.app_id not in _reported
            _reported.add(call.app_id)
        if is_news:
            say(
                f"{name}: it is over, but its app {call.app_id} could not be stopped ({trouble(error)});"
                " an idle app costs nothing, and the next look at it tries again"
            )
        return False
    return True


def stop_app(call: Call) -> None:
    """Stop the app of a call, whatever is running in it; do nothing if it has already stopped.

    Raises:
        UserError: Modal is unreachable or refuses.
    """
    ask(lambda: _stop(call))


def _has_ended(run: RunDir, attempt: str) -> bool:
    """Return whether an attempt has ended as far as is known locally, so that a query is worthwhile."""
    said = attempt_ending(run, attempt)
    return said not in (None, RunState.PREEMPTED) or read_quiet_ending(run, attempt) is not None


def _others(run: RunDir, call: Call) -> list[Call]:
    """Return the other calls of an app, made for the runs launched together with this one.

    Raises:
        RunError: not all of them are known here.
    """
    if call.calls_in_app == 1:
        return []
    runs = [RunDir(path) for path in run.path.parent.iterdir() if path.is_dir()]
    known = [each for other in runs for each in calls_of(other) if each.app_id == call.app_id]
    if len(known) != call.calls_in_app:
        raise RunError(f"{call.app_id}: {len(known)} of its {call.calls_in_app} calls are known")
    return [each for each in known if each.id != call.id]


def _is_over(call: Call, patience: float = 0.0) -> bool:
    """Return whether a call has a real outcome.

    Raises:
        UserError: that cannot be determined now.
    """
    deadline = time.monotonic() + patience
    while modal_calls.state(call.id).outcome is modal_calls.CallOutcome.RUNNING:
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


async def _stop(call: Call) -> None:
    """Stop the app of a call, in the environment that it was started in."""
    named = call.place.environment
    environment = modal.Environment.from_name(named) if named else modal.Environment.from_context()
    for app in await environment.apps.list.aio():
        if app.app_id == call.app_id:
            await app.stop.aio()


def billed_usd(since: dt.datetime) -> dict[str, float]:
    """Return what Modal has billed per app, in full hours only; empty if the plan includes no report."""

    async def question() -> dict[str, float]:
        start = max(since, dt.datetime.now(dt.UTC) - LONGEST_REPORT).astimezone(dt.UTC)
        billing = modal.Workspace.from_context().billing
        found: dict[str, float] = {}
        for item in await billing.report.aio(start=start, resolution="h"):
            found[item.object_id] = found.get(item.object_id, 0.0) + float(item.cost)
        return found

    with contextlib.suppress(UserError):  # the cost is optional; the list of apps is not
        return ask(question)
    return {}
