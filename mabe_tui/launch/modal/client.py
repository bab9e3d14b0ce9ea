"""Requests to Modal with a time limit and actionable errors.

Every request to Modal goes through :func:`ask`. The ``modal`` package waits for more than a minute if
there is no server, so the socket is probed first.
"""

import asyncio
import errno
import re
import socket
import sys
import threading
import time
import traceback
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import modal
import modal.config
import modal.exception

from core.errors import RunError, UserError
from mabe_tui.launch.launcher import UnreachableError
from mabe_tui.launch.modal.loop import expect_to_be_left, run

Answer = TypeVar("Answer")
SOCKET_SECONDS = 3.0
HELLO_SECONDS = 10.0
ANSWER_SECONDS = 30.0
PROBE_LASTS_SECONDS = 3.0
"""How long a probe result (server reachable or not) stays valid."""
WELCOME_LASTS_SECONDS = 300.0
"""How long accepted credentials are assumed to stay valid."""
RATE_LIMIT = re.compile("rate.?limit|too many|throttl", re.IGNORECASE)
"""Tells a request rate limit from a spending limit."""
OUR_PACKAGES = ("core", "mabe_tui")
LOCAL_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
"""Errors of this computer's disk, which no amount of waiting fixes."""
CHANGED = re.compile(r"(.+) was modified during build process")
"""The client's message for a file that was modified while it was reading all of them."""
ELSEWHERE = "train here with --on local, or try again later"


class ModalError(RunError):
    """Modal refused a request or lacks what was requested; this says nothing about the state of the run."""


