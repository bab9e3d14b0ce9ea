"""Columns and rows of a table, and the choice of columns that fit its width."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rich.cells import cell_len, set_cell_size

from mabe_tui.plotting.sparkline import sparkline

GAP = 2
"""Blank cells between two columns."""
LEAST = 12
"""Minimum width of a shrinking column, and of a curve."""
EMPTY = frozenset({"", " ", "–"})
"""Cells without a value."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header, and its priority when the table is too narrow."""

    key: str
    label: str
    align: Literal["left", "right"] = "left"
    rank: int = 0
    """On narrow screens, columns with the highest rank are dropped first; rank 0 is never dropped."""
    widest: int = 40
    """Maximum width; longer cells are truncated."""
    shrinks: bool = False
    """Whether it takes the remaining width, if that is :data:`LEAST` or more."""
    is_curve: bool = False
    """Whether it shows :attr:`TableRow.curve`, as wide as the room allows; its cells are empty."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its key, a text for each column, and the colours of single cells."""

    key: str
    cells: tuple[str, ...]
    styles: tuple[str, ...] = ()
    """For each cell, a CSS variable's name (``success``, ``text-muted``) or an empty string."""
    curve: tuple[float, ...] = ()
    """Values drawn as a sparkline, only when visible."""


def needed(column: Column, cells: Sequence[str], is_sorted: bool) -> int:
    """Return the width of the widest cell of a column.

    Args:
        column: the column.
        cells: its cell in each row.
        is_sorted: whether the header also shows the sort mark.
    """
    marked = len(column.label) + (2 if is_sorted else 0)
    if column.is_curve:
        return max(marked, LEAST)
    widest = max(map(len, cells), default=0)
    return max(marked, min(widest, column.widest))


def is_empty(column: Column, rows: Sequence[TableRow], cells: Sequence[str]) -> bool:
    """Return whether no row has a value in a column; never for rank 0 or a table without rows."""
    if not rows or column.rank == 0 or (column.is_curve and any(row.curve for row in rows)):
        return False
    return EMPTY.issuperset(cells)


def fitting(
    columns: Sequence[Column], widths: Sequence[int], width: int, empty: Collection[int] = ()
) -> list[tuple[int, int]]:
    """Choose the columns that fit, most important first, skipping those that are too wide.

    Args:
        columns: all columns.
        widths: the width that each needs; a curve grows up to :attr:`Column.widest` where others leave room.
        width: the table's width.
        empty: indices of the columns in which no row has a value: they come after all others.

    Returns:
        Index and width of the columns that fit, from the left.
    """
    chosen: dict[int, int] = {}
    ranked = sorted(range(len(widths)), key=lambda n: (columns[n].rank, n))
    room = width + GAP
    room -= _place(chosen, [n for n in ranked if n not in empty], columns, widths, room)
    for number in chosen:
        if columns[number].is_curve:
            more = max(0, min(columns[number].widest - chosen[number], room))
            chosen[number] += more
            room -= more
    _place(chosen, [n for n in ranked if n in empty], columns, widths, room)
    return sorted(chosen.items())


def _place(
    chosen: dict[int, int],
    numbers: Sequence[int],
    columns: Sequence[Column],
    widths: Sequence[int],
    room: int,
) -> int:
    """Add those of the columns that fit; return the width they take."""
    left = room
    for number in numbers:
        column, wanted = columns[number], widths[number]
        if column.shrinks and left - GAP >= LEAST:
            wanted = min(wanted, left - GAP)
        if wanted + GAP <= left or column.rank == 0:
            chosen[number] = wanted
            left -= wanted + GAP
    return room - left


@lru_cache(maxsize=500)
def drawn(curve: tuple[float, ...], width: int, ascii_only: bool) -> str:
    """Return a sparkline of a curve; recent ones are cached."""
    return sparkline(curve, width, ascii_only=ascii_only)


def fitted(text: str, width: int, align: Literal["left", "right"]) -> str:
    """Truncate or pad a text to a width in terminal cells."""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, max(width - 1, 0)) + "…"[: min(width, 1)]
    return " " * (width - size) + text if align == "right" else text + " " * (width - size)
