"""A rectangle of characters, each with a role that a front end turns into a colour."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PLAIN, AXIS, CURSOR, ALERT = -1, -2, -3, -4
"""Roles of characters that belong to no series: words, axes, the cursor, and NaN or Inf marks."""


class Segment(NamedTuple):
    """Characters ``start ≤ column < stop`` of a row; ``role`` is a series' number, or one below 0."""

    start: int
    stop: int
    role: int


class Row(NamedTuple):
    """One line of text and the segments that cover it, in order and without gaps."""

    text: str
    segments: tuple[Segment, ...]


class Grid:
    """Characters and roles, ``(height, width)`` each; whatever is put outside is cut off."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.codes: NDArray[np.uint32] = np.full((height, width), ord(" "), dtype=np.uint32)
        self.roles: NDArray[np.int16] = np.full((height, width), PLAIN, dtype=np.int16)

    def put(self, row: int, column: int, text: str, role: int = PLAIN) -> None:
        """Write a text from (row, column) to the right."""
        if not 0 <= row < self.height:
            return
        text = text[max(0, -column) : max(0, self.width - column)]
        start = max(0, column)
        self.codes[row, start : start + len(text)] = [ord(character) for character in text]
        self.roles[row, start : start + len(text)] = role

    def blank(self, row: int, column: int) -> bool:
        """Whether the place is inside and nothing is written there."""
        inside = 0 <= row < self.height and 0 <= column < self.width
        return inside and bool(self.codes[row, column] == ord(" "))

    def rows(self) -> tuple[Row, ...]:
        """The rows from the top, every one as wide as the grid."""
        return tuple(
            Row(codes.astype("<u4").tobytes().decode("utf-32-le"), _segments(roles))
            for codes, roles in zip(self.codes, self.roles, strict=True)
        )


def _segments(roles: NDArray[np.int16]) -> tuple[Segment, ...]:
    """Runs of equal roles."""
    starts = np.concatenate(([0], np.flatnonzero(np.diff(roles)) + 1)).tolist()
    stops = [*starts[1:], len(roles)]
    chosen = roles[starts].tolist()
    return tuple(Segment(*run) for run in zip(starts, stops, chosen, strict=True))
