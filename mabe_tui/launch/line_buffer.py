"""Assemble log lines from the fragments in which they arrive."""

import datetime as dt

TimedLine = tuple[str, dt.datetime | None]
"""A line without its end, and the time its beginning was printed, if known."""


class LineBuffer:
    """Assembles lines from fragments (part of a line, or several lines), separately for each origin."""

    def __init__(self) -> None:
        self._held: dict[str, TimedLine] = {}

    def feed(
        self, piece: str, time: dt.datetime | None = None, origin: str = ""
    ) -> list[TimedLine]:
        """Return the lines completed by this fragment.

        Args:
            piece: the text that was printed.
            time: when it was printed.
            origin: which output of which container printed it.
        """
        held, began = self._held.pop(origin, ("", time))
        *whole, rest = (held + piece).split("\n")
        if rest:
            self._held[origin] = (rest, time if whole else began)
        return [(line, time if number else began) for number, line in enumerate(whole)]

    def close(self) -> list[TimedLine]:
        """Return the lines that were started and never terminated."""
        rest, self._held = [*self._held.values()], {}
        return rest
