"""Tables with one column for each coordinate: their columns → individuals × parts, their values → tracks."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.data.importers.recording import Floats, Tracks
from core.data.tracking import MAX_CELLS
from core.errors import DataError

ALONE = "animal"
"""The individual of a file that names none."""
SIDES = frozenset(
    {"left", "right", "l", "r", "upper", "lower", "front", "back", "mid", "tail", "ear"}
)
"""Beginnings and ends of names that are parts of a body, not individuals."""
LIKELIHOODS = ("likelihood", "p", "confidence", "score", "prob")
NO_COLUMN = -1


class NamedColumn(NamedTuple):
    """What a column holds."""

    individual: str
    part: str
    coordinate: str


@dataclass(frozen=True, slots=True)
class PointColumns:
    """Where each coordinate of each point is; −1 for a column that is not there."""

    individuals: tuple[str, ...]
    parts: tuple[str, ...]
    places: npt.NDArray[np.int64]
    """``(individuals, parts, 3)`` column numbers of x, y and likelihood."""
    notes: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[int, ...]:
        """Return the columns that are needed, in ascending order."""
        return tuple(sorted({*self.places.ravel().tolist()} - {NO_COLUMN}))


def arrange(columns: Sequence[NamedColumn], path: Path) -> PointColumns:
    """Find each point's coordinates among a table's columns.

    Raises:
        DataError: a column occurs twice, or a point has x without y.
    """
    individuals = tuple(dict.fromkeys(column.individual for column in columns))
    parts = tuple(dict.fromkeys(column.part for column in columns))
    places = np.full((len(individuals), len(parts), 3), NO_COLUMN, np.int64)
    ignored: Counter[str] = Counter()
    for number, (individual, part, coordinate) in enumerate(columns):
        axis = _axis(coordinate)
        if axis is None:
            ignored[coordinate] += 1
            continue
        cell = individuals.index(individual), parts.index(part), axis
        if places[cell] != NO_COLUMN:
            raise DataError(
                f"{path}: two columns hold {coordinate!r} of {part!r} of {individual!r}; rename one"
            )
        places[cell] = number
    tracked = places[..., :2] != NO_COLUMN
    if (half := tracked.any(axis=-1) & ~tracked.all(axis=-1)).any():
        who, what = (int(each[0]) for each in np.nonzero(half))
        raise DataError(f"{path}: {parts[what]!r} of {individuals[who]!r} has only one of x and y")
    if not tracked.any():
        raise DataError(f"{path}: no column holds x or y of a body part")
    notes = []
    if not (places[..., 2] != NO_COLUMN).any():
        notes.append("no column of likelihoods, so no point is left out for a small one")
    if ignored:
        names = ", ".join(f"{name} ({count})" for name, count in ignored.most_common(6))
        notes.append(f"columns that are neither x, y nor likelihood are not read: {names}")
    return _by_name(PointColumns(individuals, parts, places, tuple(notes)))


def _axis(coordinate: str) -> int | None:
    name = coordinate.lower()
    if name in ("x", "y"):
        return ("x", "y").index(name)
    return 2 if name in LIKELIHOODS else None


def _by_name(found: PointColumns) -> PointColumns:
    """Divide the parts of one individual by a prefix or suffix that makes them several animals' parts."""
    if len(found.individuals) > 1:
        return found
    for where, cut in (("first", _before), ("last", _after)):
        halves = [cut(part) for part in found.parts]
        animals = tuple(dict.fromkeys(animal for animal, _ in halves))
        parts = tuple(dict.fromkeys(part for _, part in halves))
        is_grid = len(set(halves)) == len(halves) == len(animals) * len(parts)
        if len(animals) < 2 or not is_grid or {a.lower() for a in animals} & {*SIDES, ""}:
            continue
        places = np.full((len(animals), len(parts), 3), NO_COLUMN, np.int64)
        for number, (animal, part) in enumerate(halves):
            places[animals.index(animal), parts.index(part)] = found.places[0, number]
        words = f"individuals by the {where} word of the body parts: {', '.join(animals)}"
        return PointColumns(animals, parts, places, (*found.notes, words))
    return found


def _before(part: str) -> tuple[str, str]:
    animal, _, rest = part.partition("_")
    return (animal, rest) if rest else ("", part)


def _after(part: str) -> tuple[str, str]:
    rest, _, animal = part.rpartition("_")
    return (animal, rest) if rest else ("", part)


def tracks_of(
    frame: npt.NDArray[np.float64],
    value: Callable[[int], Floats],
    arrangement: PointColumns,
    path: Path,
) -> Tracks:
    """Arrange the values of a table by frame, individual and part.

    Args:
        frame: ``(rows,)`` frame number of each row.
        value: returns a column by its number, ``(rows,)``, NaN where empty.
        arrangement: where each coordinate is.
        path: for errors.

    Raises:
        DataError: frame numbers that are not whole, negative, repeated, or far too large.
    """
    row = _rows_of_frames(frame, path, arrangement.places.size)
    shape = (len(row), *arrangement.places.shape[:2])
    positions = np.full((*shape, 2), np.nan, np.float32)
    likelihood = np.full(shape, np.nan, np.float32)
    in_order = bool((row == np.arange(len(row))).all()) and len(row) == len(frame)
    known = row >= 0
    for (who, what), (x, y, sure) in zip(
        np.ndindex(*shape[1:]), arrangement.places.reshape(-1, 3).tolist(), strict=True
    ):
        for number, target in (
            (x, positions[:, who, what, 0]),
            (y, positions[:, who, what, 1]),
            (sure, likelihood[:, who, what]),
        ):
            if number == NO_COLUMN:
                continue
            column = value(number)
            if in_order:
                target[:] = column
            else:
                target[known] = column[row[known]]
    has_likelihood = bool((arrangement.places[..., 2] != NO_COLUMN).any())
    return Tracks(positions, likelihood if has_likelihood else None)


def _rows_of_frames(
    frame: npt.NDArray[np.float64], path: Path, columns: int
) -> npt.NDArray[np.int64]:
    """Return the row of each frame from 0, −1 for a frame without a row."""
    if not len(frame):
        raise DataError(f"{path}: no frame could be read: there is nothing below the header")
    whole = np.isfinite(frame) & (frame == np.floor(frame)) & (frame >= 0)
    if not whole.all():
        row = int(np.flatnonzero(~whole)[0])
        raise DataError(
            f"{path}: {frame[row]:g} in row {row} is no frame number; they are whole and count from 0"
        )
    last = int(frame.max())
    if (last + 1) * max(columns, 1) > MAX_CELLS * 3:
        raise DataError(f"{path}: frame number {last} is too large; are these times or file names?")
    number = frame.astype(np.int64)
    rows = np.full(last + 1, -1, np.int64)
    rows[number] = np.arange(len(number))
    if np.count_nonzero(rows >= 0) < len(number):
        values, counts = np.unique(number, return_counts=True)
        raise DataError(
            f"{path}: frame {int(values[counts > 1][0])} occurs twice; are these two videos in one file?"
        )
    return rows
