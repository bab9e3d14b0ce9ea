"""How long work tells how far it is, without knowing who shows it."""

import math
import time
from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what); ``total`` is 0 where it is not known."""


def sparing(tell: Progress, seconds: float) -> Progress:
    """Pass on at most once in so many seconds, and whatever begins another kind of work or ends one.

    Args:
        tell: what costs something each time: a message, a line, a request.
        seconds: between two calls of it.
    """
    last_what, last_time = "", -math.inf

    def told(done: int, total: int, what: str) -> None:
        nonlocal last_what, last_time
        now = time.monotonic()
        if what != last_what or done == total or now - last_time >= seconds:
            last_what, last_time = what, now
            tell(done, total, what)

    return told
