"""Draw lines in dots: eight per character with Braille patterns, or one with plain ASCII marks.

Dot coordinates count from 0 at the top left; whole numbers are the centres of dots.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Dots = NDArray[np.bool_]
LineStyle = Literal["solid", "dashed", "dotted", "dash-dot", "faint"]
"""Line style, distinguishable without colour; ``faint`` is a half-tone that other lines cover."""

STYLES: tuple[LineStyle, ...] = ("solid", "dashed", "dotted", "dash-dot")
DASHES: dict[LineStyle, tuple[bool, ...]] = {
    "dashed": (True,) * 6 + (False,) * 2,
    "dotted": (True,) + (False,) * 2,
    "dash-dot": (True,) * 6 + (False,) * 2 + (True,) + (False,) * 2,
}
"""The dots drawn in one period of each style. No pause is wider than a character: that would be a gap."""

ASCII_MARKS = "*+ox#@%&"
NOBODY = -1
BRAILLE = 0x2800
# The bit of each dot in a cell of 4 rows and 2 columns (Unicode standard, chapter 21.1).
BRAILLE_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint8)


class Canvas:
    """``rows × columns`` character cells of 4 × 2 dots each (1 × 1 in ASCII).

    Dots of all lines are kept where they cross (OR). A cell belongs to the series with the most dots
    in it, and in case of a tie to the one drawn last.
    """

    def __init__(self, columns: int, rows: int, *, ascii_only: bool = False) -> None:
        self.columns, self.rows, self.ascii_only = columns, rows, ascii_only
        self.cell_width, self.cell_height = (1, 1) if ascii_only else (2, 4)
        self.width, self.height = columns * self.cell_width, rows * self.cell_height
        self.dots: Dots = np.zeros((self.height, self.width), dtype=np.bool_)
        self.owner: NDArray[np.int16] = np.full((rows, columns), NOBODY, dtype=np.int16)
        self._weight: NDArray[np.uint8] = np.zeros((rows, columns), dtype=np.uint8)
        self._faint: Dots = np.zeros((rows, columns), dtype=np.bool_)

    def line(self, x: ArrayLike, y: ArrayLike, series: int, style: LineStyle = "solid") -> None:
        """Join points by straight lines; NaN breaks the line, and an isolated point is a dot.

        Args:
            x: ``(points,)`` dot columns.
            y: ``(points,)`` dot rows, from the top; lines are clipped exactly at the canvas.
            series: number of the series, from 0.
            style: dash pattern, continued along the line.
        """
        plane = np.zeros_like(self.dots)
        points = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        lone, lines = _pieces(*points)
        if len(lines.x0):
            at_rows, at_columns = _walk(_clipped(lines, self.width - 1, self.height - 1))
            drawn = self._dashes(np.arange(at_rows.size), style)
            plane[at_rows[drawn], at_columns[drawn]] = True
        at_columns, at_rows = (np.rint(axis[lone]).astype(np.intp) for axis in points)
        inside = (at_columns >= 0) & (at_columns < self.width)
        inside &= (at_rows >= 0) & (at_rows < self.height)
        plane[at_rows[inside], at_columns[inside]] = True
        self._commit(plane, series, style)

    def spans(
        self,
        at: ArrayLike,
        top: ArrayLike,
        bottom: ArrayLike,
        series: int,
        style: LineStyle = "solid",
    ) -> None:
        """Fill whole columns of dots: the fast way to draw a series with many points per column.

        Args:
            at: ``(spans,)`` dot columns inside the canvas, each at most once.
            top: ``(spans,)`` uppermost dot rows; NaN draws nothing.
            bottom: ``(spans,)`` lowermost dot rows, not above ``top``.
            series: number of the series, from 0.
            style: dash pattern, by columns.
        """
        places = np.asarray(at, dtype=np.intp)
        places_drawn = self._dashes(places, style)
        lines = np.arange(self.height)[:, None]
        upper, lower = np.rint(np.asarray(top)), np.rint(np.asarray(bottom))
        plane = np.zeros_like(self.dots)
        plane[:, places] = (lines >= upper) & (lines <= lower) & places_drawn
        self._commit(plane, series, style)

    def codes(self) -> NDArray[np.uint32]:
        """Return ``(rows, columns)`` character codes; a cell without dots is a space."""
        if self.ascii_only:
            marks = np.array([ord(mark) for mark in ASCII_MARKS], dtype=np.uint32)
            chosen = np.where(self._faint, ord("."), marks[self.owner % len(marks)])
            return np.where(self.dots, chosen, ord(" ")).astype(np.uint32)
        cells = self._cells(self.dots)
        bits = np.einsum("rycx,yx->rc", cells.astype(np.uint8), BRAILLE_BITS)
        return np.where(bits > 0, BRAILLE + bits.astype(np.uint32), ord(" ")).astype(np.uint32)

    def text(self) -> list[str]:
        """Return one string per row, each as long as the canvas is wide."""
        return [row.astype("<u4").tobytes().decode("utf-32-le") for row in self.codes()]

    def _dashes(self, position: NDArray[np.intp], style: LineStyle) -> Dots:
        """Return which positions along a line are drawn. In ASCII, the marks distinguish lines instead."""
        if self.ascii_only or style not in DASHES:
            return np.ones(position.shape, dtype=np.bool_)
        pattern = np.array(DASHES[style])
        return np.asarray(pattern[position % len(pattern)])

    def _commit(self, plane: Dots, series: int, style: LineStyle) -> None:
        faint = style == "faint"
        if faint and not self.ascii_only:
            plane &= np.add.outer(np.arange(self.height), np.arange(self.width)) % 2 == 0
        count = self._count(plane)
        weight = np.minimum(count, 1) if faint else count + (count > 0)
        wins = (weight > 0) & (weight >= self._weight)
        self.owner[wins] = series
        self._weight[wins] = weight[wins]
        self._faint[wins] = faint
        self.dots |= plane

    def _count(self, dots: Dots) -> NDArray[np.uint8]:
        """Return ``(rows, columns)`` dots in each cell, at most 8; adding slices is far faster than a sum."""
        ones = dots.view(np.uint8)
        heights = ones[:: self.cell_height].copy()
        for row in range(1, self.cell_height):
            heights += ones[row :: self.cell_height]
        count = heights[:, :: self.cell_width].copy()
        for column in range(1, self.cell_width):
            count += heights[:, column :: self.cell_width]
        return count

    def _cells(self, dots: Dots) -> Dots:
        """Return the dots as ``(rows, cell_height, columns, cell_width)``."""
        return dots.reshape(self.rows, self.cell_height, self.columns, self.cell_width)


def line_styles(count: int) -> Sequence[LineStyle]:
    """Return a style for each of ``count`` series, as different as possible."""
    return [STYLES[index % len(STYLES)] for index in range(count)]


class _Lines(NamedTuple):
    """Straight lines, ``(lines,)`` each."""

    x0: Floats
    y0: Floats
    x1: Floats
    y1: Floats


def _pieces(x: Floats, y: Floats) -> tuple[Dots, _Lines]:
    """Return the points without a finite neighbour, and the lines between those that have one."""
    finite = np.isfinite(x) & np.isfinite(y)
    joined = finite[:-1] & finite[1:]
    padded = np.concatenate(([False], joined, [False]))
    lone = finite & ~padded[:-1] & ~padded[1:] if finite.size else finite
    return lone, _Lines(x[:-1][joined], y[:-1][joined], x[1:][joined], y[1:][joined])


def _clipped(lines: _Lines, right: float, bottom: float) -> _Lines:
    """Clip lines to ``[0, right] × [0, bottom]`` (Liang & Barsky 1984, all lines at once)."""
    x, y = (lines.x0, lines.x1), (lines.y0, lines.y1)
    if np.min(x) >= 0 and np.min(y) >= 0 and np.max(x) <= right and np.max(y) <= bottom:
        return lines
    dx, dy = lines.x1 - lines.x0, lines.y1 - lines.y0
    enter, leave = np.zeros(len(dx)), np.ones(len(dx))
    edges = ((-dx, lines.x0), (dx, right - lines.x0), (-dy, lines.y0), (dy, bottom - lines.y0))
    for outward, room in edges:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            crossing = room / outward
        enter = np.where(outward < 0, np.maximum(enter, crossing), enter)
        leave = np.where(outward > 0, np.minimum(leave, crossing), leave)
        leave = np.where((outward == 0) & (room < -1e-9), -1.0, leave)
    kept = enter <= leave
    x0, y0, dx, dy, enter, leave = (
        values[kept] for values in (lines.x0, lines.y0, dx, dy, enter, leave)
    )
    return _Lines(x0 + enter * dx, y0 + enter * dy, x0 + leave * dx, y0 + leave * dy)


def _walk(lines: _Lines) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the dot rows and columns of all lines in order: a vectorised digital differential analyser."""
    dx, dy = lines.x1 - lines.x0, lines.y1 - lines.y0
    steps = np.ceil(np.maximum(np.abs(dx), np.abs(dy))).astype(np.intp)
    counts = steps + 1
    which = np.repeat(np.arange(len(steps)), counts)
    step = np.arange(which.size) - np.repeat(np.cumsum(counts) - counts, counts)
    share = step / np.maximum(steps, 1)[which]
    rows = np.rint(lines.y0[which] + share * dy[which]).astype(np.intp)
    columns = np.rint(lines.x0[which] + share * dx[which]).astype(np.intp)
    return rows, columns
