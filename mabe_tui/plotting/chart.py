"""Curves with axes, ticks, legend and cursor, as rows of text with a role for each character."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mabe_tui.plotting.braille import Canvas
from mabe_tui.plotting.cursor import Beside, cursor_words
from mabe_tui.plotting.decimation import ABOVE, BELOW, NAN
from mabe_tui.plotting.drawing import draw_all
from mabe_tui.plotting.grid import ALERT, CURSOR, Grid, Row
from mabe_tui.plotting.layout import Layout, lay_out, write_frame
from mabe_tui.plotting.legend import legend_width, write_legend
from mabe_tui.plotting.series import Scale, Series, joint_range, widened
from mabe_tui.plotting.ticks import TickKind

ALERT_MARKS = {"above": ("▲", "^"), "below": ("▼", "v"), "nan": ("×", "!")}
"""Marks for plus and minus infinity and NaN, in Unicode and in ASCII."""

POINT = ("●", "O")
"""Mark of the best point, and of points that stand alone, in Unicode and in ASCII."""

Range = tuple[float, float]


@dataclass(frozen=True)
class Chart:
    """A drawn chart.

    ``rows`` has exactly the requested size. ``x_range`` and ``y_range`` are the visible
    ranges; the plot fills ``plot_columns × plot_rows`` characters from (``plot_left``, ``plot_top``).
    ``values`` are the series' values at the cursor, None without a cursor or without points.
    """

    rows: tuple[Row, ...]
    x_range: Range
    y_range: Range
    plot_left: int
    plot_top: int
    plot_columns: int
    plot_rows: int
    values: tuple[float | None, ...]

    @property
    def text(self) -> str:
        """Return the chart as lines without trailing blanks, for a plain terminal or a file."""
        return "\n".join(row.text.rstrip() for row in self.rows)

    def x_at(self, column: int) -> float:
        """Return the x at the centre of a character column of the chart, e.g. of a mouse click."""
        low, high = self.x_range
        share = (column - self.plot_left + 0.5) / self.plot_columns
        return low + (high - low) * min(max(share, 0.0), 1.0)


def render_chart(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    log_y: bool = False,
    x_range: Range | None = None,
    y_range: Range | None = None,
    title: str = "",
    x_label: str = "",
    x_kind: TickKind = "linear",
    y_kind: TickKind = "linear",
    ascii_only: bool = False,
    cursor: float | None = None,
    gutter: int = 0,
    beside: Beside | None = None,
    x_names: Sequence[str] = (),
) -> Chart:
    """Draw several series in one chart.

    Args:
        series: the series to draw; their index is the role of their characters.
        width: characters per row, at least 1. A narrow or low chart has no frame.
        height: rows, at least 1.
        log_y: logarithmic y axis; a value ≤ 0 is marked as leaving the plot at the bottom.
        x_range: the visible x (zoom); all points if None.
        y_range: the visible y; if None, that of the points in the x range.
        title: text above the plot.
        x_label: label below the x axis.
        x_kind: placement and format of x ticks (``integer`` for epochs).
        y_kind: the same for y; ``log_y`` overrides it.
        ascii_only: ASCII marks instead of Braille dots and box lines.
        cursor: an x to mark; the legend then shows the series' values there.
        gutter: see :func:`~mabe_tui.plotting.layout.lay_out`.
        beside: another quantity along x, which is said at the cursor.
        x_names: labels of 0, 1, 2 and so on in x, in place of numbers; all of them are shown.

    Raises:
        ValueError: a size below 1, a range that does not ascend, or a log range that reaches 0.
    """
    if width < 1 or height < 1:
        raise ValueError(f"a chart of {width} × {height} characters cannot be drawn")
    shown_x = _ascending(x_range) if x_range else joint_range(s.x_bounds for s in series)
    if x_names and not x_range:
        shown_x = named_range(x_names)
    shown_y = _ascending(y_range) if y_range else visible_y(series, shown_x, log_y)
    if log_y and shown_y[0] <= 0:
        raise ValueError(f"a log axis cannot begin at {shown_y[0]}")
    values = tuple(None if cursor is None else s.value_at(cursor) for s in series)
    layout = lay_out(
        width,
        height,
        shown_y,
        "log" if log_y else y_kind,
        has_title=bool(title),
        has_legend=any(s.name for s in series) or bool(x_label),
        ascii_only=ascii_only,
        legend_width=legend_width(series, x_label),
        gutter=gutter,
        flat_at=_flat_at(series, shown_x, log_y),
    )
    canvas = Canvas(layout.columns, layout.rows, ascii_only=ascii_only)
    x_scale = Scale(*shown_x, canvas.width)
    y_scale = Scale(*shown_y, max(canvas.height - layout.headroom, 1), log_y)
    grid = Grid(height, width)
    is_empty = not any(np.size(one.x) for one in series)
    write_frame(grid, layout, x_scale, y_scale, x_kind, title, x_names, is_empty=is_empty)
    troubles = draw_all(canvas, series, x_scale, y_scale)
    _paste(grid, canvas, layout)
    _mark_points(grid, layout, canvas, series, (x_scale, y_scale))
    _mark_troubles(grid, layout, troubles)
    at_cursor: list[str] = []
    if cursor is not None:
        mark_cursor(grid, layout, x_scale.dot(cursor) // canvas.cell_width)
        at_cursor = cursor_of(cursor, x_label, x_kind, shown_x, layout, beside)
    write_legend(grid, layout, series, values, x_label, at_cursor)
    return Chart(
        grid.rows(), shown_x, shown_y, layout.left, layout.top, layout.columns, layout.rows, values
    )


def gutter_width(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    log_y: bool = False,
    x_range: Range | None = None,
    y_range: Range | None = None,
    y_kind: TickKind = "linear",
    title: str = "",
    x_label: str = "",
) -> int:
    """Return the characters left of the plot that :func:`render_chart` needs for the labels of y."""
    shown_x = _ascending(x_range) if x_range else joint_range(s.x_bounds for s in series)
    shown_y = _ascending(y_range) if y_range else visible_y(series, shown_x, log_y)
    return lay_out(
        width,
        height,
        shown_y,
        "log" if log_y else y_kind,
        has_title=bool(title),
        has_legend=any(s.name for s in series) or bool(x_label),
        ascii_only=False,
        flat_at=_flat_at(series, shown_x, log_y),
    ).left


def named_range(names: Sequence[str]) -> Range:
    """Return the x of names, with half a place of room on either side."""
    return -0.5, len(names) - 0.5


def _ascending(pair: Range) -> Range:
    low, high = pair
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise ValueError(f"the range {low} … {high} does not ascend")
    return widened(low, high)


def visible_y(series: Sequence[Series], x_range: Range, log: bool) -> Range:
    """Return the y range of the points in the x range: finite, and above 0 on a log axis."""
    bounds = [one.visible(*x_range).bounds(above_zero=log) for one in series]
    return joint_range(bounds, log=log)


def _paste(grid: Grid, canvas: Canvas, layout: Layout) -> None:
    """Lay the dots over the frame; cells without a dot keep their content."""
    drawn = canvas.owner >= 0
    area = (
        slice(layout.top, layout.top + layout.rows),
        slice(layout.left, layout.left + layout.columns),
    )
    grid.codes[area][drawn] = canvas.codes()[drawn]
    grid.roles[area][drawn] = canvas.owner[drawn]


def _mark_troubles(grid: Grid, layout: Layout, troubles: list[tuple[int, int]]) -> None:
    """Draw prominent marks: infinities at the plot's top and bottom, NaN on the axis (or the last row)."""
    lowest = layout.top + layout.rows - 1
    rows = {
        "above": (ABOVE, layout.top),
        "below": (BELOW, lowest),
        "nan": (NAN, layout.axis_row if layout.axis_row is not None else lowest),
    }
    for name, (bit, row) in rows.items():
        mark = ALERT_MARKS[name][layout.ascii_only]
        for column in {column for column, bits in troubles if bits & bit}:
            grid.put(row, layout.left + column, mark, ALERT)


