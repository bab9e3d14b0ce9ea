"""The connection to where a followed run is, in words: for a line of the command line or of a screen."""

import math
import time
from collections.abc import Callable

from mabe_tui.launch.launcher import CONNECTED, Connection, Tell


def connection_line(connection: Connection, now: float | None = None) -> str:
    """Say how it stands now; empty where all is well.

    Args:
        connection: what was told last.
        now: on the clock of :func:`time.monotonic`; left out: now.
    """
    if not connection.problem:
        return connection.notice
    if connection.retry_at is None:
        return f"log: no longer followed: {connection.problem}"
    left = math.ceil(connection.retry_at - (time.monotonic() if now is None else now))
    when = f"again in {left} s" if left > 0 else "trying again"
    return f"log: {when}: {connection.problem}"


def turns(say: Callable[[str], None], name: str) -> Tell:
    """Make what says a sentence when the connection is lost or given up, and when it is back.

    Args:
        say: is given the sentences.
        name: of the run, which they begin with.
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
