"""The connection to a followed run's machine, in words: one line for the command line or a screen."""

import math
import time
from collections.abc import Callable

from mabe_tui.launch.launcher import CONNECTED, Connection, Tell


def connection_line(connection: Connection, now: float | None = None) -> str:
    """Describe the connection; empty if all is well.

    Args:
        connection: its last reported state.
        now: on the clock of :func:`time.monotonic`; by default, the present.
    """
    if not connection.problem:
        return connection.notice
    if connection.retry_at is None:
        return f"log: no longer followed: {connection.problem}"
    left = math.ceil(connection.retry_at - (time.monotonic() if now is None else now))
    when = f"again in {left} s" if left > 0 else "trying again"
    return f"log: {when}: {connection.problem}"


def turns(say: Callable[[str], None], name: str) -> Tell:
    """Return a callback that reports when the connection is lost, given up, or restored.

    Args:
        say: called with each sentence.
        name: name of the run, which begins each sentence.
    """
    last = CONNECTED

    def hear(connection: Connection) -> None:
        nonlocal last
        if connection.notice:
            say(connection.notice)
            return
        before, last = last, connection
        if connection.problem and connection.retry_at is None:
            say(f"{name}: following had to be given up: {connection.problem}")
        elif connection.problem and not before.problem:
            say(f"{name}: {connection.problem}; trying again")
        elif before.problem and not connection.problem:
            say(f"{name}: connected again")

    return hear
