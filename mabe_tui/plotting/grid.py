"""A rectangle of characters, each with a role that a front end maps to a colour."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PLAIN, AXIS, CURSOR, ALERT, LATTICE = -1, -2, -3, -4, -5
"""Roles of characters that belong to no series: text, axes, the cursor, NaN or Inf marks, grid lines."""
HEAT = tuple(range(-17, -9))
"""Roles of the shades of a heatmap, from the least to the greatest."""


class Segment(NamedTuple):
    """Characters ``start ≤ column < stop`` of a row; ``role`` is a series' index, or negative."""

    start: int
    stop: int
    role: int


class Row(NamedTuple):
    """One line of text and the segments that cover it, in order and without gaps."""

    text: str
    segments: tuple[Segment, ...]


class Grid:
    """Characters and roles, ``(height, width)`` each; anything outside is clipped."""

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
        """Return whether the position is inside and empty, or on a grid line."""
        if not (0 <= row < self.height and 0 <= column < self.width):
            return False
        return bool(self.codes[row, column] == ord(" ") or self.roles[row, column] == LATTICE)

    def rows(self) -> tuple[Row, ...]:
        """Return the rows from the top, each as wide as the grid."""
        text = self.codes.astype("<u4").tobytes().decode("utf-32-le")
        lines = [text[start : start + self.width] for start in range(0, len(text), self.width)]
        return tuple(Row(*row) for row in zip(lines, self._segments(), strict=True))

    def _segments(self) -> list[tuple[Segment, ...]]:
        """Return runs of equal roles, row by row; all rows are searched at once."""
        begins = np.ones(self.roles.shape, dtype=np.bool_)
        begins[:, 1:] = self.roles[:, 1:] != self.roles[:, :-1]
        starts, roles = np.nonzero(begins)[1].tolist(), self.roles[begins].tolist()
        counts = begins.sum(axis=1).tolist()
        segments, first = [], 0
        for count in counts:
            own = slice(first, first + count)
            stops = [*starts[first + 1 : first + count], self.width]
            segments.append(tuple(map(Segment, starts[own], stops, roles[own])))
            first += count
        return segments


def beside(left: Sequence[Row], right: Sequence[Row], gap: int = 2) -> tuple[Row, ...]:
    """Join two pictures side by side, each with rows of equal width; pad the shorter with blank rows.

    Args:
        left: rows.
        right: rows.
        gap: blank columns between the two, at least 1.
    """
    width = max((len(row.text) for row in left), default=0)
    blank = Row(" " * width, (Segment(0, width, PLAIN),) if width else ())
    nothing = Row("", ())
    return tuple(
        _joined(one or blank, other or nothing, gap)
        for one, other in itertools.zip_longest(left, right)
    )


def _joined(left: Row, right: Row, gap: int) -> Row:
    start = len(left.text) + gap
    moved = (Segment(s.start + start, s.stop + start, s.role) for s in right.segments)
    between = Segment(len(left.text), start, PLAIN)
    return Row(left.text + " " * gap + right.text, (*left.segments, between, *moved))
