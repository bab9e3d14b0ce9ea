"""Run work in daemon threads, which do not delay the end of the dashboard."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from textual.message import Message

from core.errors import UserError
from mabe_tui.tui.messages import WorkFailed

Result = TypeVar("Result")
SECONDS_BETWEEN = 0.2
"""Seconds between two progress messages."""


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run blocking work in a daemon thread, and return its result or raise its error.

    An executor joins its threads when the event loop ends, so a call to a launcher that does not answer would
    delay quitting.
    """
    future: Future[Result] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # the awaiting task receives it
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(future)


def outcome(work: Callable[[], Message | None]) -> Message | None:
    """Run work and return its message, or a :class:`WorkFailed` with the reason if it fails."""
    try:
        return work()
    except UserError as error:
        return WorkFailed(str(error))
    except Exception as error:  # the last resort: a silent failure would look like a hang
        return WorkFailed(f"unexpected {type(error).__name__}: {error}")
