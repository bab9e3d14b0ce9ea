"""The legend: line style, name, value at the cursor, and problems of each series."""

from collections.abc import Sequence

from mabe_tui.plotting.braille import ASCII_MARKS, LineStyle
from mabe_tui.plotting.grid import ALERT, AXIS, PLAIN, Grid
from mabe_tui.plotting.layout import Layout, shortened
from mabe_tui.plotting.series import Series
from mabe_tui.plotting.ticks import short_number

SAMPLES: dict[LineStyle, str] = {
    "solid": "━━━",
    "dashed": "╍╍╍",
    "dotted": "┈┈┈",
    "dash-dot": "━·━",
    "faint": "░░░",
}
GAP = 3
LONGEST_NAME = 32
SAMPLE_WIDTH, VALUE_WIDTH, AXIS_WIDTH = 4, 7, 5
"""Columns of an entry's line and of its value, including a space, and of the y axis left of the legend."""

Piece = tuple[str, int]
"""A text and its role."""


def legend_width(series: Sequence[Series], values: Sequence[float | None], x_label: str) -> int:
    """Return the number of characters that the entries and the x label take in one row, beside an axis."""
    entries = [
        SAMPLE_WIDTH + len(one.name) + (0 if value is None else VALUE_WIDTH) + GAP
        for one, value in zip(series, values, strict=True)
        if one.name
    ]
    return AXIS_WIDTH + sum(entries) + len(x_label)


def write_legend(
    grid: Grid,
    layout: Layout,
    series: Sequence[Series],
    values: Sequence[float | None],
    x_label: str,
) -> None:
    """Arrange the entries over the legend's rows, with the x label at the right end of the first.

    Entries without room are counted: ``+3 more``.
    """
    if not layout.legend_rows:
        return
    label = shortened(x_label, layout.columns // 2, layout)
    grid.put(layout.legend_top, grid.width - len(label), label, AXIS)
    ends = [grid.width - len(label) - (GAP if label else 0)]
    ends += [grid.width] * (layout.legend_rows - 1)
    entries = [
        _entry(number, one, value, layout)
        for number, (one, value) in enumerate(zip(series, values, strict=True))
        if one.name
    ]
    _flow(grid, layout, entries, ends)


def _flow(grid: Grid, layout: Layout, entries: list[list[Piece]], ends: list[int]) -> None:
    """Place entries from left to right and row to row, keeping room for the count of omitted ones."""
    row, column = 0, layout.left
    for number, entry in enumerate(entries):
        note = f"+{len(entries) - number} more"
        needed = sum(len(text) for text, _ in entry)
        if number + 1 < len(entries):
            needed += GAP + len(note)
        if column + needed > ends[row] and row + 1 < len(ends):
            row, column = row + 1, layout.left
        if column + needed > ends[row]:
            grid.put(layout.legend_top + row, column, note[: max(ends[row] - column, 0)])
            return
        for text, role in entry:
            grid.put(layout.legend_top + row, column, text, role)
            column += len(text)
        column += GAP


def _entry(number: int, series: Series, value: float | None, layout: Layout) -> list[Piece]:
    if layout.ascii_only:
        mark = "." if series.style == "faint" else ASCII_MARKS[number % len(ASCII_MARKS)]
        sample = mark * 3
    else:
        sample = SAMPLES[series.style]
    name = shortened(series.name, min(LONGEST_NAME, layout.columns // 2), layout)
    pieces = [(sample, number), (f" {name}", PLAIN)]
    if value is not None:
        text = short_number(value)
        pieces.append((f" {shortened(text, len(text), layout)}", number))
    if series.trouble:
        pieces.append((f" ({series.trouble})", ALERT))
    return pieces
