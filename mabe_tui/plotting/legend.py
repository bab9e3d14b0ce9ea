"""The legend: line style, name, value at the cursor, and problems of each series."""

from collections.abc import Sequence
from typing import NamedTuple

from mabe_tui.plotting.braille import ASCII_MARKS, LineStyle
from mabe_tui.plotting.grid import ALERT, AXIS, CURSOR, PLAIN, Grid
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
SAMPLE_WIDTH, VALUE_WIDTH, AXIS_WIDTH = 4, 7, 5
"""Columns of an entry's line and of its value, including a space, and of the y axis left of the legend."""

Piece = tuple[str, int]
"""A text and its role."""
Entry = list[Piece]
LONGEST_NAME, SHORTEST_NAME, LEAST_NAME, EVERY = 32, 8, 4, 1000
FORMS = (
    (LONGEST_NAME, EVERY),
    (LONGEST_NAME, 1),
    (SHORTEST_NAME, 1),
    (LONGEST_NAME, 0),
    (SHORTEST_NAME, 0),
)
"""Length of names and number of notes, the best first: the first form that omits the fewest is taken. Names
are not cut so far that they become the same; the least is for a chart's only line, which its title names."""


def legend_width(series: Sequence[Series], x_label: str) -> int:
    """Return the number of characters that the entries and the x label take in one row, beside an axis.

    Room for values counts whether or not there is a cursor, so that nothing moves when it appears.
    """
    entries = [SAMPLE_WIDTH + len(one.name) + VALUE_WIDTH + GAP for one in series if one.name]
    return AXIS_WIDTH + sum(entries) + len(x_label)


def write_legend(
    grid: Grid,
    layout: Layout,
    series: Sequence[Series],
    values: Sequence[float | None],
    x_label: str,
    at_cursor: Sequence[str] = (),
) -> None:
    """Arrange the entries over the legend's rows, with the x label at the right end of the first.

    ``at_cursor`` stands in place of the label: the longest of these words that fits into half the width.

    Entries without room are counted: ``+3 more``.
    """
    if not layout.legend_rows:
        return
    fitting = [words for words in at_cursor if len(words) <= layout.columns // 2]
    words = max(fitting, key=len, default=x_label)
    label = shortened(words, layout.columns // 2, layout)
    grid.put(layout.legend_top, grid.width - len(label), label, CURSOR if fitting else AXIS)
    ends = [grid.width - len(label) - (GAP if label else 0)]
    ends += [grid.width] * (layout.legend_rows - 1)
    named = [
        (number, one, value)
        for number, (one, value) in enumerate(zip(series, values, strict=True))
        if one.name
    ]
    short = {one.name[: SHORTEST_NAME - 1] for _, one, _ in named}
    least = SHORTEST_NAME if len(short) == len(named) else LONGEST_NAME
    forms = [(longest, notes) for longest, notes in FORMS if longest >= least]
    forms += [(LEAST_NAME, 0)] if len(named) == 1 else []
    arrangements = (_arranged(named, layout, ends, *form) for form in forms)
    best = min(arrangements, key=lambda found: found.omitted, default=None)
    if best is None:
        return
    for (row, column), entry in zip(best.places, best.entries, strict=False):
        for text, role in entry:
            grid.put(layout.legend_top + row, column, text, role)
            column += len(text)
    if best.omitted:
        row, column = best.places[-1]
        note = f"+{best.omitted} more"
        grid.put(layout.legend_top + row, column, note[: max(ends[row] - column, 0)])


class _Arranged(NamedTuple):
    """Entries and their places (row, column); with one more place if some are omitted."""

    entries: list[Entry]
    places: list[tuple[int, int]]
    omitted: int


def _arranged(
    named: Sequence[tuple[int, Series, float | None]],
    layout: Layout,
    ends: Sequence[int],
    longest: int,
    notes: int,
) -> _Arranged:
    """Place entries from left to right and row to row, keeping room for the count of omitted ones.

    Args:
        named: index, series and value of each entry.
        layout: the chart's layout.
        ends: the end of each row.
        longest: the length to which names are cut.
        notes: how many entries may have a note.
    """
    longest = min(longest, layout.columns // 2)
    entries = [
        _entry(number, one, value, layout, longest, place < notes)
        for place, (number, one, value) in enumerate(named)
    ]
    places, row, column = list[tuple[int, int]](), 0, layout.left
    for number, entry in enumerate(entries):
        needed = sum(len(text) for text, _ in entry)
        wanted = needed
        if number + 1 < len(entries):
            wanted += GAP + len(f"+{len(entries) - number} more")
        if column + wanted > ends[row] and row + 1 < len(ends):
            row, column = row + 1, layout.left
        places.append((row, column))
        if column + wanted > ends[row]:
            return _Arranged(entries[:number], places, len(entries) - number)
        column += needed + GAP
    return _Arranged(entries, places, 0)


def _entry(
    number: int, series: Series, value: float | None, layout: Layout, longest: int, has_note: bool
) -> Entry:
    if layout.ascii_only:
        mark = "." if series.style == "faint" else ASCII_MARKS[number % len(ASCII_MARKS)]
        sample = mark * 3
    else:
        sample = SAMPLES[series.style]
    name = shortened(series.name, longest, layout)
    pieces = [(sample, number), (f" {name}", PLAIN)]
    if value is not None:
        text = short_number(value)
        pieces.append((f" {shortened(text, len(text), layout)}", number))
        if series.note and has_note:
            pieces.append((f" {shortened(series.note, len(series.note), layout)}", AXIS))
    if series.trouble:
        pieces.append((f" ({series.trouble})", ALERT))
    return pieces
