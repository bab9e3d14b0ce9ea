"""Commit a Modal volume from inside a container, in a thread that retries until it succeeds.

A commit may raise any exception of the ``modal`` package or of the system, or take minutes. None of that
may interrupt the container's other work: a failed commit is reported and retried.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import modal

COMMIT_SECONDS = 300.0
"""Seconds after which an unanswered commit counts as failed and is retried."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a failed commit is retried: doubled each time, from the first to the second value."""
HASTY_PAUSE = 10.0
"""Maximum pause once there is nothing else left to wait for."""
Commit = Callable[[], None]


def commit(volume: modal.Volume, seconds: float | None = COMMIT_SECONDS) -> None:
    """Commit a mounted volume.

    Args:
        volume: the volume as mounted in this container.
        seconds: time limit for the answer; ``None`` means no limit.

    Raises:
        Exception: whatever the client raises; the commit may or may not have been made.
    """
    try:
        if seconds is None:
            volume.commit()
        else:
            within(seconds, volume.commit.aio)
    except RuntimeError as error:
        # The client reloads after it has committed, which fails while files are open, and ours always are;
        # by then the commit has been made.
        # open: what was to be kept has been kept by then.
        if "open files" not in str(error):
            raise


def within(seconds: float, question: Callable[[], Any]) -> Any:
    """Send a request to Modal and return the answer; the client itself has no time limit.

    Args:
        seconds: time limit.
        question: returns an awaitable of the client.

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
    """Return an exception's type and message on one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def pauses(longest: float = LONGEST_PAUSE) -> Iterator[float]:
    """Yield the seconds to wait after each consecutive failure."""
    pause = FIRST_PAUSE
    while True:
        yield min(pause, longest)
        pause = min(pause * 2, longest)


class Committer:
    """A thread that commits on request and retries until it succeeds.

    Each request gets a ticket. A commit covers all requests made before it began. Callbacks run in the
    committing thread.
    """

    def __init__(
        self,
        commit: Commit,
        on_success: Callable[[int], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """Prepare the thread; entering the context starts it.

        Args:
            commit: commits once; raises if that fails.
            on_success: called with the newest ticket that is covered.
            on_failure: called with the exception that a commit raised.
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
        """Request a commit of everything now on disk; return the ticket."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()
            return self._asked

    def hurry(self) -> None:
        """Use short pauses from now on."""
        with self._changed:
            self._hasty = True

    def wait_for_try(self, ticket: int, seconds: float) -> bool:
        """Wait for the first commit that covers a ticket; return whether it succeeded."""
        with self._changed:
            self._changed.wait_for(lambda: max(self._done, self._tried) >= ticket, seconds)
            return self._done >= ticket

    def wait_for_success(self, ticket: int, seconds: float) -> bool:
        """Wait until a commit that covers a ticket succeeds; return whether one did."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= ticket, max(0.0, seconds))

    def _work(self) -> None:
        waits = pauses()
        while (ticket := self._next(waits)) is not None:
            try:
                self._commit()
            except BaseException as error:  # whatever it raises, the run continues
                with contextlib.suppress(Exception):  # also if the callback itself fails
                    self._on_failure(error)
                self._settle(tried=ticket)
            else:
                waits = pauses()
                with contextlib.suppress(Exception):
                    self._on_success(ticket)
                self._settle(tried=ticket, done=ticket)

    def _next(self, waits: Iterator[float]) -> int | None:
        """Wait until there is something to commit; return its newest ticket, or ``None`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked > self._done or self._closed)
            # The last try failed: wait for the next request or for the pause
            if self._tried > self._done:
                pause = min(next(waits), HASTY_PAUSE if self._hasty else LONGEST_PAUSE)
                self._changed.wait_for(lambda: self._asked > self._tried or self._closed, pause)
            return None if self._closed else self._asked

    def _settle(self, tried: int, done: int | None = None) -> None:
        with self._changed:
            self._tried = max(self._tried, tried)
            self._done = self._done if done is None else max(self._done, done)
            self._changed.notify_all()
