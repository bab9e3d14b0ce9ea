"""A table with one column per side, which scrolls sideways if they do not all fit."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from mabe_tui.tui.keys import bindings
from mabe_tui.tui.widgets.columns import GAP, Column, TableRow
from mabe_tui.tui.widgets.table import RowTable

LEAST_WIDTH, SHARING = 16, 4
"""Minimum width of a side, and the number of sides that share the room before any gets more."""


class SideTable(RowTable):
    """Label and reference columns stay; those of other sides scroll."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("sides")

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        super().__init__((), empty=empty, id=id)
        self._sides: tuple[str, ...] = ()
        self._all: tuple[TableRow, ...] = ()
        self._first = 1

    def show_sides(self, sides: Sequence[str], rows: Sequence[TableRow]) -> None:
        """Show other rows.

        Args:
            sides: headers of the columns after the first.
            rows: a label and one cell per side each.
        """
        self._sides, self._all = tuple(sides), tuple(rows)
        self._first = min(self._first, max(1, len(self._sides) - 1))
        self._lay_out()

    def action_sideways(self, by: int) -> None:
        """Scroll to the sides further left or right."""
        self._first = min(max(1, self._first + by), max(1, len(self._sides) - 1))
        self._lay_out()

    def whole(self, key: str) -> tuple[str, str]:
        """Return the label of a row, and one untruncated line per side's value."""
        label, *values = next(row.cells for row in self._all if row.key == key)
        pairs = zip(self._sides, values, strict=True)
        return label.strip(), "\n".join(f"{side}: {value}" for side, value in pairs)

    def on_resize(self) -> None:
        """Recompute the column widths."""
        super().on_resize()
        self._lay_out()

    def _fitting(self, width: int) -> list[tuple[int, int]]:
        """Return the columns from the left that fit; no side may be skipped without notice."""
        kept, room = list[tuple[int, int]](), width + GAP
        for number, own in enumerate(self._widths):
            room -= own + GAP
            if room < 0 and number > 1:
                break
            kept.append((number, own))
        return kept

    def _lay_out(self) -> None:
        """Limit the width of values so that the first two sides fit."""
        shown = [n for n in range(len(self._sides)) if n == 0 or n >= self._first]
        width = self.scrollable_content_region.width
        labels = max((len(row.cells[0]) for row in self._all), default=0)
        beside = min(labels, max(width - 2 * (LEAST_WIDTH + GAP), LEAST_WIDTH))
        sharing = min(max(len(self._sides), 1), SHARING)
        widest = max((width - beside) // sharing - GAP, LEAST_WIDTH)
        self.columns = (
            Column("label", "", widest=beside),
            *(Column(str(side), self._sides[side], "right", widest=widest) for side in shown),
        )
        self.show([_of_columns(row, shown) for row in self._all])
        self._measure()
        self.refresh()


def _of_columns(row: TableRow, shown: Sequence[int]) -> TableRow:
    places = [0, *(side + 1 for side in shown)]
    styles = tuple(row.styles[p] if p < len(row.styles) else "" for p in places)
    return TableRow(row.key, tuple(row.cells[p] for p in places), styles)