class _Probe:
    """The latest reachability probe, shared so that fifty runs do not each probe."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until = 0.0
        self.welcome_until = 0.0
        self.error: UserError | None = None
        self.server = ""


_probe = _Probe()


def ask(question: Callable[[], Awaitable[Answer]], seconds: float = ANSWER_SECONDS) -> Answer:
    """Send a request to Modal, with a time limit.

    Args:
        question: makes the call; invoked only once Modal is known to be reachable.
        seconds: time limit for the answer.

    Raises:
        UserError: what went wrong and what to do, on one line.
        UnreachableError: there was no answer.
    """
    require()

    async def limited() -> Answer:
        return await asyncio.wait_for(question(), seconds)

    return _translated(lambda: run(limited()))


def require() -> None:
    """Check that Modal is reachable; fast if it was checked a moment ago.

    Raises:
        UserError: credentials are missing or refused; the message says how to fix that.
        UnreachableError: there is no network or no server.
    """
    with _probe.lock:
        server = str(modal.config.config["server_url"])
        if _probe.server != server:
            _probe.server, _probe.until, _probe.welcome_until = server, 0.0, 0.0
        if time.monotonic() >= _probe.until:
            _probe.error = _find_problem(server)
            _probe.until = time.monotonic() + PROBE_LASTS_SECONDS
        if _probe.error is not None:
            raise _probe.error


def forget_probe() -> None:
    """Probe again before the next request."""
    _probe.until = _probe.welcome_until = 0.0


def _find_problem(server: str) -> UserError | None:
    try:
        if not (modal.config.config["token_id"] and modal.config.config["token_secret"]):
            return UserError(
                "no Modal credentials: `modal token new` makes some, or train here with --on local"
            )
        _probe_socket(server)
        if time.monotonic() >= _probe.welcome_until:
            _translated(lambda: run(_hello()))
            _probe.welcome_until = time.monotonic() + WELCOME_LASTS_SECONDS
    except UserError as error:
        return error
    return None


async def _hello() -> None:
    await expect_to_be_left.aio()
    client: Any = await modal.Client.from_env.aio()
    await asyncio.wait_for(client.hello.aio(), HELLO_SECONDS)


def _probe_socket(server: str) -> None:
    """Detect an unreachable server quickly; behind a proxy, only a real request can tell."""
    address = urlsplit(server)
    if address.hostname is None or (
        urllib.request.getproxies() and not urllib.request.proxy_bypass(address.hostname)
    ):
        return
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname, port), SOCKET_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreachableError(
            f"Modal cannot be reached at {address.hostname} ({reason}); {ELSEWHERE}"
        ) from error


def _translated(call: Callable[[], Answer]) -> Answer:
    """Make a call and translate its errors."""
    try:
        return call()
    except UserError:
        raise
    except (TimeoutError, OSError, aiohttp.ClientError, modal.exception.Error) as error:
        raise in_words(error) from error


def in_words(error: Exception) -> UserError:
    """Translate an error of the ``modal`` package into a message for the user."""
    said = " ".join(str(error).split())
    if isinstance(error, modal.exception.AuthError):
        forget_probe()
        return ModalError(
            f"Modal refuses the credentials ({said}); `modal token new` makes new ones"
        )
    if is_rate_limit(error):
        return UnreachableError(f"Modal is asked too often ({said}); try again in a minute")
    if isinstance(error, modal.exception.ResourceExhaustedError):
        return ModalError(
            f"Modal: {said}; raise the limit in Modal's settings, or train here with --on local"
        )
    if isinstance(error, modal.exception.PermissionDeniedError):
        return ModalError(
            f"Modal denies access ({said}); `modal profile current` names whose credentials are used"
        )
    if changed := CHANGED.match(said):
        return RunError(
            f"{changed[1]} was changed while the code was being sent to Modal; nothing was started:"
            " give the same command again"
        )
    if is_transient(error):
        forget_probe()
        return UnreachableError(
            f"Modal does not answer ({said or type(error).__name__}); {ELSEWHERE}"
        )
    if isinstance(error, OSError):
        return RunError(said)
    return ModalError(f"Modal: {said or type(error).__name__}")


def is_rate_limit(error: BaseException | None) -> bool:
    """Return whether Modal reported a rate limit, which only waiting resolves."""
    return isinstance(error, modal.exception.ResourceExhaustedError) and bool(
        RATE_LIMIT.search(str(error))
    )


def trouble(error: Exception) -> str:
    """Return in a few words what prevents access to Modal; no advice, since the request is retried."""
    words = error if isinstance(error, UserError) else in_words(error)
    return str(words).partition(";")[0]


def is_transient(error: BaseException) -> bool:
    """Return whether retrying later may help."""
    if is_rate_limit(error):
        return True
    if isinstance(error, FileNotFoundError | PermissionError):
        return False
    if isinstance(error, OSError) and error.errno in LOCAL_TROUBLE:
        return False
    kinds = (
        TimeoutError,
        OSError,
        aiohttp.ClientError,
        modal.exception.ConnectionError,
        modal.exception.ServiceError,
        modal.exception.InternalError,
        UnreachableError,
    )
    return isinstance(error, kinds)


def is_our_bug(error: BaseException) -> bool:
    """Return whether our own code failed: it raised the error, or misused the standard library."""
    if isinstance(error, UserError | OSError | TimeoutError | modal.exception.Error):
        return False
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    packages = [str(f.f_globals.get("__name__", "")).partition(".")[0] for f in frames]
    raisers = (name for name in reversed(packages) if name not in sys.stdlib_module_names)
    return next(raisers, "") in OUR_PACKAGES


def place_of(error: BaseException) -> str:
    """Return the file and line where an error was raised, for a bug report."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in last)


def says_nothing_of_work(error: Exception) -> bool:
    """Return whether an error comes from Modal or its client, so that a follower should retry.

    Any other error is a problem of this computer (a full disk, or two jobs that wrote into one attempt) or of
    our own code, and would recur on every retry.
    """
    if isinstance(error, UserError):
        return isinstance(error, ModalError | UnreachableError)
    if is_our_bug(error):
        return False
    return not isinstance(error, OSError) or is_transient(error)
