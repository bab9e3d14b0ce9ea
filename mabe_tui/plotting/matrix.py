"""A confusion matrix and the F1 of each class, as rows of text with roles."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mabe_tui.plotting.grid import ALERT, AXIS, PLAIN, Grid, Row

CELL_WIDTH = 7
LABEL_WIDTH = 11
NOTABLE = 0.1
"""Share of a class's frames from which a confusion is marked."""
BLOCKS = " ▏▎▍▌▋▊▉█"
VALUE_WIDTH = 6
LEAST_BAR = 4
CellContent = Literal["both", "shares", "frames"]


def render_confusion(
    counts: NDArray[np.integer],
    names: Sequence[str],
    width: int,
    *,
    title: str = "",
    cells: CellContent = "both",
) -> tuple[Row, ...]:
    """Draw a confusion matrix: for each true class, its share in each predicted class above the frames.

    Shares are of the row, so the diagonal is the recall; ``!`` marks confusions from
    :data:`NOTABLE` on. Four classes are 39 characters wide, so two matrices fit 80 columns.

    Args:
        counts: ``(classes, classes)`` frames, rows the truth.
        names: classes by index; the role of the diagonal is the class's index.
        width: characters per row. If it is too small, names and cells are cut.
        title: text above the matrix.
        cells: shares of the row above frames, or one of the two, in half as many rows.

    Raises:
        ValueError: the matrix is not square, or its size is not the number of names.
    """
    size = len(names)
    if counts.shape != (size, size):
        raise ValueError(f"a {counts.shape} confusion matrix for {size} class names")
    tall = 2 if cells == "both" else 1
    grid = Grid(tall * size + 2, width)
    grid.put(0, 0, title)
    grid.put(1, 0, "true as", AXIS)
    cell = min(CELL_WIDTH, max((width - LABEL_WIDTH) // max(size, 1), 1))
    totals = counts.sum(axis=1)
    for column, name in enumerate(names):
        grid.put(1, LABEL_WIDTH + column * cell, name[: cell - 1].rjust(cell), column)
    for row, name in enumerate(names):
        top = tall * row + 2
        grid.put(top, 0, name[: LABEL_WIDTH - 1], row)
        for column in range(size):
            frames, left = int(counts[row, column]), LABEL_WIDTH + column * cell
            share = frames / totals[row] if totals[row] else None
            role = _cell_role(row, column, share)
            text = compact(frames) if cells == "frames" else percent(share)
            grid.put(top, left, (text + ("!" if role == ALERT else "")).rjust(cell), role)
            if cells == "both":
                grid.put(top + 1, left, compact(frames).rjust(cell), AXIS)
    return grid.rows()


def render_f1_bars(
    f1: Sequence[Sequence[float | None]],
    names: Sequence[str],
    width: int,
    *,
    sides: Sequence[str] = (),
    ascii_only: bool = False,
) -> tuple[Row, ...]:
    """Draw the F1 of each class as bars, those of several sides below each other.

    Args:
        f1: a list for each side, with a value for each class; None if unknown.
        names: classes by index.
        width: characters per row.
        sides: names of the sides; a side's index is the role of its bars.
        ascii_only: use ASCII characters only.

    Raises:
        ValueError: a side does not have one value per class.
    """
    if any(len(values) != len(names) for values in f1):
        raise ValueError(f"each side needs {len(names)} values, one a class")
    grid = Grid(len(f1) * len(names), width)
    left = min(max((len(name) for name in names), default=0), width // 4) + 1
    label = min(max((len(side) for side in sides), default=-1), width // 4) + 1
    room = max(width - left - label - VALUE_WIDTH, LEAST_BAR)
    for place, name in enumerate(names):
        grid.put(place * len(f1), 0, name[: left - 1])
        for side, values in enumerate(f1):
            row, value = place * len(f1) + side, values[place]
            if side < len(sides):
                grid.put(row, left, sides[side][: label - 1], side)
            shown = "-" if value is None else f"{value:.3f}"
            grid.put(row, left + label, shown, side)
            grid.put(row, left + label + VALUE_WIDTH, _bar(value or 0.0, room, ascii_only), side)
    return grid.rows()


def _cell_role(row: int, column: int, share: float | None) -> int:
    if row == column:
        return row
    if share is not None and share >= NOTABLE:
        return ALERT
    return PLAIN if share else AXIS


def percent(share: float | None) -> str:
    """Format as percent without decimals; only 0 is shown as 0, and only 1 as 100."""
    if share is None:
        return "-"
    if 0 < share < 0.01:
        return "<1%"
    return f"{min(round(100 * share), 99 if share < 1 else 100)}%"


def compact(frames: int) -> str:
    """Format a count with at most six characters: 1,234, 12.3k, 4.56M."""
    if frames < 10_000:
        return f"{frames:,}"
    if frames < 999_500:
        return f"{frames / 1e3:.1f}k" if frames < 99_950 else f"{frames / 1e3:.0f}k"
    return f"{frames / 1e6:.2f}M" if frames < 99_995_000 else f"{frames / 1e6:.0f}M"


def _bar(value: float, room: int, ascii_only: bool) -> str:
    value = min(max(value, 0.0), 1.0)
    if ascii_only:
        return "#" * round(value * room)
    eighths = round(value * room * 8)
    return BLOCKS[8] * (eighths // 8) + (BLOCKS[eighths % 8] if eighths % 8 else "")
