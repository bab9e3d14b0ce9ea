"""Send requests to Kaggle: silently, with retries, and with readable errors.

The client prints, but standard output is for data. Requests that change nothing are repeated after a lost
connection or a server error. Those that change something are repeated only if Kaggle asks for fewer requests,
because then nothing was done.
"""

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mabe_tui.kaggle_io.faults import RefusedError, UnansweredError, in_words

Say = Callable[[str], None]
Answer = TypeVar("Answer")
TRIES = 5
"""Requests for one answer, the first included."""
PAUSE_SECONDS = 10.0
"""Pause before a request is repeated, where Kaggle names none."""
LONGEST_PAUSE = 900.0
"""If a server asks for a longer pause than this, the request fails instead."""
ABSENT = (403, 404)
"""Answers about something that does not exist: Kaggle does not say which of the two it is."""


class Asking:
    """Requests that are repeated where that may help.

    Args:
        say: called with a sentence before each pause.
        sleep: waits for a number of seconds.
    """

    def __init__(self, say: Say, sleep: Callable[[float], None] = time.sleep) -> None:
        self._say = say
        self._sleep = sleep

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def read(self, doing: str, ask: Callable[[], Answer]) -> Answer:
        """Ask for something, again where that may help.

        Args:
            doing: for errors, as in "asking for the score".
            ask: asks once.

        Raises:
            UserError: there is no answer, or it is an error.
        """
        for left in range(TRIES - 1, -1, -1):
            try:
                with quiet(), in_words(doing):
                    return ask()
            except UnansweredError:
                if not left:
                    raise
                self._sleep(PAUSE_SECONDS)
            except RefusedError as error:
                if not left or not (error.status == 429 or error.status >= 500):
                    raise
                self._wait(error)
        raise AssertionError("unreachable")

    def write(self, doing: str, ask: Callable[[], Answer]) -> Answer:
        """Have something done, once; only a refusal for too many requests is repeated.

        Args:
            doing: for errors, as in "submitting".
            ask: asks once.

        Raises:
            RefusedError: it was not done.
            UnansweredError: it may or may not have been done.
        """
        for left in range(TRIES - 1, -1, -1):
            try:
                with quiet(), in_words(doing):
                    return ask()
            except RefusedError as error:
                if error.status >= 500:  # a gateway's answer does not tell what the server did
                    raise UnansweredError(str(error)) from error
                if not left or error.status != 429:
                    raise
                self._wait(error)
        raise AssertionError("unreachable")

    def _wait(self, error: RefusedError) -> None:
        seconds = PAUSE_SECONDS if error.retry_after is None else error.retry_after
        if seconds > LONGEST_PAUSE:
            raise error
        if error.status == 429:
            self._say(f"Kaggle wants fewer requests; going on in {seconds:.0f} s")
        self._sleep(seconds)

    def absent(self, ask: Callable[[], Answer]) -> Answer | None:
        """Ask for something that may not exist; return ``None`` if it does not."""
        try:
            return ask()
        except RefusedError as error:
            if error.status in ABSENT:
                return None
            raise


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what the client prints from standard output."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
