"""Curves as rows of a heatmap: one row each over the same x, their values as shades."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mabe_tui.plotting.chart import Chart, Range, cursor_of, mark_cursor
from mabe_tui.plotting.cursor import Beside
from mabe_tui.plotting.decimation import Floats
from mabe_tui.plotting.grid import ALERT, AXIS, HEAT, PLAIN, Grid
from mabe_tui.plotting.layout import Layout, lay_out, shortened, write_frame
from mabe_tui.plotting.legend import GAP, write_legend
from mabe_tui.plotting.series import Scale, Series, joint_range
from mabe_tui.plotting.ticks import TickKind, Ticks, short_number

SHADES = ("░░▒▒▓▓██", ".:-=+*#@")
"""From the least to the greatest, in Unicode and in ASCII; as many as there are roles."""
TROUBLE = ("×", "!")
VALUE_WIDTH = 7
"""Columns left of the plot, for the value at the cursor or the last one, a space included."""
LEAST_NAME = 3
"""Letters of a name that are worth more than its value."""
TALLEST = 3
"""Lines of text that a row takes at most."""


def heat_gutter(series: Sequence[Series], width: int) -> int:
    """Return the characters left of the plot that the names of the rows need."""
    longest = max((len(one.name) for one in series if one.name), default=0)
    return min(longest + VALUE_WIDTH + 1, width // 3)


def render_heat(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    is_shared: bool,
    x_range: Range | None = None,
    title: str = "",
    x_label: str = "",
    x_kind: TickKind = "linear",
    ascii_only: bool = False,
    cursor: float | None = None,
    gutter: int = 0,
    beside: Beside | None = None,
) -> Chart:
    """Draw the named series as rows of shades, over the x of :func:`~mabe_tui.plotting.chart.render_chart`.

    A shade lasts until the next point. Rows for which there is no room are left out.

    Args:
        series: the curves; unnamed ones, such as a raw band, are left out.
        width: characters per row, at least 1.
        height: rows, at least 1.
        is_shared: whether all rows have one scale (from 0 to 1 if no value is outside); otherwise the
            shades of each row go from its own least to its own greatest value.
        x_range: the visible x; all points if None.
        title: text above the plot.
        x_label: label below the x axis.
        x_kind: placement and format of x ticks.
        ascii_only: ASCII marks.
        cursor: an x to mark; the values on the right are then those at the cursor.
        gutter: least number of characters left of the plot.
        beside: another quantity along x, which is said at the cursor.
    """
    shown_x = x_range or joint_range(one.x_bounds for one in series)
    layout = _layout(series, width, height, title, x_label, ascii_only, gutter)
    grid = Grid(height, width)
    x_scale = Scale(*shown_x, layout.columns)
    write_frame(grid, layout, x_scale, Scale(0.0, 1.0, layout.rows), x_kind, title)
    values = tuple(None if cursor is None else one.value_at(cursor) for one in series)
    named = [number for number, one in enumerate(series) if one.name]
    rows = {number: _columns(series[number], x_scale) for number in named}
    scales = _scales(series, named, shown_x, is_shared)
    tall = min(max(layout.rows // max(len(named), 1), 1), TALLEST)
    for place, number in enumerate(named[: layout.rows // tall]):
        top = layout.top + place * tall
        _label(grid, layout, top, series[number], values[number] if cursor is not None else None)
        for row in range(top, top + tall):
            _shade(grid, layout, row, rows[number], scales[number])
    at_cursor: list[str] = []
    if cursor is not None:
        mark_cursor(grid, layout, x_scale.dot(cursor))
        at_cursor = cursor_of(cursor, x_label, x_kind, shown_x, layout, beside)
    write_legend(grid, layout, (), (), x_label, at_cursor)
    words = max([x_label, *at_cursor], key=len)
    _write_scale(grid, layout, scales[named[0]] if is_shared and named else None, len(words))
    return Chart(
        grid.rows(),
        shown_x,
        (0.0, 1.0),
        layout.left,
        layout.top,
        layout.columns,
        layout.rows,
        values,
    )


def _layout(
    series: Sequence[Series],
    width: int,
    height: int,
    title: str,
    x_label: str,
    ascii_only: bool,
    gutter: int,
) -> Layout:
    whole = lay_out(
        width,
        height,
        (0.0, 1.0),
        "linear",
        has_title=bool(title),
        has_legend=bool(x_label),
        ascii_only=ascii_only,
        gutter=max(gutter, heat_gutter(series, width)),
    )
    return replace(whole, y_ticks=Ticks((), ()))


def _columns(one: Series, x_scale: Scale) -> Floats:
    """Return ``(columns,)``: the middle of each column's values; NaN before the first and after the last.

    A value that is not finite is infinite here.
    """
    found = np.full(x_scale.dots, np.nan)
    if one.pyramid is None or not one.points[0].size:
        return found
    at, samples = one.pyramid.columns(x_scale.edges())
    values = np.where(samples.trouble > 0, np.inf, (samples.low + samples.high) / 2)
    last = min(max(x_scale.dot(float(one.points[0][-1])), -1), x_scale.dots - 1)
    places = np.arange(x_scale.dots)
    before = np.searchsorted(at, places, side="right") - 1
    held = (before >= 0) & (places <= last)
    found[held] = values[before[held]]
    return found


def _scales(
    series: Sequence[Series], named: Sequence[int], x_range: Range, is_shared: bool
) -> dict[int, Range]:
    bounds = {number: series[number].visible(*x_range).bounds() for number in named}
    if not is_shared:
        return {number: joint_range([pair]) for number, pair in bounds.items()}
    low, high = joint_range(bounds.values())
    whole = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    return dict.fromkeys(named, whole)


def _shade(grid: Grid, layout: Layout, row: int, values: Floats, scale: Range) -> None:
    low, high = scale
    shades = SHADES[layout.ascii_only]
    with np.errstate(invalid="ignore"):
        levels = np.floor((values - low) / (high - low) * len(shades))
    for column, (value, level) in enumerate(zip(values.tolist(), levels.tolist(), strict=True)):
        if value != value:  # nothing was measured
            continue
        if value == np.inf:
            grid.put(row, layout.left + column, TROUBLE[layout.ascii_only], ALERT)
            continue
        at = min(max(int(level), 0), len(shades) - 1)
        grid.put(row, layout.left + column, shades[at], HEAT[at])


def _label(grid: Grid, layout: Layout, row: int, one: Series, value: float | None) -> None:
    """Write a row's name, and its value at the cursor or its last one, left of the plot."""
    if value is None and one.points[1].size:
        value = float(one.points[1][-1])
    figure = "" if value is None else short_number(value).rjust(VALUE_WIDTH)
    room = layout.left - 1
    if room < VALUE_WIDTH + LEAST_NAME:
        figure = ""
    name = shortened(one.name, max(room - len(figure), 0), layout)
    grid.put(row, room - len(name) - len(figure), name, PLAIN)
    grid.put(row, room - len(figure), figure, AXIS)


def _write_scale(grid: Grid, layout: Layout, scale: Range | None, taken: int) -> None:
    """Write what the shades stand for, if that fits beside the ``taken`` columns at the right end."""
    low, high = ("least", "greatest") if scale is None else map(short_number, scale)
    shades = SHADES[layout.ascii_only]
    needed = len(low) + len(shades) + len(high) + 2
    if not layout.legend_rows or needed + GAP + taken > layout.columns:
        return
    row, column = layout.legend_top, layout.left
    grid.put(row, column, low, AXIS)
    column += len(low) + 1
    for place, shade in enumerate(shades):
        grid.put(row, column + place, shade, HEAT[place])
    grid.put(row, column + len(shades) + 1, high, AXIS)
