"""Running the ``modal`` package's coroutines so that they may be left at any time, without a word.

The package's streams do not take it well that they are left: at Ctrl-C, or when a follower goes, they
raise in turn, and asyncio prints a traceback for each.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import modal.exception
from modal._utils.async_utils import synchronizer

Answer = TypeVar("Answer")


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Do work to its end, as :func:`asyncio.run` does; what it raises once it is left is passed over.

    Raises:
        KeyboardInterrupt: Ctrl-C; or, in another thread than the main one:
        asyncio.CancelledError: its task was cancelled.
    """
    left = False

    async def watched() -> Answer:
        nonlocal left
        task = asyncio.current_task()
        assert task is not None

        def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            if not (task.cancelling() or task.done()):
                loop.default_exception_handler(context)

        asyncio.get_running_loop().set_exception_handler(complain)
        try:
            return await work
        finally:
            left = bool(task.cancelling())

    try:
        return asyncio.run(watched())
    except RuntimeError:  # a stream was closed while it was waiting
        if not left:
            raise
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt from None
        raise asyncio.CancelledError from None


@synchronizer.create_blocking
async def expect_to_be_left() -> None:
    """See to the same in the package's own thread, which closes its client when the interpreter ends."""

    def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), modal.exception.ClientClosed):
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(complain)
