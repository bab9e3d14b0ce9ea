"""A table with one column a side, which can be moved through where there is no room for all."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from mabe_tui.tui.keys import bindings
from mabe_tui.tui.widgets.table import GAP, Column, Row, RowTable

LABEL_WIDTH, LEAST_WIDTH = 32, 8


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

    def on_resize(self) -> None:
        """Share out the new width."""
        super().on_resize()
        self._lay_out()

    def _lay_out(self) -> None:
        """Let the first two sides have room, however long their values are."""
        shown = [n for n in range(len(self._sides)) if n == 0 or n >= self._first]
        beside = min(max((len(row.cells[0]) for row in self._all), default=0), LABEL_WIDTH)
        widest = max((self.size.width - beside) // 2 - GAP, LEAST_WIDTH)
        self.columns = (
            Column("label", "", widest=LABEL_WIDTH),
            *(
                Column(str(side), self._sides[side], "right", rank=place, widest=widest)
                for place, side in enumerate(shown)
            ),
        )
        self.show([_of_columns(row, shown) for row in self._all])


def _of_columns(row: Row, shown: Sequence[int]) -> Row:
    places = [0, *(side + 1 for side in shown)]
    styles = tuple(row.styles[p] if p < len(row.styles) else "" for p in places)
    return Row(row.key, tuple(row.cells[p] for p in places), styles)
