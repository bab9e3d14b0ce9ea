"""The server, workspace and environment of the current profile, compared with those of a run."""

import threading
from collections.abc import Awaitable, Callable

import modal
import modal.config

from core.errors import UserError
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import UnreachableError
from mabe_tui.launch.modal.client import ask
from mabe_tui.launch.modal.handle import Place, call_of

SECONDS = 10.0
_lock = threading.Lock()
_known: dict[tuple[str, str, str], Place] = {}
"""Cache by server, token and requested environment, which determine the place."""


class ElsewhereError(UnreachableError):
    """The run is in a workspace or environment that the current profile cannot access."""


def here() -> Place:
    """Return the place that the current profile accesses; a field that Modal does not report is empty.

    Raises:
        UserError: Modal is unreachable.
    """
    config = modal.config.config
    server, token, environment = (
        str(config.get(key) or "") for key in ("server_url", "token_id", "environment")
    )
    with _lock:
        if (known := _known.get((server, token, environment))) is not None:
            return known
        place = Place(
            server=server, workspace=_workspace(), environment=_environment() or environment
        )
        if place.workspace and place.environment:
            _known[server, token, environment] = place
        return place


def require_account(run: RunDir, place: Place) -> None:
    """Check that the current credentials belong to the run's workspace.

    Raises:
        ElsewhereError: they belong to another; names the run's place and the current one.
        UnreachableError: Modal is unreachable.
    """
    if place == Place():  # an older version did not record it
        return
    now = here()
    if not place.has_same_account_as(now):
        raise _elsewhere(run, place, now)


def require_same(run: RunDir) -> None:
    """Check that a job started now would be started in the run's place.

    Raises:
        ElsewhereError: it would be started elsewhere; names the run's place and the current one.
        UnreachableError: Modal is unreachable.
    """
    call = call_of(run)
    if call is None:
        return
    now = here()
    differs = call.place.environment and call.place.environment != now.environment
    if differs or not call.place.has_same_account_as(now):
        raise _elsewhere(run, call.place, now)


def words_of(run: RunDir, place: Place, now: Place) -> str:
    """Return ``run v6-… is in workspace W, environment E; you are in …``."""
    other_server = place.server and now.server and place.server != now.server
    there, at = (f" on {place.server}", f" on {now.server}") if other_server else ("", "")
    return f"run {run.id} is in {place}{there}; you are in {now}{at}"


def _elsewhere(run: RunDir, place: Place, now: Place) -> ElsewhereError:
    if place.has_same_account_as(now):
        mend = f"MODAL_ENVIRONMENT={place.environment} before the command leads there"
    elif place.workspace and place.workspace != now.workspace:
        mend = "`modal profile activate` with a profile of that workspace leads there"
    else:
        mend = "MODAL_SERVER_URL before the command leads there"
    return ElsewhereError(f"{words_of(run, place, now)}; {mend}")


def _workspace() -> str:
    workspace = modal.Workspace.from_context()
    return (workspace.name or "") if _is_reported(workspace.hydrate.aio) else ""


def _environment() -> str:
    environment = modal.Environment.from_context()
    return (environment.name or "") if _is_reported(environment.hydrate.aio) else ""


def _is_reported(question: Callable[[], Awaitable[object]]) -> bool:
    """Query the place; return whether Modal reported it, which it does not do for every token.

    Raises:
        UnreachableError: Modal is unreachable.
    """
    try:
        ask(question, SECONDS)
    except UnreachableError:
        raise
    except UserError:
        return False
    return True
