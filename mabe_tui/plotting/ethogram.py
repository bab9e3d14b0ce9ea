"""An ethogram: the true class of each frame above the predicted one, compressed to the available width."""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mabe_tui.plotting.grid import ALERT, AXIS, CURSOR, Grid, Row

Classes = NDArray[np.integer]
Edges = NDArray[np.intp]

BACKGROUND = 0
LEVELS = (" ▁▂▃▄▅▆▇█", " .:-=+*#@")
"""Bars for shares from none to all, in Unicode and in ASCII."""
TRUTH, MODEL, ERRORS = "truth", "model", "errors"
LONGEST_LABEL = 5
CLASS_COLUMN = 6
NAME_WIDTH = 10
LABEL_WIDTH = NAME_WIDTH + 7
"""Width of the labels: the same for all strips, so that they align."""


@dataclass(frozen=True, eq=False)
class Ethogram:
    """An ethogram of one video. Keep the object: redrawing it (zoom, cursor, resize) is fast.

    ``truth`` and ``prediction`` are ``(frames,)`` class indices, ``names`` the classes by index; class
    0 is the background. Each class has its own glyph as well as its role, which is its index.
    Without a prediction, its row and that of the errors stay empty. ``other`` is the prediction of another
    model, drawn in a row of its own below the first.

    Raises:
        ValueError: there are no frames, or the two differ in length.
    """

    truth: Classes
    prediction: Classes | None
    names: Sequence[str]
    other: Classes | None = None
    labels: tuple[str, str] = (MODEL, "other")
    """Names of the two models; five letters fit."""

    def __post_init__(self) -> None:
        for predicted in (self.prediction, self.other):
            if not self.truth.size or (
                predicted is not None and predicted.shape != self.truth.shape
            ):
                shape = None if predicted is None else predicted.shape
                raise ValueError(f"{self.truth.shape} true classes, {shape} predicted")

    @property
    def class_rows(self) -> int:
        """Number of rows that show classes: truth, and one or two models."""
        return 2 if self.other is None else 3

    @property
    def rows(self) -> int:
        """Number of rows that are drawn."""
        return self.class_rows + 2

    @property
    def frames(self) -> int:
        """Number of frames of the video."""
        return len(self.truth)

    @cached_property
    def _class_sums(self) -> tuple[NDArray[np.int32], ...]:
        """Frames of each class before each frame, for each of the known rows."""
        of = np.arange(len(self.names))
        return tuple(_before_each(side[:, None] == of) for side in self._sides.values())

    @cached_property
    def _error_sums(self) -> NDArray[np.int32] | None:
        """``(frames + 1, 1)``: wrong frames before each frame."""
        if self.prediction is None:
            return None
        return _before_each((self.truth != self.prediction)[:, None])

    @property
    def _sides(self) -> dict[int, Classes]:
        """Row → the classes drawn there, as far as they are known."""
        sides = (self.truth, self.prediction, self.other)
        return {row: side for row, side in enumerate(sides) if side is not None}

    def render(
        self,
        width: int,
        *,
        first: int = 0,
        stop: int | None = None,
        cursor: int | None = None,
        ascii_only: bool = False,
    ) -> tuple[Row, ...]:
        """Draw truth, prediction, share of errors and a frame axis: :attr:`rows` rows.

        A column covers one frame or several. It shows the class that most of its frames have, and the
        background only if there is nothing else, so that no bout vanishes, however short. The
        errors are the share of wrong frames in the column, as the height of a bar. The classes at the
        cursor are written beside the labels.

        Args:
            width: characters per row, more than :data:`LABEL_WIDTH`.
            first: first frame shown.
            stop: the frame after the last shown; by default, the video's end.
            cursor: a frame to mark.
            ascii_only: use ASCII characters only.

        Raises:
            ValueError: no room, or no frames from ``first`` to ``stop``.
        """
        edges = column_edges(width - LABEL_WIDTH, first, self.frames if stop is None else stop)
        if edges[-1] > self.frames:
            raise ValueError(f"frames {first} … {stop} of a video of {self.frames}")
        grid, below = Grid(self.rows, width), self.class_rows
        glyphs = np.array([ord(glyph) for glyph in class_glyphs(self.names)], np.uint32)
        models = [label[:LONGEST_LABEL] for label in self.labels[: below - 1]]
        for row, label in enumerate((TRUTH, *models, ERRORS)):
            grid.put(row, 0, label, AXIS)
        for (row, side), sums in zip(self._sides.items(), self._class_sums, strict=True):
            shown = _prevailing(_per_column(sums, edges))
            _fill(grid, row, glyphs[shown], shown)
            if cursor is not None:
                at = int(side[cursor])
                grid.put(row, CLASS_COLUMN, self.names[at][:NAME_WIDTH], at)
        if self._error_sums is not None:
            share = _per_column(self._error_sums, edges)[:, 0] / (_stops(edges) - edges[:-1])
            _fill(grid, below, level_codes(share, ascii_only), np.full(len(share), ALERT))
        _write_axis(grid, below + 1, edges, cursor, ascii_only)
        return grid.rows()


def class_glyphs(names: Sequence[str]) -> list[str]:
    """Return a letter for each class: from its name if one is free, and a dot for the background."""
    taken = ["."]
    for name in names[1:]:
        candidates = [
            c for c in name.upper() + string.ascii_uppercase + string.digits if c.isalnum()
        ]
        taken.append(next((c for c in candidates if c not in taken), "?"))
    return taken[: len(names)]


