"""Work in threads that the end of the dashboard does not wait for."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from textual.message import Message

from core.errors import UserError
from mabe_tui.tui.messages import Problem

Result = TypeVar("Result")
SECONDS_BETWEEN = 0.2
"""Between two messages on how far a piece of work is."""


async def in_thread(work: Callable[[], Result]) -> Result:
    """Do blocking work in a daemon thread; gives or raises what it does.

    An executor's threads are joined when the event loop ends: a question to a launcher that does not
    answer would hold up the quitting.
    """
    future: Future[Result] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # whoever awaits it gets it
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(future)


def outcome(work: Callable[[], Message | None]) -> Message | None:
    """Do work and give its message; where it fails, a :class:`Problem` that says why."""
    try:
        return work()
    except UserError as error:
        return Problem(str(error))
    except Exception as error:  # the last net: a silent failure would look like one that goes on
        return Problem(f"unexpected {type(error).__name__}: {error}")
