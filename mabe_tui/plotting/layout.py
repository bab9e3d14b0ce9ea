"""The layout of a chart's rectangle, and the frame around the plot: title, axes and tick labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from mabe_tui.plotting.grid import AXIS, LATTICE, Grid
from mabe_tui.plotting.series import Scale
from mabe_tui.plotting.ticks import TickKind, Ticks, named_ticks, only_tick, ticks

FRAMED = (16, 6)
"""From this width and height, a chart has axes; below, the curves take all the room."""
TITLED_HEIGHT, LEGEND_HEIGHT = 7, 8
"""From these heights, there is room for a title, which says what is drawn, and for a legend."""
CROWDED_HEIGHT = 11
"""From this height, a legend that is too long for one row gets two."""
ROWS_PER_TICK = 3
HEADROOM = 2
"""Rows of dots below a title that no curve reaches."""
COLUMNS_PER_TICK = 10
LATTICE_LINE = "┈"


@dataclass(frozen=True)
class Layout:
    """Positions of the parts, in characters from the top left; a row that is None is not drawn."""

    left: int
    top: int
    columns: int
    rows: int
    y_ticks: Ticks
    title_row: int | None
    axis_row: int | None
    legend_rows: int
    ascii_only: bool

    @property
    def headroom(self) -> int:
        """Rows of dots at the top of the plot that stay empty, so that no curve touches the title."""
        return HEADROOM if self.title_row is not None and not self.ascii_only else 0

    @property
    def legend_top(self) -> int:
        """The first row of the legend."""
        return self.top + self.rows + (2 if self.axis_row is not None else 0)


def lay_out(
    width: int,
    height: int,
    y_range: tuple[float, float],
    y_kind: TickKind,
    *,
    has_title: bool,
    has_legend: bool,
    ascii_only: bool,
    legend_width: int = 0,
    gutter: int = 0,
    flat_at: float | None = None,
) -> Layout:
    """Divide ``width × height`` characters; parts that do not fit are dropped, the plot last of all.

    Args:
        width: characters per row.
        height: rows.
        y_range: the visible y.
        y_kind: the quantity on the y axis.
        has_title: whether there is a title.
        has_legend: whether there is a legend.
        ascii_only: whether the frame is drawn in ASCII.
        legend_width: characters that the legend needs in one row.
        gutter: least number of characters left of the plot, so that charts below one another line up.
        flat_at: the only y of all points, which then is the only tick.
    """
    framed = width >= FRAMED[0] and height >= FRAMED[1]
    top = int(has_title and height >= TITLED_HEIGHT)
    legend_rows = int(has_legend and height >= LEGEND_HEIGHT)
    crowded = legend_width > width and height >= CROWDED_HEIGHT
    if has_legend and (crowded or height >= 2 * LEGEND_HEIGHT):
        legend_rows = 2
    rows = height - top - legend_rows - (2 if framed else 0)
    y_ticks = ticks(*y_range, max(2, rows // ROWS_PER_TICK), y_kind)
    if flat_at is not None:
        y_ticks = only_tick(flat_at, y_kind)
    labels_width = max(len(label) for label in y_ticks.labels)
    left = 0
    if framed:
        left = labels_width + 1 if labels_width <= width // 3 else 1
        left = max(left, min(gutter, width // 3))
    return Layout(
        left=left,
        top=top,
        columns=width - left,
        rows=rows,
        y_ticks=y_ticks,
        title_row=0 if top else None,
        axis_row=top + rows if framed else None,
        legend_rows=legend_rows,
        ascii_only=ascii_only,
    )


def write_frame(
    grid: Grid,
    layout: Layout,
    x_scale: Scale,
    y_scale: Scale,
    x_kind: TickKind,
    title: str,
    x_names: Sequence[str] = (),
    *,
    is_empty: bool = False,
) -> None:
    """Write title, axis lines, ticks and tick labels; ``x_names`` are the labels of 0, 1, 2 and so on.

    One that ``is_empty`` has no ticks: nothing is known that they could be of.
    """
    if layout.title_row is not None:
        grid.put(layout.title_row, layout.left, shortened(title, layout.columns, layout))
    if layout.axis_row is None:
        return
    vertical, corner, horizontal, y_mark, x_mark = "|+-++" if layout.ascii_only else "│└─┤┬"
    for row in range(layout.top, layout.axis_row):
        grid.put(row, layout.left - 1, vertical, AXIS)
    grid.put(layout.axis_row, layout.left - 1, corner + horizontal * layout.columns, AXIS)
    if is_empty:
        return
    _write_y_ticks(grid, layout, y_scale, y_mark)
    most = max(2, layout.columns // COLUMNS_PER_TICK)
    x_ticks = named_ticks(x_names) if x_names else ticks(x_scale.low, x_scale.high, most, x_kind)
    _write_x_ticks(grid, layout, x_scale, x_ticks, x_mark)


def shortened(text: str, width: int, layout: Layout) -> str:
    """Return one printable line of at most ``width`` characters, with an ellipsis if it is cut."""
    line = "".join(c if c.isprintable() else " " for c in text)
    if layout.ascii_only:
        line = line.encode("ascii", "replace").decode()
    if len(line) <= width:
        return line
    return line[: max(width - 1, 0)] + ("~" if layout.ascii_only else "…")[: max(width, 0)]


def _write_y_ticks(grid: Grid, layout: Layout, scale: Scale, mark: str) -> None:
    """Write labels right-aligned at the axis; of two on the same row, keep the first."""
    dots = scale.dots + layout.headroom
    dots_a_row = dots // layout.rows
    taken: set[int] = set()
    for position, label in zip(layout.y_ticks.positions, layout.y_ticks.labels, strict=True):
        row = layout.top + (dots - 1 - scale.dot(position)) // dots_a_row
        if row in taken:
            continue
        taken.add(row)
        if not layout.ascii_only:
            grid.put(row, layout.left, LATTICE_LINE * layout.columns, LATTICE)
        text = _plain(label, layout)
        if len(text) < layout.left:
            grid.put(row, layout.left - 1 - len(text), text, AXIS)
        grid.put(row, layout.left - 1, mark, AXIS)


def _write_x_ticks(grid: Grid, layout: Layout, scale: Scale, x_ticks: Ticks, mark: str) -> None:
    """Write labels centred under their marks, if they fit without touching the previous one."""
    if layout.axis_row is None:
        return
    dots_a_column = scale.dots // layout.columns
    free = 0
    for position, label in zip(x_ticks.positions, x_ticks.labels, strict=True):
        column = layout.left + scale.dot(position) // dots_a_column
        text = _plain(label, layout)
        start = min(max(column - len(text) // 2, 0), grid.width - len(text))
        if start < free:
            continue
        grid.put(layout.axis_row, column, mark, AXIS)
        grid.put(layout.axis_row + 1, start, text, AXIS)
        free = start + len(text) + 1


def _plain(label: str, layout: Layout) -> str:
    return label.replace("−", "-").replace("∞", "inf") if layout.ascii_only else label
