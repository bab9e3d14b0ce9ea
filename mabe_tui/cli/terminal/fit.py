"""Fit a table to a terminal: the least important columns are dropped first, and cells never wrap."""

import shutil
import sys
from collections.abc import Collection, Sequence

from mabe_tui.cli.terminal.output import clean, say

SEPARATOR = 3
"""Columns between two cells, as in rich's tables."""
EDGE = 2
ELLIPSIS = "…"
SHORTEST = 12
Column = tuple[str, list[object]]


def fitted(
    columns: Sequence[Column], droppable: Sequence[str], asked: bool = False
) -> list[Column]:
    """Drop empty columns; on a terminal, fit the others.

    Columns in ``droppable`` are dropped in that order while the table is too wide; then the last column is
    truncated. In a pipe nothing is dropped for its width, and nothing is truncated.

    Args:
        columns: pairs of header and cells; the last column is the one to truncate.
        droppable: headers of columns that may be dropped, the least important first.
        asked: the columns were requested by the user: empty ones stay, too.
    """
    kept = [c for c in columns if asked or any(cell is not None for cell in c[1])]
    if not sys.stdout.isatty() or not kept:
        return kept
    available = shutil.get_terminal_size().columns - EDGE
    for header in droppable:
        if _least_width(kept) <= available:
            break
        kept = [column for column in kept if column[0] != header]
    *others, (header, cells) = kept
    room = available - sum(_width(column) + SEPARATOR for column in others)
    return [*others, (header, [_cut(cell, max(room, SHORTEST)) for cell in cells])]


def say_left_out(columns: Sequence[Column], shown: Collection[str]) -> None:
    """Report the columns dropped on a narrow terminal, and how to see them; nothing if none was.

    Args:
        columns: pairs of header and cells, before :func:`fitted`.
        shown: the headers that were kept.
    """
    missing = [
        header
        for header, cells in columns
        if header not in shown and any(cell is not None for cell in cells)
    ]
    if missing and sys.stdout.isatty():
        say(
            f"left out for want of room: {', '.join(missing)}; a wider terminal, --json or a pipe"
            " (`| cat`) shows them"
        )


def fits(columns: Sequence[Column]) -> bool:
    """Return whether the non-empty columns fit the terminal side by side; always in a pipe."""
    kept = [column for column in columns if any(cell is not None for cell in column[1])]
    available = shutil.get_terminal_size().columns - EDGE
    return not sys.stdout.isatty() or not kept or _least_width(kept) <= available


def room_beside(columns: Sequence[Column]) -> int:
    """Return the columns that a terminal leaves for one cell beside these; unlimited in a pipe."""
    if not sys.stdout.isatty():
        return sys.maxsize
    available = shutil.get_terminal_size().columns - EDGE
    return max(SHORTEST, available - sum(_width(column) + SEPARATOR for column in columns))


def _width(column: Column) -> int:
    header, cells = column
    return max(len(header), *(len(clean(cell)) for cell in cells))


def _least_width(columns: Sequence[Column]) -> int:
    *others, last = columns
    return sum(_width(column) + SEPARATOR for column in others) + min(_width(last), SHORTEST)


def _cut(cell: object, room: int) -> object:
    text = clean(cell)
    return cell if len(text) <= room else text[: room - len(ELLIPSIS)] + ELLIPSIS
