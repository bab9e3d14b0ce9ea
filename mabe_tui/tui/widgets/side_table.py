"""A table with one column a side, which can be moved through where there is no room for all."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from mabe_tui.tui.keys import bindings
from mabe_tui.tui.widgets.columns import GAP, Column, Row
from mabe_tui.tui.widgets.table import RowTable

LEAST_WIDTH, SHARING = 16, 4
"""So much of a side's values is seen of two sides at least, and more only where four have room."""


class SideTable(RowTable):
    """Label and reference stay; the other sides' columns move under them."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("sides")

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:
        super().__init__((), empty=empty, id=id)
        self._sides: tuple[str, ...] = ()
        self._all: tuple[Row, ...] = ()
        self._first = 1

    def show_sides(self, sides: Sequence[str], rows: Sequence[Row]) -> None:
        """Show other rows.

        Args:
            sides: what the columns after the first are called.
            rows: of a label and a cell a side.
        """
        self._sides, self._all = tuple(sides), tuple(rows)
        self._first = min(self._first, max(1, len(self._sides) - 1))
        self._lay_out()

    def action_sideways(self, by: int) -> None:
        """See the sides further left or right."""
        self._first = min(max(1, self._first + by), max(1, len(self._sides) - 1))
        self._lay_out()

    def whole(self, key: str) -> tuple[str, str]:
        """Return the label of a row, and a line for each side's value, however long."""
        label, *values = next(row.cells for row in self._all if row.key == key)
        pairs = zip(self._sides, values, strict=True)
        return label.strip(), "\n".join(f"{side}: {value}" for side, value in pairs)

    def on_resize(self) -> None:
        """Share out the new width."""
        super().on_resize()
        self._lay_out()

    def _fitting(self, width: int) -> list[tuple[int, int]]:
        """Return the columns from the left that fit, for no side is to be passed over unseen."""
        kept, room = list[tuple[int, int]](), width + GAP
        for number, own in enumerate(self._widths):
            room -= own + GAP
            if room < 0 and number > 1:
                break
            kept.append((number, own))
        return kept

    def _lay_out(self) -> None:
        """Let the first two sides have room, however long their values are."""
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


def _of_columns(row: Row, shown: Sequence[int]) -> Row:
    places = [0, *(side + 1 for side in shown)]
    styles = tuple(row.styles[p] if p < len(row.styles) else "" for p in places)
    return Row(row.key, tuple(row.cells[p] for p in places), styles)
