"""Run the ``modal`` package's coroutines so that they can be interrupted at any time without output.

The package does not handle interruption well. Its streams raise one after another, and asyncio prints a
traceback for each; and a call that already has its answer returns it, so that the Ctrl-C is lost.
"""

import asyncio
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

import modal.exception
from modal._utils.async_utils import synchronizer

Answer = TypeVar("Answer")
SWALLOWED_SECONDS = 10.0
"""After this long without effect, a Ctrl-C counts as swallowed and is sent again."""


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine to its end like :func:`asyncio.run`; once interrupted, its result is discarded.

    Raises:
        KeyboardInterrupt: Ctrl-C; or, in a thread other than the main one:
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
        answer = asyncio.run(watched())
    except Exception:
        if not left:
            raise
    else:
        if not left:
            return answer
    raise KeyboardInterrupt if _is_main_thread() else asyncio.CancelledError


def leave_if_cancelled() -> None:
    """Leave a loop over a stream that has swallowed its cancellation.

    Raises:
        asyncio.CancelledError: the current task was cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@contextmanager
def interruptible() -> Iterator[None]:
    """Make sure that a Ctrl-C ends the context, although the package may swallow it.

    The package can swallow it and return, in which case it is raised on exit; or swallow it and wait on, in
    which case it is sent again every :data:`SWALLOWED_SECONDS`.
    """
    before = signal.getsignal(signal.SIGINT)
    if not (_is_main_thread() and callable(before)):
        yield
        return
    pressed, over = threading.Event(), threading.Event()
    main = threading.get_ident()

    def note(number: int, frame: FrameType | None) -> None:
        pressed.set()
        before(number, frame)

    def press_again() -> None:
        pressed.wait()
        while not over.wait(SWALLOWED_SECONDS):
            signal.pthread_kill(main, signal.SIGINT)

    again = threading.Thread(target=press_again, name="repeat Ctrl-C", daemon=True)
    again.start()
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        over.set()
        was_pressed = pressed.is_set()
        pressed.set()  # lets the thread end
    if was_pressed:
        raise KeyboardInterrupt


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@synchronizer.create_blocking
async def expect_to_be_left() -> None:
    """Install the same handling in the package's own thread, which closes its client at interpreter exit."""

    def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), modal.exception.ClientClosed):
            loop.default_exception_handler(context)

    asyncio.get_running_loop().set_exception_handler(complain)