def class_legend(names: Sequence[str], width: int) -> tuple[Row, ...]:
    """Return a key of glyphs and classes, in as many rows as it takes."""
    rows, column = [Grid(1, width)], 0
    for index, (glyph, name) in enumerate(zip(class_glyphs(names), names, strict=True)):
        text = f"{glyph} {name}"
        if column and column + len(text) > width:
            rows, column = [*rows, Grid(1, width)], 0
        rows[-1].put(0, column, text, index)
        column += len(text) + 3
    return tuple(row for grid in rows for row in grid.rows())


def render_probabilities(
    probabilities: NDArray[np.floating],
    names: Sequence[str],
    width: int,
    *,
    first: int = 0,
    stop: int | None = None,
    cursor: int | None = None,
    ascii_only: bool = False,
) -> tuple[Row, ...]:
    """Draw the course of each class's probability as bars, one row per class, with the value at the cursor.

    Args:
        probabilities: ``(frames, classes)``.
        names: classes by index, which is the role of their row.
        width: characters per row, more than :data:`LABEL_WIDTH`.
        first: first frame shown; a column shows the maximum over its frames.
        stop: the frame after the last shown; by default, the video's end.
        cursor: the frame whose values are written out.
        ascii_only: use ASCII characters only.

    Raises:
        ValueError: no room, or no frames from ``first`` to ``stop``.
    """
    edges = column_edges(width - LABEL_WIDTH, first, len(probabilities) if stop is None else stop)
    shown = probabilities[edges[0] : edges[-1]]
    grid = Grid(len(names), width)
    for index, name in enumerate(names):
        most = np.maximum.reduceat(shown[:, index], edges[:-1] - edges[0])
        _fill(grid, index, level_codes(most, ascii_only), np.full(len(most), index))
        grid.put(index, 0, name[:NAME_WIDTH], index)
        if cursor is not None:
            grid.put(index, NAME_WIDTH + 1, f"{probabilities[cursor, index]:.2f}", index)
    return grid.rows()


def column_edges(columns: int, first: int, stop: int) -> Edges:
    """Divide frames among columns: ``(columns + 1,)``, where column c begins at the frame ``edges[c]``.

    If there are fewer frames than columns, neighbours show the same frame.

    Raises:
        ValueError: no columns, or no frames.
    """
    if columns < 1 or not 0 <= first < stop:
        raise ValueError(f"frames {first} … {stop} cannot be shown in {columns} columns")
    return first + np.arange(columns + 1, dtype=np.intp) * (stop - first) // columns


def column_of(edges: Edges, frame: int) -> int | None:
    """Return the first column that shows a frame, or None if it is out of sight."""
    if not edges[0] <= frame < edges[-1]:
        return None
    column = int(np.searchsorted(edges, frame, side="right")) - 1
    return int(np.searchsorted(edges, edges[column]))


def level_codes(share: NDArray[np.floating], ascii_only: bool) -> NDArray[np.uint32]:
    """Return the characters of values from 0 to 1; only 0 is blank, so that nothing small vanishes."""
    levels = np.array([ord(character) for character in LEVELS[ascii_only]], np.uint32)
    places = np.ceil(np.nan_to_num(share) * (len(levels) - 1) - 1e-6).astype(np.intp)
    codes: NDArray[np.uint32] = levels[np.clip(places, 0, len(levels) - 1)]
    return codes


def _stops(edges: Edges) -> Edges:
    return np.maximum(edges[1:], edges[:-1] + 1)


def _per_column(sums: NDArray[np.int32], edges: Edges) -> NDArray[np.int32]:
    counted: NDArray[np.int32] = sums[_stops(edges)] - sums[edges[:-1]]
    return counted


def _prevailing(counts: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the most common class of ``(columns, classes)`` counts, the background only if alone."""
    if counts.shape[1] == 1:
        return np.zeros(len(counts), np.intp)
    behaviours = counts[:, BACKGROUND + 1 :]
    return np.where(behaviours.any(axis=1), behaviours.argmax(axis=1) + BACKGROUND + 1, BACKGROUND)


def _before_each(table: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return cumulative counts, ``(frames, columns)`` → ``(frames + 1, columns)``, before each frame."""
    return np.pad(table.cumsum(axis=0, dtype=np.int32), ((1, 0), (0, 0)))


def _fill(grid: Grid, row: int, codes: NDArray[np.uint32], roles: NDArray[np.intp]) -> None:
    grid.codes[row, LABEL_WIDTH:] = codes
    grid.roles[row, LABEL_WIDTH:] = roles


def _write_axis(grid: Grid, row: int, edges: Edges, cursor: int | None, ascii_only: bool) -> None:
    """Write the first and last frame at the ends and the cursor's between them, if there is room."""
    grid.put(row, 0, "frame", AXIS)
    last = str(edges[-1] - 1)
    grid.put(row, LABEL_WIDTH, str(edges[0]), AXIS)
    grid.put(row, grid.width - len(last), last, AXIS)
    column = None if cursor is None else column_of(edges, cursor)
    if column is None:
        return
    mark, text = "^" if ascii_only else "▲", str(cursor)
    at = LABEL_WIDTH + column
    before = at + 1 + len(text) > grid.width
    grid.put(
        row,
        at - len(text) if before else at,
        f"{text}{mark}" if before else f"{mark}{text}",
        CURSOR,
    )
