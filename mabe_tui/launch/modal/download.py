"""A competition's data, fetched inside Modal: starting that, and following it from here.

The download is an app of its own that is called after the folder, so that whoever gives the same command
again, from whatever computer, follows the one there is instead of starting another into the same folder.
"""

import modal
import modal.exception
import msgspec

from core.errors import DataError, RunError, UserError
from core.progress import Progress
from mabe_tui.launch.data_words import (
    APP_PREFIX,
    SECRET_HELP,
    Failed,
    Order,
    Ready,
    Working,
    read_word,
)
from mabe_tui.launch.launcher import Say, say_nothing
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal import foreign as modal_foreign
from mabe_tui.launch.modal.apps import running_apps
from mabe_tui.launch.modal.builds import hearing_builds
from mabe_tui.launch.modal.data import read_status, require_name, write_status
from mabe_tui.launch.modal.loop import interruptible
from mabe_tui.launch.pieces import Lines
from mabe_tui.launch.prices import GIB, read_prices


def start(order: Order, say: Say = say_nothing) -> str:
    """Start a download, detached; return the id under which :func:`follow` finds it.

    Args:
        order: what is to be done.
        say: is told of the building of the image.

    Raises:
        DataError: the name cannot be a folder's on the volume.
        UserError: there is no such secret on Modal, or Modal refuses or cannot be reached.
    """
    require_name(order.name)
    secret = _secret(order.secret)
    _forget_ending(order.name)
    from mabe_tui.launch import modal_data_app

    call: modal.FunctionCall[str] | None = None
    problem: Exception | None = None
    try:
        app = modal_data_app.app.run(detach=True, name=f"{APP_PREFIX}{order.name}")
        with hearing_builds(say), interruptible(), app:
            # Nothing may be raised through the app's context, which would disconnect as after a crash.
            try:
                function = modal_data_app.fetch_data.with_options(secrets=[secret])
                call = function.spawn(msgspec.json.encode(order).decode())
            except (modal.exception.Error, OSError) as error:
                problem = error
    except (modal.exception.Error, OSError) as error:
        problem = error
    if call is not None:
        return str(call.object_id)
    assert problem is not None
    raise modal_client.in_words(problem) from problem


def find(name: str) -> str | None:
    """Give the id of the download into this folder that is under way; ``None``: there is none.

    Raises:
        UserError: Modal cannot be asked.
    """
    wanted = f"{APP_PREFIX}{name}"
    apps = [app for app in running_apps() if app.description == wanted]
    # One that has said its last word may be there for some seconds more.
    if not apps or ((status := read_status(name)) is not None and status.ended is not None):
        return None
    return max(apps, key=lambda app: app.created).id


def usd_per_hour() -> float:
    """Give the price of the machine that fetches and prepares."""
    from mabe_tui.launch.modal_data_app import CORES, MEMORY_MIB

    prices = read_prices()
    return CORES * prices.cpu_core_hour + MEMORY_MIB / GIB * prices.memory_gib_hour


def follow(reference: str, progress: Progress) -> Ready:
    """Follow a download to its end, whatever becomes of the connection.

    Args:
        reference: what :func:`start` or :func:`find` gave.
        progress: is told how far it is.

    Raises:
        DataError: it failed there; says why, on one line.
        RunError: it ended without a word.
        UserError: Modal cannot be asked, or does not know it.
    """
    lines, ended = Lines(), list[Ready | Failed]()

    def take(piece: str, *_: object) -> None:
        for line, _time in lines.feed(piece):
            match read_word(line):
                case Working(done=done, total=total, unit=unit):
                    progress(done, total, unit)
                case Ready() | Failed() as word:
                    ended.append(word)

    modal_foreign.attach(reference, follow=True, show=take)
    match ended[-1:]:
        case [Ready() as ready]:
            return ready
        case [Failed(error=error)]:
            raise DataError(f"on Modal: {error}")
    raise RunError(
        f"the download ended without a word{_reason(reference)}; the same command goes on with it"
    )


def _forget_ending(name: str) -> None:
    """Take back that a download has ended, before another one goes on with it."""
    status = read_status(name)
    if status is not None and status.ended is not None:
        write_status(name, msgspec.structs.replace(status, ended=None))


def _reason(reference: str) -> str:
    if not reference.startswith("fc-"):
        return ""
    try:
        reason = modal_calls.state(reference).reason
    except UserError:  # not known now
        return ""
    return f" ({reason})" if reason else ""


def _secret(name: str) -> modal.Secret:
    secret = modal.Secret.from_name(name)
    try:
        modal_client.ask(secret.hydrate.aio)
    except UserError as error:
        if not isinstance(error.__cause__, modal.exception.NotFoundError):
            raise
        raise DataError(
            f"Modal has no secret {name!r}; {SECRET_HELP.format(secret=name)}"
        ) from error
    return secret
