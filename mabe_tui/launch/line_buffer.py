"""From the pieces in which a log comes to its lines."""

import datetime as dt

TimedLine = tuple[str, dt.datetime | None]
"""A line without its end, and when its beginning was printed, where that is known."""


class Lines:
    """Puts lines together from pieces: each part of a line or several, those of each origin apart."""

    def __init__(self) -> None:
        self._held: dict[str, TimedLine] = {}

    def feed(
        self, piece: str, time: dt.datetime | None = None, origin: str = ""
    ) -> list[TimedLine]:
        """Return the lines that are whole now.

        Args:
            piece: what was printed.
            time: when.
            origin: by which output of which container.
        """
        held, began = self._held.pop(origin, ("", time))
        *whole, rest = (held + piece).split("\n")
        if rest:
            self._held[origin] = (rest, time if whole else began)
        return [(line, time if number else began) for number, line in enumerate(whole)]

    def close(self) -> list[TimedLine]:
        """Return the lines that were begun and never ended."""
        rest, self._held = [*self._held.values()], {}
        return rest
