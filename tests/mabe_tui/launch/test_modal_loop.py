"""Ctrl-C with packages that swallow it."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from mabe_tui.launch.modal import loop
from mabe_tui.launch.modal.loop import interruptible, leave_if_cancelled, run


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


async def swallows() -> str:
    """Have an answer all the same, as a call of the package that was nearly done."""
    press_ctrl_c()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    return "an answer"


async def complains() -> str:
    await swallows()
    raise RuntimeError("aclose(): asynchronous generator is already running")


@contextlib.contextmanager
def keeps_to_itself() -> Iterator[None]:
    """Do as the context of a detached app."""
    with contextlib.suppress(KeyboardInterrupt):
        yield


@pytest.mark.parametrize("work", [swallows, complains])
def test_ctrl_c_is_not_lost(work: object) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(work())  # type: ignore[operator]


def test_what_goes_wrong_by_itself_is_raised() -> None:
    async def fails() -> None:
        raise RuntimeError("a real one")

    with pytest.raises(RuntimeError, match="a real one"):
        run(fails())


def test_a_thread_that_is_left_is_cancelled_not_interrupted() -> None:
    raised: list[BaseException] = []

    async def left() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)

    def work() -> None:
        try:
            run(left())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [type(error) for error in raised] == [asyncio.CancelledError]


def test_a_loop_over_a_stream_that_swallowed_its_cancellation_is_left() -> None:
    passed: list[int] = []

    async def endless() -> None:
        while True:
            leave_if_cancelled()
            passed.append(1)
            await swallows()

    with pytest.raises(KeyboardInterrupt):
        run(endless())
    assert len(passed) == 1


def test_ctrl_c_that_was_kept_back_is_raised_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible(), keeps_to_itself():
        press_ctrl_c()
    with interruptible():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_was_swallowed_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SWALLOWED_SECONDS", 0.01)
    waited = False
    with pytest.raises(KeyboardInterrupt), interruptible():
        with contextlib.suppress(KeyboardInterrupt):
            press_ctrl_c()
            threading.Event().wait(60)
        threading.Event().wait(60)
        waited = True
    assert not waited
