"""Recognised and confused classes: F1 of each class as bars, then one confusion matrix per side."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from mabe_tui.plotting.grid import PLAIN, Row, Segment, beside
from mabe_tui.plotting.matrix import (
    CELL_WIDTH,
    LABEL_WIDTH,
    CellContent,
    render_confusion,
    render_f1_bars,
)
from mabe_tui.runs.comparison.inspection import SideClasses
from mabe_tui.runs.format.untrusted_text import clean

GAP = 2
EMPTY = Row("", ())


def class_picture(
    sides: Sequence[SideClasses],
    width: int,
    *,
    lines: Sequence[int],
    cells: CellContent = "both",
    ascii_only: bool = False,
) -> list[Row]:
    """Draw the classes of several sides.

    Args:
        sides: the confusions of each side; a side without counts shows the reason in place of a matrix.
        width: characters per row; a matrix that is wider is not cut.
        lines: the line number of each side, which is the role of its bars.
        cells: content of the matrix cells.
        ascii_only: use ASCII characters only.
    """
    if not sides:
        return []
    rows = [*f1_rows(sides, width, lines, ascii_only), EMPTY]
    pictures = [_matrix(side, cells) for side in sides if side.counts]
    for start, stop in _flowed([len(rows[0].text) for rows in pictures], width):
        rows += [*reduce(lambda left, right: beside(left, right, GAP), pictures[start:stop]), EMPTY]
    return [*rows, *problem_rows(sides)]


def problem_rows(sides: Sequence[SideClasses]) -> list[Row]:
    """Name the sides that have nothing to show, and why."""
    return [_words(f"{clean(s.name)}: {clean(s.problem)}") for s in sides if s.problem]


def f1_rows(
    sides: Sequence[SideClasses],
    width: int,
    lines: Sequence[int],
    ascii_only: bool,
    worst_first: bool = False,
) -> list[Row]:
    """Draw the F1 of each class as bars, in the order of the classes or with the worst of any side first."""
    shown = [number for number, side in enumerate(sides) if side.scores]
    scores = [score for side in sides for score in side.scores]
    names = [*dict.fromkeys(score.name for score in scores)]
    if worst_first:
        names.sort(key=lambda name: min(score.f1 for score in scores if score.name == name))
    f1 = [{score.name: score.f1 for score in sides[number].scores} for number in shown]
    rows = render_f1_bars(
        [[known.get(name) for name in names] for known in f1],
        names,
        width,
        sides=[clean(sides[number].name) for number in shown],
        ascii_only=ascii_only,
    )
    return [_recoloured(row, [lines[number] for number in shown]) for row in rows]


def _matrix(side: SideClasses, cells: CellContent) -> tuple[Row, ...]:
    width = LABEL_WIDTH + CELL_WIDTH * len(side.classes)
    counts = np.array(side.counts)
    return render_confusion(counts, side.classes, width, title=clean(side.name), cells=cells)


def _flowed(widths: Sequence[int], width: int) -> list[tuple[int, int]]:
    """Return ``start, stop`` of the pictures in each row, at least one per row."""
    found, start, used = [], 0, 0
    for number, own in enumerate(widths):
        if number > start and used + own > width:
            found.append((start, number))
            start, used = number, 0
        used += own + GAP
    return [*found, (start, len(widths))] if widths else []


def _recoloured(row: Row, lines: Sequence[int]) -> Row:
    """Replace the number of a side by the role of its line."""
    return Row(
        row.text,
        tuple(
            Segment(s.start, s.stop, lines[s.role] if s.role >= 0 else s.role) for s in row.segments
        ),
    )


def _words(text: str) -> Row:
    return Row(text, (Segment(0, len(text), PLAIN),))
