"""Classes of several sides as two lists, worst first, for tasks with too many classes for a matrix."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mabe_tui.plotting.grid import AXIS, Grid, Row, beside
from mabe_tui.plotting.matrix import CellContent, compact, percent
from mabe_tui.runs.comparison.class_picture import EMPTY, GAP, f1_rows, problem_rows
from mabe_tui.runs.comparison.confusions import Confusion, confusions
from mabe_tui.runs.comparison.inspection import SideClasses
from mabe_tui.runs.format.untrusted_text import clean

MOST_IN_MATRIX = 8
"""Classes of the largest matrix that fits in 80 columns, with room for a frame."""
TITLE = "worst confusions"
MOST = 40
"""Maximum number of confusions in the list."""
LONGEST_NAME = 18
LEAST_BARS = 44
"""Columns needed to draw bars beside the list; otherwise they are drawn below it."""


class _Column(NamedTuple):
    label: str
    width: int


COUNT = _Column("", 8)
"""Heading of the count column, by what is counted."""
SHARES = (_Column("of true", 9), _Column("of pred.", 10))


def has_many_classes(sides: Sequence[SideClasses]) -> bool:
    """Return whether a matrix of any side is too large to be seen at once."""
    return any(len(side.counts) > MOST_IN_MATRIX for side in sides)


def class_list(
    sides: Sequence[SideClasses],
    width: int,
    *,
    lines: Sequence[int],
    cells: CellContent = "both",
    ascii_only: bool = False,
) -> list[Row]:
    """List the worst confusions of any side and the F1 of each class, side by side if there is room.

    Takes the arguments of :func:`~mabe_tui.runs.comparison.class_picture.class_picture`.
    """
    listed = _confusions(sides, lines, cells, ascii_only)
    taken = len(listed[0].text) + GAP if listed else 0
    room = width - taken
    if room >= LEAST_BARS:
        bars = f1_rows(sides, room, lines, ascii_only, worst_first=True)
        both = [*beside(listed, bars, GAP)] if listed else bars
    else:
        bars = f1_rows(sides, width, lines, ascii_only, worst_first=True)
        both = [*listed, EMPTY, *bars]
    return [*both, EMPTY, *problem_rows(sides)]


def _confusions(
    sides: Sequence[SideClasses], lines: Sequence[int], cells: CellContent, ascii_only: bool
) -> list[Row]:
    """Return a row for each of the worst confusions, with the figures of each side."""
    known = [(side, line) for side, line in zip(sides, lines, strict=True) if side.counts]
    tables = [
        {(c.truth, c.predicted): c for c in confusions(side.classes, np.array(side.counts))}
        for side, _ in known
    ]
    pairs = _worst(tables)
    if not pairs:
        return []
    columns = {"both": (COUNT, *SHARES), "shares": SHARES, "frames": (COUNT,)}[cells]
    names = [_arrow(*pair, ascii_only) for pair in pairs]
    left, block = max(map(len, [TITLE, *names])), sum(column.width for column in columns)
    grid = Grid(len(pairs) + 2, left + block * len(known))
    grid.put(0, 0, TITLE)
    grid.put(1, 0, "true as", AXIS)
    for row, name in enumerate(names, start=2):
        grid.put(row, 0, name)
    for number, ((side, line), table) in enumerate(zip(known, tables, strict=True)):
        at = left + number * block
        grid.put(0, at, clean(side.name)[: block - 1].rjust(block), line)
        grid.put(1, at, _head(columns, clean(side.examples)), AXIS)
        for row, pair in enumerate(pairs, start=2):
            grid.put(row, at, _words(table.get(pair), columns))
    return [*grid.rows()]


def _worst(tables: Sequence[dict[tuple[str, str], Confusion]]) -> list[tuple[str, str]]:
    """Return the most harmful confusions of any side."""
    harms: dict[tuple[str, str], float] = {}
    for table in tables:
        for pair, one in table.items():
            harms[pair] = max(harms.get(pair, 0.0), one.harm)
    return sorted(harms, key=lambda pair: -harms[pair])[:MOST]


def _arrow(truth: str, predicted: str, ascii_only: bool) -> str:
    names = [clean(name)[:LONGEST_NAME] for name in (truth, predicted)]
    return (" -> " if ascii_only else " → ").join(names)


def _head(columns: Sequence[_Column], examples: str) -> str:
    labels = [(column.label or examples)[: column.width - 1] for column in columns]
    return "".join(label.rjust(column.width) for label, column in zip(labels, columns, strict=True))


def _words(one: Confusion | None, columns: Sequence[_Column]) -> str:
    frames, of_truth, of_predicted = (
        (one.frames, one.of_truth, one.of_predicted) if one is not None else (0, 0.0, 0.0)
    )
    words = {
        COUNT: compact(frames),
        SHARES[0]: percent(of_truth),
        SHARES[1]: percent(of_predicted),
    }
    return "".join(words[column].rjust(column.width) for column in columns)
