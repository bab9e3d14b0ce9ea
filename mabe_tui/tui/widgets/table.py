"""A table that draws only the visible rows: a thousand runs cost no more than twenty.

Textual's own DataTable measures every cell with rich when rows are added (a quarter of a second for a
thousand rows of twelve columns), too slow for filtering while typing.

"""

from collections.abc import Sequence
from itertools import repeat
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mabe_tui.tui.keys import bindings
from mabe_tui.tui.themes import CurveStyles
from mabe_tui.tui.widgets.columns import (
    GAP,
    Column,
    TableRow,
    drawn,
    fitted,
    fitting,
    is_empty,
    needed,
)

HEADER = 1
LINE = "curve-"
"""Prefix of a style: that of a line in a chart, whose number follows."""


class RowTable(ScrollView, can_focus=True):
    """Rows under a header, one of them selected."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("table")
    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The selection moved to another row."""

        def __init__(self, table: "RowTable", key: str) -> None:
            super().__init__()
            self.table, self.key = table, key

        @property
        def control(self) -> "RowTable":
            """The table, for ``@on`` selectors."""
            return self.table

    class Chosen(Moved):
        """A row was opened by enter or a second click."""

    class HeaderClicked(Message):
        """A column header was clicked."""

        def __init__(self, table: "RowTable", column: str) -> None:
            super().__init__()
            self.table, self.column = table, column

        @property
        def control(self) -> "RowTable":
            """The table, for ``@on`` selectors."""
            return self.table

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns = tuple(columns)
        self.rows: tuple[TableRow, ...] = ()
        self.sorted_by: str | None = None
        self.descending = False
        self.empty = empty
        self._widths: list[int] = []
        self._empty: frozenset[int] = frozenset()
        """Indices of the columns in which no row has a value."""
        self._fit: tuple[int, list[tuple[int, int]]] = (-1, [])
        """For the current width: (index, width) of each column that fits."""

    @property
    def selected(self) -> str | None:
        """The selected row's key."""
        return self.rows[self.cursor].key if 0 <= self.cursor < len(self.rows) else None

    def show(self, rows: Sequence[TableRow]) -> None:
        """Replace the rows; the selected key stays selected if it still exists."""
        if self.rows == tuple(rows):
            return
        before, known = self.selected, {row.key for row in self.rows}
        self.rows = tuple(rows)
        keys = [row.key for row in self.rows]
        stays = known.intersection(keys) and len(self._widths) == len(self.columns)
        self._measure(self._widths if stays else ())
        self.virtual_size = Size(self.size.width, len(self.rows) + HEADER)
        at = keys.index(before) if before in keys else min(self.cursor, max(0, len(keys) - 1))
        with self.prevent(RowTable.Moved):
            self.cursor = at
        if self.selected != before and self.selected is not None:
            self.post_message(self.Moved(self, self.selected))
        self.refresh()

    def head(self, columns: Sequence[Column]) -> None:
        """Change the labels of the columns."""
        if self.columns != tuple(columns):
            self.columns = tuple(columns)
            self._measure()
            self.refresh()

    def select(self, key: str) -> None:
        """Select the row with that key, if any."""
        for number, row in enumerate(self.rows):
            if row.key == key:
                self.cursor = number

    def mark_sorted(self, column: str | None, descending: bool) -> None:
        """Mark the sort column in the header."""
        if (self.sorted_by, self.descending) == (column, descending):
            return
        self.sorted_by, self.descending = column, descending
        self._measure()
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor within the rows."""
        return min(max(cursor, 0), max(0, len(self.rows) - 1))

    def watch_cursor(self) -> None:
        """Scroll to the selected row and post a message."""
        region = Region(0, max(0, self.cursor), 1, 1 + HEADER)
        self.scroll_to_region(region, animate=False, force=True)
        if self.selected is not None:
            self.post_message(self.Moved(self, self.selected))
        self.refresh()

    def on_resize(self) -> None:
        """Fill the new width."""
        self.virtual_size = Size(self.size.width, len(self.rows) + HEADER)

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.cursor += by

    def action_page(self, direction: int) -> None:
        """Move the cursor by a screenful."""
        self.cursor += direction * max(1, self.size.height - HEADER - 1)

    def action_end(self, direction: int) -> None:
        """Move the cursor to the first or the last row."""
        self.cursor = 0 if direction < 0 else len(self.rows) - 1

    def action_choose(self) -> None:
        """Open the selected row."""
        if self.selected is not None:
            self.post_message(self.Chosen(self, self.selected))

    def on_click(self, event: events.Click) -> None:
        """Select a row, open the selected row, or report a click on a header."""
        if event.y < HEADER:
            if (column := self._column_at(event.x)) is not None:
                self.post_message(self.HeaderClicked(self, column))
            return
        number = event.y - HEADER + self.scroll_offset.y
        if number >= len(self.rows):
            return
        if number == self.cursor and event.chain > 1:
            self.action_choose()
        self.cursor = number

    def render_line(self, y: int) -> Strip:
        """Draw one line: the header is fixed, the rows scroll under it."""
        width, base = self.size.width, self.rich_style
        if y < HEADER:
            return self._header(base).adjust_cell_length(width, base)
        number = y - HEADER + self.scroll_offset.y
        if not self.rows and y == HEADER:
            text = Segment(set_cell_size(self.empty, width), self._named("text-muted", base))
            return Strip([text], width)
        if number >= len(self.rows):
            return Strip.blank(width, base)
        return self._line(number, base).adjust_cell_length(width, base)

    def _measure(self, least: Sequence[int] = ()) -> None:
        """Measure the widest cell of every column.

        Args:
            least: previous widths; while rows stay, columns do not shrink, so that the layout is stable.
        """
        cells = zip(*(row.cells for row in self.rows), strict=True) if self.rows else repeat(())
        filled = [*zip(self.columns, cells, strict=False)]
        widths = [needed(column, texts, column.key == self.sorted_by) for column, texts in filled]
        self._empty = frozenset(
            number
            for number, (column, texts) in enumerate(filled)
            if column.key != self.sorted_by and is_empty(column, self.rows, texts)
        )
        self._widths = [max(pair) for pair in zip(widths, least or widths, strict=True)]
        self._fit = (-1, [])

    @property
    def _shown(self) -> list[tuple[int, int]]:
        """The columns that fit; computed while drawing, because a scroll bar changes the width."""
        width = self.scrollable_content_region.width
        if self._fit[0] != width:
            self._fit = (width, self._fitting(width))
        return self._fit[1]

    def _fitting(self, width: int) -> list[tuple[int, int]]:
        return fitting(self.columns, self._widths, width, self._empty)

    def _header(self, base: Style) -> Strip:
        style = Style(bold=True) + self._named("text-muted", base)
        segments = []
        for number, width in self._shown:
            column = self.columns[number]
            label = column.label
            if column.key == self.sorted_by:
                label += f" {self._arrow()}"
            segments.append(Segment(fitted(label, width, column.align) + " " * GAP, style))
        return Strip(segments)

    def _arrow(self) -> str:
        return (
            ("v" if self._is_ascii else "↓")
            if self.descending
            else ("^" if self._is_ascii else "↑")
        )

    @property
    def _is_ascii(self) -> bool:
        return self.app.has_class("ascii")

    def _line(self, number: int, base: Style) -> Strip:
        row = self.rows[number]
        chosen = number == self.cursor
        over = self._cursor_style() if chosen else Style()
        segments = []
        for place, width in self._shown:
            name = row.styles[place] if place < len(row.styles) else ""
            style = (base if chosen and self.has_focus else self._named(name, base)) + over
            text = fitted(self._cell(row, place, width), width, self.columns[place].align)
            segments.append(Segment(text, style))
            segments.append(Segment(" " * GAP, base + over))
        strip = Strip(segments)
        return strip.extend_cell_length(self.size.width, base + over)

    def _cell(self, row: TableRow, place: int, width: int) -> str:
        if not (self.columns[place].is_curve and row.curve):
            return row.cells[place]
        return drawn(row.curve, width, self._is_ascii)

    def _cursor_style(self) -> Style:
        if self.has_focus:
            return Style(bold=True, reverse=True)
        return Style(bold=True, bgcolor=self.app.theme_variables.get("panel"))

    def _named(self, name: str, base: Style) -> Style:
        if not name:
            return base
        if name == "text-muted":
            return base + Style(dim=True)
        if name.startswith(LINE):
            return base + CurveStyles(self.app.theme_variables).of(int(name.removeprefix(LINE)))
        return base + Style(color=self.app.theme_variables.get(name))

    def _column_at(self, x: int) -> str | None:
        left = 0
        for number, width in self._shown:
            left += width + GAP
            if x < left:
                return self.columns[number].key
        return None
