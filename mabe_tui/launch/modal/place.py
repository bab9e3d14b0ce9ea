"""The server, workspace and environment that the current profile reaches, and whether a run is there."""

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
"""By server, token and the environment that is asked for: what they are does not change."""


class ElsewhereError(UnreachableError):
    """The run is in a workspace or an environment that the current profile does not reach."""


def here() -> Place:
    """Return where the current profile leads; a part that Modal does not tell is empty.

    Raises:
        UserError: Modal cannot be asked.
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
    """Make sure that the current credentials are those of the run's workspace.

    Raises:
        ElsewhereError: they are another's; says where the run is and where we are.
        UnreachableError: Modal cannot be asked.
    """
    if place == Place():  # an older version did not note it
        return
    now = here()
    if not place.has_same_account_as(now):
        raise _elsewhere(run, place, now)


def require_same(run: RunDir) -> None:
    """Make sure that what is started now is started where the run is.

    Raises:
        ElsewhereError: it would be started elsewhere; says where the run is and where we are.
        UnreachableError: Modal cannot be asked.
    """
    call = call_of(run)
    if call is None:
        return
    now = here()
    differs = call.place.environment and call.place.environment != now.environment
    if differs or not call.place.has_same_account_as(now):
        raise _elsewhere(run, call.place, now)


def words_of(run: RunDir, place: Place, now: Place) -> str:
    """Say where a run is and where we are: ``run v6-… is in workspace W, environment E; you are in …``."""
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
    return (workspace.name or "") if _told(workspace.hydrate.aio) else ""


def _environment() -> str:
    environment = modal.Environment.from_context()
    return (environment.name or "") if _told(environment.hydrate.aio) else ""


def _told(question: Callable[[], Awaitable[object]]) -> bool:
    """Ask; return whether Modal told it, which it need not for every token.

    Raises:
        UnreachableError: Modal cannot be reached.
    """
    try:
        ask(question, SECONDS)
    except UnreachableError:
        raise
    except UserError:
        return False
    return True
