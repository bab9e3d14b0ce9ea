"""Download a competition's data inside Modal: start the download and follow it from here.

The download is an app of its own, named after the folder, so that repeating the command on any computer
follows the existing download instead of starting a second one into the same folder.
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
from mabe_tui.launch.line_buffer import LineBuffer
from mabe_tui.launch.modal import apps as modal_apps
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal import foreign as modal_foreign
from mabe_tui.launch.modal.apps import RunningApp, running_apps
from mabe_tui.launch.modal.builds import hearing_builds
from mabe_tui.launch.modal.calls import CallOutcome
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
"""How long to query how an ended call ended."""
OVER_SECONDS = 5.0
"""How long a call may take to end after its job has sent its final message."""
GOES_ON = (
    "it goes on on Modal: `mabe data ls` shows how far it is, the same command follows it again, `mabe ps`"
    " says how to end it"
)
"""What happens to a download that is no longer followed."""


class Download(msgspec.Struct, frozen=True, kw_only=True):
    """A download on Modal: one app with one call."""

    name: str
    """Name of the folder on the volume."""
    app_id: str
    call_id: str = ""
    """Empty if the starting process could not record it, or an older version started the download."""
    doubt: str = ""
    """Why it is uncertain whether the download is still running; empty if it is."""

    @property
    def reference(self) -> str:
        """Id of the call, or else of the app; ``mabe logs`` accepts either."""
        return self.call_id or self.app_id


def start(order: DownloadRequest, say: Say = say_nothing) -> Download:
    """Start a download, detached.

    Args:
        order: the request.
        say: called with image build output, and on Ctrl-C with a message that a download was started anyway.

    Raises:
        DataError: the name is not valid for a folder on the volume.
        UserError: Modal has no such secret, refuses, or is unreachable.
        KeyboardInterrupt: Ctrl-C; ``say`` has been called with what happens to the download.
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
            # Raising through the app's context would disconnect as after a crash.
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
    """Return the running download into this folder; ``None`` if there is none.

    The app of a finished download is stopped. If Modal does not report whether a download has finished, it
    counts as running, with the reason as its ``doubt``, since no second one may be started beside it.

    Args:
        name: name of the folder on the volume.
        apps: the live apps; ``None`` queries them.

    Raises:
        UserError: Modal cannot be queried.
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
    # A container that has sent its final message may live for a few more seconds.
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
    """Return the price in USD per hour of the machine that downloads and prepares."""
    from mabe_tui.launch.modal_data_app import CORES, MEMORY_MIB

    prices = read_prices()
    return CORES * prices.cpu_core_hour + MEMORY_MIB / GIB * prices.memory_gib_hour


def follow(
    download: Download, progress: Progress, say: Say = say_nothing, tell: Tell = ignore
) -> DownloadReady | DownloadFailed:
    """Follow a download to its final message, whatever happens to the connection.

    Only the final message, or the result of the call as Modal stores it, ends this; after a rate limit, a
    refusal or "not found" the query is retried.

    Args:
        download: from :func:`start` or :func:`find`.
        progress: progress callback.
        say: called with the container's other messages, such as a failed commit.
        tell: called when the connection is lost and when it is back.

    Raises:
        RunError: it ended without a final message, or the folder no longer records how it ended.
        UserError: there are no credentials.
    """
    lines, ended = LineBuffer(), list[DownloadReady | DownloadFailed]()

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
    return ended[-1] if ended else _final_message(download)


def conclude(
    download: Download, ended: DownloadReady | DownloadFailed, say: Say = say_nothing
) -> DownloadReady:
    """Stop the app of a download that has sent its final message, and return the result.

    Raises:
        DataError: the download failed; the message says why, on one line.
    """
    stop_if_over(download, OVER_SECONDS, say)
    if isinstance(ended, DownloadFailed):
        raise DataError(f"on Modal: {ended.error}")
    return ended


def stop_if_over(download: Download, patience: float = 0.0, say: Say = say_nothing) -> None:
    """Stop the app of a download whose call is over, since it does not stop by itself.

    Args:
        download: the download.
        patience: seconds to wait for the call to end after its job has sent the final message.
        say: called, once per process, with a message that the app could not be stopped.
    """
    if download.call_id:
        call = Call(id=download.call_id, app_id=download.app_id, calls_in_app=1)
        modal_apps.stop_app_of(call, f"the download {download.name}", (), patience, say)


def stop_ended(names: Collection[str], apps: Sequence[RunningApp]) -> None:
    """Stop the apps of downloads that ended while nobody followed them; errors are ignored."""
    for app in apps:
        name = app.description.removeprefix(APP_PREFIX)
        if app.description.startswith(APP_PREFIX) and name in names:
            with contextlib.suppress(UserError):
                find(name, apps)


def _is_over(download: Download) -> bool:
    """Return whether a download has an outcome; without a known call, whether its app has stopped.

    Raises:
        UnreachableError: Modal gave no answer, which implies nothing about the download.
        UserError: there are no credentials.
    """
    if not download.call_id:
        return modal_calls.app_is_over(download.app_id) is True
    return modal_calls.state(download.call_id).outcome is not CallOutcome.RUNNING


def _final_message(download: Download) -> DownloadReady | DownloadFailed:
    """Return the final message of an ended download whose log lacks it.

    Raises:
        RunError: it left none, or none can be read now.
    """
    reason = ""
    try:
        if download.call_id:
            state = modal_calls.state(download.call_id, ANSWER_SECONDS)
            reason = f" ({state.reason or state.outcome})"
            if state.outcome is CallOutcome.RETURNED:
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
    raise RunError(f"the download ended without a word{reason}; the same command continues with it")


def _keep_or_stop(download: Download) -> None:
    """Record the call of a download for later repeats of the command, or stop an app without a call.

    Without the record, only the app can be found. Modal may have accepted a call whose answer was lost, and
    following it would never end.
    """
    with contextlib.suppress(UserError):
        if download.call_id:
            call = StartedCall(app_id=download.app_id, call_id=download.call_id)
            write_call(download.name, call)
        else:
            modal_apps.stop_app(Call(id="", app_id=download.app_id))


def _forget_ending(name: str) -> None:
    """Reset the record of a download that has ended, before another one continues it."""
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
