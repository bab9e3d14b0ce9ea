"""A competition's data, fetched inside Modal: starting that, and following it from here.

The download is an app of its own that is called after the folder, so that whoever gives the same command
again, from whatever computer, follows the one there is instead of starting another into the same folder.
"""

import contextlib
from collections.abc import Collection, Sequence

import modal
import modal.exception
import msgspec

from core.errors import DataError, RunError, UserError
from core.system.progress import Progress
from mabe_tui.launch.data_messages import (
    APP_PREFIX,
    PLAIN_PREFIX,
    SECRET_HELP,
    DownloadFailed,
    DownloadProgress,
    DownloadReady,
    DownloadRequest,
    StartedCall,
    read_message,
)
from mabe_tui.launch.launcher import Say, Tell, UnreachableError, ignore, say_nothing
from mabe_tui.launch.line_buffer import Lines
from mabe_tui.launch.modal import apps as modal_apps
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal import foreign as modal_foreign
from mabe_tui.launch.modal.apps import RunningApp, running_apps
from mabe_tui.launch.modal.builds import hearing_builds
from mabe_tui.launch.modal.calls import Outcome
from mabe_tui.launch.modal.data import (
    read_call,
    read_status,
    require_name,
    write_call,
    write_status,
)
from mabe_tui.launch.modal.handle import Call
from mabe_tui.launch.modal.loop import interruptible
from mabe_tui.launch.prices import GIB, read_prices

ANSWER_SECONDS = 15.0
"""How long it is asked how a call ended that is over."""
OVER_SECONDS = 5.0
"""How long a call may take to be over once its job has said its last word."""
GOES_ON = (
    "it goes on on Modal: `mabe data ls` shows how far it is, the same command follows it again, `mabe ps`"
    " says how to end it"
)
"""What becomes of a download that nobody follows any more."""


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """A download on Modal, as one app with one call."""

    name: str
    """The folder's, on the volume."""
    app_id: str
    call_id: str = ""
    """Empty where whoever started it did not get to note it, as older versions never did."""
    doubt: str = ""
    """Why it is not known now whether it goes on; empty where it is."""

    @property
    def reference(self) -> str:
        """The id of the call, else of the app; ``mabe logs`` takes either."""
        return self.call_id or self.app_id


def start(order: DownloadRequest, say: Say = say_nothing) -> Download:
    """Start a download, detached.

    Args:
        order: what is to be done.
        say: is told of the building of the image, and on Ctrl-C that a download was started all the same.

    Raises:
        DataError: the name cannot be a folder's on the volume.
        UserError: there is no such secret on Modal, or Modal refuses or cannot be reached.
        KeyboardInterrupt: Ctrl-C; ``say`` has been told what becomes of the download.
    """
    require_name(order.name)
    secret = _secret(order.secret)
    _forget_ending(order.name)
    from mabe_tui.launch import modal_data_app

    begun: Download | None = None
    problem: Exception | None = None
    call_id = ""
    try:
        app = modal_data_app.app.run(detach=True, name=f"{APP_PREFIX}{order.name}")
        with hearing_builds(say) as builds, interruptible(), app as running:
            builds.are_over = True
            begun = Download(name=order.name, app_id=str(running.app_id))
            # Nothing may be raised through the app's context, which would disconnect as after a crash.
            try:
                function = modal_data_app.fetch_data.with_options(secrets=[secret])
                call_id = str(function.spawn(msgspec.json.encode(order).decode()).object_id)
            except (modal.exception.Error, OSError) as error:
                problem = error
    except (modal.exception.Error, OSError) as error:
        problem = error
    except KeyboardInterrupt:
        if call_id:
            say(f"the download {call_id} was started; {GOES_ON}")
        raise
    finally:
        if begun is not None:
            _keep_or_stop(msgspec.structs.replace(begun, call_id=call_id))
    if begun is not None and call_id:
        return msgspec.structs.replace(begun, call_id=call_id)
    assert problem is not None
    raise modal_client.in_words(problem) from problem


def find(name: str, apps: Sequence[RunningApp] | None = None) -> Download | None:
    """Find the download into this folder that is under way; ``None``: there is none.

    The app of one that is over is stopped. Where Modal does not tell whether one is over, it is taken to be
    under way, with the reason as its ``doubt``: no other may be started beside it.

    Args:
        name: the folder's, on the volume.
        apps: those that are alive; ``None``: asks for them.

    Raises:
        UserError: Modal cannot be asked.
    """
    wanted = f"{APP_PREFIX}{name}"
    alive = [app for app in (running_apps() if apps is None else apps) if app.description == wanted]
    if not alive:
        return None
    app = max(alive, key=lambda app: app.created)
    noted = read_call(name)
    is_noted = noted is not None and noted.app_id == app.id
    download = Download(
        name=name, app_id=app.id, call_id=noted.call_id if noted and is_noted else ""
    )
    # One that has said its last word may be there for some seconds more.
    status = read_status(name)
    has_ended = status is not None and status.ended is not None
    if not has_ended and download.call_id:
        try:
            has_ended = _is_over(download)
        except UnreachableError as error:
            return msgspec.structs.replace(download, doubt=modal_client.trouble(error))
    if not has_ended:
        return download
    stop_if_over(download)
    return None