def _mark_points(
    grid: Grid,
    layout: Layout,
    canvas: Canvas,
    series: Sequence[Series],
    scales: tuple[Scale, Scale],
) -> None:
    """Mark the best point of each series and those without a neighbour, which a dot would not show."""
    x_scale, y_scale = scales
    for number, one in enumerate(series):
        for x, y in zip(*one.marks(x_scale.low, x_scale.high, canvas.width), strict=True):
            if not y_scale.low <= y <= y_scale.high:
                continue
            column = x_scale.dot(float(x)) // canvas.cell_width
            row = (canvas.height - 1 - y_scale.dot(float(y))) // canvas.cell_height
            mark = POINT[layout.ascii_only]
            grid.put(layout.top + row, layout.left + column, mark, number)


def _flat_at(series: Sequence[Series], x_range: Range, log: bool) -> float | None:
    """Return the y that all points in a range of x have; ``None`` if they differ, or there are none."""
    bounds = [pair for one in series if (pair := one.visible(*x_range).bounds(above_zero=log))]
    if not bounds:
        return None
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return low if low == high else None


def cursor_of(
    cursor: float,
    x_label: str,
    x_kind: TickKind,
    x_range: Range,
    layout: Layout,
    beside: Beside | None,
) -> list[str]:
    """Return where the cursor is in words, the shortest first, as exactly as can be seen."""
    resolution = (x_range[1] - x_range[0]) / max(layout.columns, 1)
    return cursor_words(cursor, x_label, x_kind, resolution, beside)


def mark_cursor(grid: Grid, layout: Layout, column: int) -> None:
    """Draw a vertical line behind the curves."""
    if not 0 <= column < layout.columns:
        return
    line = "|" if layout.ascii_only else "│"
    for row in range(layout.top, layout.top + layout.rows):
        if grid.blank(row, layout.left + column):
            grid.put(row, layout.left + column, line, CURSOR)
    if layout.axis_row is not None:
        grid.put(layout.axis_row, layout.left + column, "+" if layout.ascii_only else "┴", CURSOR)
