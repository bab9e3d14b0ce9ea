"""Progress callbacks: long work reports how far it is, without knowing who displays it."""

import math
import time
from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called with ``(done, total, what)``; ``total`` is 0 where it is unknown."""


def sparing(tell: Progress, seconds: float) -> Progress:
    """Return a callback that passes on one report per interval, and the first and last of every phase.

    Args:
        tell: receives the reports; each call is expensive (a message, a line, a request).
        seconds: the shortest interval between two calls.
    """
    last_what, last_time = "", -math.inf

    def told(done: int, total: int, what: str) -> None:
        nonlocal last_what, last_time
        now = time.monotonic()
        if what != last_what or done == total or now - last_time >= seconds:
            last_what, last_time = what, now
            tell(done, total, what)

    return told
