"""Making a table fit a terminal: what matters least goes first, and no cell is folded."""

import shutil
import sys
from collections.abc import Collection, Sequence

from mabe_tui.cli.terminal.output import clean, say

SEPARATOR = 3
"""Columns between two cells, as the terminal's table draws them."""
EDGE = 2
ELLIPSIS = "…"
SHORTEST = 12
Column = tuple[str, list[object]]


def fitted(
    columns: Sequence[Column], droppable: Sequence[str], asked: bool = False
) -> list[Column]:
    """Leave out columns without content; on a terminal, make the others fit.

    Columns in ``droppable`` go in that order while the table is too wide; what is still too long is cut
    from the last column. In a pipe nothing is dropped for its width, and nothing is cut.

    Args:
        columns: pairs of header and cells, the last one the most patient of being cut.
        droppable: headers of what a narrow terminal can do without, the least important first.
        asked: a person named these columns: those without content stay, too.
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
    """Say which columns a narrow terminal went without, and how to see them; nothing where it has all.

    Args:
        columns: pairs of header and cells, before :func:`fitted`.
        shown: the headers that it kept.
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
    """Return whether columns with content fit the terminal side by side; in a pipe all do."""
    kept = [column for column in columns if any(cell is not None for cell in column[1])]
    available = shutil.get_terminal_size().columns - EDGE
    return not sys.stdout.isatty() or not kept or _least_width(kept) <= available


def room_beside(columns: Sequence[Column]) -> int:
    """Return the columns that a terminal has left for one cell beside these; in a pipe, any number."""
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
