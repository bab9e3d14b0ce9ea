"""Columns and rows of a table, and which columns fit into its width."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rich.cells import cell_len, set_cell_size

from mabe_tui.plotting.sparkline import sparkline

GAP = 2
"""Between two columns."""
LEAST = 12
"""That a column which shrinks needs."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what its cells are called, and when it gives way to others."""

    key: str
    label: str
    align: Literal["left", "right"] = "left"
    rank: int = 0
    """Where the screen is too narrow, columns of the highest rank are left out first; 0 stays."""
    widest: int = 40
    """Longer cells are cut off."""
    shrinks: bool = False
    """Takes what room is left, if it is :data:`LEAST` or more."""
    is_curve: bool = False
    """Shows the row's :attr:`Row.curve`, as wide as :attr:`widest`; its cells are empty."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its name, a text for each column, and how single cells are coloured."""

    key: str
    cells: tuple[str, ...]
    styles: tuple[str, ...] = ()
    """A CSS variable's name a cell (``success``, ``text-muted``), or empty."""
    curve: tuple[float, ...] = ()
    """Drawn as a line of text, only where and when it is seen."""


def needed(column: Column, cells: Sequence[str], is_sorted: bool) -> int:
    """Return the width that the widest cell of a column needs.

    Args:
        column: which.
        cells: of all rows.
        is_sorted: its header has a mark that the rows are sorted by it.
    """
    marked = len(column.label) + (2 if is_sorted else 0)
    if column.is_curve:
        return max(marked, column.widest)
    widest = max(map(len, cells), default=0)
    return max(marked, min(widest, column.widest))


def fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[tuple[int, int]]:
    """Return each column room, the most important first, those that need too much passed over.

    Args:
        columns: all there are.
        widths: that they need.
        width: of the table.

    Returns:
        Number and width of those that fit, from the left.
    """
    chosen: dict[int, int] = {}
    room = width + GAP
    for number in sorted(range(len(widths)), key=lambda n: (columns[n].rank, n)):
        column, wanted = columns[number], widths[number]
        if column.shrinks and room - GAP >= LEAST:
            wanted = min(wanted, room - GAP)
        if wanted + GAP <= room or column.rank == 0:
            chosen[number] = wanted
            room -= wanted + GAP
    return sorted(chosen.items())


@lru_cache(maxsize=500)
def drawn(curve: tuple[float, ...], width: int, ascii_only: bool) -> str:
    """Draw a curve as a line of text; lately drawn ones are known."""
    return sparkline(curve, width, ascii_only=ascii_only)


def fitted(text: str, width: int, align: Literal["left", "right"]) -> str:
    """Cut or fill a text to a width in characters of the terminal."""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, max(width - 1, 0)) + "…"[: min(width, 1)]
    return " " * (width - size) + text if align == "right" else text + " " * (width - size)