def usd_per_hour() -> float:
    """Return the price in USD an hour of the machine that fetches and prepares."""
    from mabe_tui.launch.modal_data_app import CORES, MEMORY_MIB

    prices = read_prices()
    return CORES * prices.cpu_core_hour + MEMORY_MIB / GIB * prices.memory_gib_hour


def follow(
    download: Download, progress: Progress, say: Say = say_nothing, tell: Tell = ignore
) -> DownloadReady | DownloadFailed:
    """Follow a download to its last word, whatever becomes of the connection.

    Only its last word, or the result of its call as Modal keeps it, ends this: a rate limit, a refusal or
    "not found" is asked again.

    Args:
        download: from :func:`start` or :func:`find`.
        progress: is told how far it is.
        say: is given what else the container says of its work, such as a commit that failed.
        tell: is told when the connection is lost, and when it is back.

    Raises:
        RunError: it is over without a word, or the folder says no longer how it ended.
        UserError: there are no credentials.
    """
    lines, ended = Lines(), list[DownloadReady | DownloadFailed]()

    def take(piece: str, *_: object) -> None:
        for line, _time in lines.feed(piece):
            match read_message(line):
                case DownloadProgress(done=done, total=total, unit=unit):
                    progress(done, total, unit)
                case DownloadReady() | DownloadFailed() as word:
                    ended.append(word)
                case None if line.startswith(PLAIN_PREFIX):
                    say(line.removeprefix(PLAIN_PREFIX))

    def is_over() -> bool:
        return bool(ended) or _is_over(download)

    modal_foreign.attach(download.reference, True, take, tell, is_over)
    return ended[-1] if ended else _last_word(download)


def conclude(
    download: Download, ended: DownloadReady | DownloadFailed, say: Say = say_nothing
) -> DownloadReady:
    """Stop the app of a download that has said its last word, and return what is there now.

    Raises:
        DataError: it failed there; says why, on one line.
    """
    stop_if_over(download, OVER_SECONDS, say)
    if isinstance(ended, DownloadFailed):
        raise DataError(f"on Modal: {ended.error}")
    return ended


def stop_if_over(download: Download, patience: float = 0.0, say: Say = say_nothing) -> None:
    """Stop the app of a download whose call is over, which does not stop by itself.

    Args:
        download: which.
        patience: seconds to wait for a call to be over whose job has said its last word.
        say: is told, once in a process, that the app could not be stopped.
    """
    if download.call_id:
        call = Call(id=download.call_id, app_id=download.app_id, calls_in_app=1)
        modal_apps.stop_app_of(call, f"the download {download.name}", (), patience, say)


def stop_ended(names: Collection[str], apps: Sequence[RunningApp]) -> None:
    """Stop what is left of downloads that have ended while nobody followed them; errors are passed over."""
    for app in apps:
        name = app.description.removeprefix(APP_PREFIX)
        if app.description.startswith(APP_PREFIX) and name in names:
            with contextlib.suppress(UserError):
                find(name, apps)


def _is_over(download: Download) -> bool:
    """Return whether a download has an outcome; without a known call, whether its app has stopped.

    Raises:
        UnreachableError: Modal gave no answer, which says nothing of the download.
        UserError: there are no credentials.
    """
    if not download.call_id:
        return modal_calls.app_is_over(download.app_id) is True
    return modal_calls.state(download.call_id).outcome is not Outcome.RUNNING


def _last_word(download: Download) -> DownloadReady | DownloadFailed:
    """Return the last word of a download that is over and whose log lacks it.

    Raises:
        RunError: it left none, or none can be had now.
    """
    reason = ""
    try:
        if download.call_id:
            state = modal_calls.state(download.call_id, ANSWER_SECONDS)
            reason = f" ({state.reason or state.outcome})"
            if state.outcome is Outcome.RETURNED:
                word = read_message(modal_calls.returned(download.call_id))
                if isinstance(word, DownloadReady | DownloadFailed):
                    return word
        status = read_status(download.name)
    except UserError as error:
        raise RunError(
            f"the download is over{reason}, and how it ended cannot be read now"
            f" ({modal_client.trouble(error)}); `mabe data ls` shows it later"
        ) from error
    if status is not None and status.ended is not None:
        return status.ended
    stop_if_over(download)
    raise RunError(f"the download ended without a word{reason}; the same command goes on with it")


def _keep_or_stop(download: Download) -> None:
    """Note the call of a download for whoever gives the same command later, or stop an app without one.

    Without the note, only the app is found. Modal may have taken a call whose answer did not come, which
    would be followed without an end.
    """
    with contextlib.suppress(UserError):
        if download.call_id:
            call = StartedCall(app_id=download.app_id, call_id=download.call_id)
            write_call(download.name, call)
        else:
            modal_apps.stop_app(Call(id="", app_id=download.app_id))


def _forget_ending(name: str) -> None:
    """Take back that a download has ended, before another one goes on with it."""
    status = read_status(name)
    if status is not None and status.ended is not None:
        write_status(name, msgspec.structs.replace(status, ended=None))


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
