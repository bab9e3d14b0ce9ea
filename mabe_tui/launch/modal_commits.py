"""Committing a Modal volume, from inside a container, by a thread that does not give up.

A commit may fail with any exception of the ``modal`` package or of the system, or take minutes. None of
that may stop what else the container does: a commit that failed is reported and tried again.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import modal

COMMIT_SECONDS = 300.0
"""After so long without an answer, a commit counts as failed and is begun anew."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a failed commit is tried again: doubled each time, up to the second."""
HASTY_PAUSE = 10.0
"""The longest pause once nothing else is left to wait for."""
Commit = Callable[[], None]


def commit(volume: modal.Volume, seconds: float | None = COMMIT_SECONDS) -> None:
    """Commit a mounted volume.

    Args:
        volume: as it is mounted in this container.
        seconds: how long to wait for the answer; ``None``: as long as it takes.

    Raises:
        Exception: whatever the client raises; the commit may or may not have been made.
    """
    try:
        if seconds is None:
            volume.commit()
        else:
            within(seconds, volume.commit.aio)
    except RuntimeError as error:
        # The client reloads after it has committed, which open files prevent, and ours are always
        # open: what was to be kept has been kept by then.
        if "open files" not in str(error):
            raise


def within(seconds: float, question: Callable[[], Any]) -> Any:
    """Ask Modal something and return the answer; the client itself waits without end.

    Args:
        seconds: how long to wait.
        question: makes an awaitable of the client.

    Raises:
        TimeoutError: there was no answer in time.
        Exception: whatever the client raises.
    """

    async def limited() -> Any:
        return await asyncio.wait_for(question(), seconds)

    try:
        return asyncio.run(limited())
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"no answer within {seconds:.0f} s") from error


def reason_of(error: BaseException) -> str:
    """Return an exception's kind and words on one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def pauses(longest: float = LONGEST_PAUSE) -> Iterator[float]:
    """Yield the seconds to wait after the first, second, … failure in a row."""
    pause = FIRST_PAUSE
    while True:
        yield min(pause, longest)
        pause = min(pause * 2, longest)


class Committer:
    """A thread that commits whenever it is asked to, and again until it succeeds.

    Each request has a ticket. A commit covers all requests made before it began. Callbacks run in the
    thread that commits.
    """

    def __init__(
        self,
        commit: Commit,
        on_success: Callable[[int], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """Prepare the thread; ``with`` starts it.

        Args:
            commit: commits once, and raises where that fails.
            on_success: called with the newest ticket that is covered.
            on_failure: called with what a commit raised.
        """
        self._commit, self._on_success, self._on_failure = commit, on_success, on_failure
        self._changed = threading.Condition()
        self._asked = self._tried = self._done = 0
        self._hasty = self._closed = False
        # A commit that never returns must not keep the container alive.
        self._thread = threading.Thread(target=self._work, name="commit", daemon=True)

    def __enter__(self) -> "Committer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def request(self) -> int:
        """Ask for a commit of all that is on disk now; return the ticket."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()
            return self._asked

    def hurry(self) -> None:
        """Make short pauses from now on."""
        with self._changed:
            self._hasty = True

    def wait_for_try(self, ticket: int, seconds: float) -> bool:
        """Wait for the first commit that covers a ticket; return whether it has succeeded."""
        with self._changed:
            self._changed.wait_for(lambda: max(self._done, self._tried) >= ticket, seconds)
            return self._done >= ticket

    def wait_for_success(self, ticket: int, seconds: float) -> bool:
        """Wait until a commit that covers a ticket has succeeded; return whether one has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= ticket, max(0.0, seconds))

    def _work(self) -> None:
        waits = pauses()
        while (ticket := self._next(waits)) is not None:
            try:
                self._commit()
            except BaseException as error:  # whatever it is, the run goes on
                with contextlib.suppress(Exception):  # also where it cannot be put into words
                    self._on_failure(error)
                self._settle(tried=ticket)
            else:
                waits = pauses()
                with contextlib.suppress(Exception):
                    self._on_success(ticket)
                self._settle(tried=ticket, done=ticket)

    def _next(self, waits: Iterator[float]) -> int | None:
        """Wait until there is something to commit; return its newest ticket, ``None`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked > self._done or self._closed)
            if (
                self._tried > self._done
            ):  # the last try failed: wait for the next request, or a while
                pause = min(next(waits), HASTY_PAUSE if self._hasty else LONGEST_PAUSE)
                self._changed.wait_for(lambda: self._asked > self._tried or self._closed, pause)
            return None if self._closed else self._asked

    def _settle(self, tried: int, done: int | None = None) -> None:
        with self._changed:
            self._tried = max(self._tried, tried)
            self._done = self._done if done is None else max(self._done, done)
            self._changed.notify_all()
