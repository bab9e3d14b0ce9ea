"""Evaluation tables: the input of a comparison of two runs.

For its best and its last epoch, a run keeps the rows of :mod:`core.evaluation.rows`: ``unit, label, tp, fp,
fn``, and ``total, weight`` for tasks with a metric that is a mean. A task with mutually exclusive labels
keeps a confusion table beside them, with a row for each video × true class × predicted class. Runs of earlier
versions of this program have only the confusion table, in place of the rows; both readers accept either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.errors import DataError, first_line
from core.evaluation.frames import f1_macro
from core.evaluation.rows import COLUMNS, TOTAL, Rows

KEYS = ("unit", "label")
COUNTED, SUMMED = COLUMNS[:TOTAL], COLUMNS[TOTAL:]
"""Columns that every table of rows has, and optional ones."""
CONFUSION = ("video_id", "true_class", "predicted_class", "frames")
"""Columns of a confusion table; the first is the unit, whatever the task calls it."""


@dataclass(frozen=True, slots=True)
class Confusions:
    """Confusion counts of several videos."""

    videos: tuple[str, ...]
    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    """``(videos, classes, classes)``; rows are the truth."""

    def reordered(self, videos: Sequence[str]) -> "Confusions":
        """Return the same counts with the videos in another order."""
        position = {video: number for number, video in enumerate(self.videos)}
        return Confusions(tuple(videos), self.classes, self.counts[[position[v] for v in videos]])

    @property
    def rows(self) -> Rows:
        """Return the same counts as rows, without the confusions."""
        return Rows.from_confusions(self.videos, self.classes, self.counts)


def confusion_path(rows: Path) -> Path:
    """Return the path of the confusion table beside a table of rows."""
    return rows.with_name(f"{rows.stem}-confusion.parquet")


def rows_table(rows: Rows) -> pa.Table:
    """Return rows as a table, zeros included, units and labels in their order."""
    columns = COLUMNS if rows.counts[..., TOTAL:].any() else COUNTED
    table = {
        "unit": np.repeat(np.array(rows.units, dtype=object), len(rows.labels)),
        "label": np.tile(np.array(rows.labels, dtype=object), len(rows.units)),
    }
    flat = rows.counts.reshape(-1, len(COLUMNS))
    return pa.table(table | {name: flat[:, place] for place, name in enumerate(columns)})


def evaluation_table(confusions: Confusions) -> pa.Table:
    """Return confusion counts as a table, zeros included, videos and classes in their order.

    Each row also has the macro F1 of its video.
    """
    videos, classes = len(confusions.videos), len(confusions.classes)
    names = np.array(confusions.classes, dtype=object)
    return pa.table(
        {
            "video_id": np.repeat(np.array(confusions.videos, dtype=object), classes * classes),
            "true_class": np.tile(np.repeat(names, classes), videos),
            "predicted_class": np.tile(names, videos * classes),
            "frames": confusions.counts.reshape(-1).astype(np.int64),
            "f1_macro": np.repeat(f1_macro(confusions.counts), classes * classes),
        }
    )


def read_rows(path: Path) -> Rows:
    """Read a table of rows; reduce a confusion table to rows.

    Raises:
        DataError: missing, damaged, or neither kind of table.
    """
    return rows_of(_read(path), path)


def rows_of(table: pa.Table, where: Path | str) -> Rows:
    """Return the content of a table of rows, or a confusion table reduced to rows.

    Args:
        table: the table.
        where: its file, or what it is of, for errors.

    Raises:
        DataError: it is neither kind of table.
    """
    if not _is_rows(table):
        return confusions_of(table, where).rows
    (units, unit), (labels, label) = (_names(table, name, where) for name in KEYS)
    counts = np.zeros((len(units), len(labels), len(COLUMNS)))
    for place, name in enumerate(COLUMNS):
        if name in table.column_names or name in COUNTED:
            counts[unit, label, place] = _numbers(table, name, where)
    cells = len(units) * len(labels)
    if len(unit) != cells or len(np.unique(unit * len(labels) + label)) != cells:
        raise DataError(
            f"{where}: {len(unit)} rows are not one for each unit and label; evaluate again"
        )
    return Rows(units, labels, counts)


def read_confusions(path: Path) -> Confusions:
    """Read a confusion table: the one at a path, or the one beside the rows at that path.

    Raises:
        DataError: missing, damaged, or not a confusion table.
    """
    table = _read(path)
    if not _is_rows(table):
        return confusions_of(table, path)
    beside = confusion_path(path)
    return confusions_of(_read(beside), beside)


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: not there; no checkpoint of the run has been evaluated"
        ) from error
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: not an evaluation table ({first_line(error)})") from error


def _is_rows(table: pa.Table) -> bool:
    return all(name in table.column_names for name in KEYS)


def confusions_of(table: pa.Table, where: Path | str) -> Confusions:
    """Return the content of a confusion table; ``where`` is its file, or what it is of, for errors.

    Raises:
        DataError: it is no confusion table.
    """
    videos, _ = _names(table, CONFUSION[0], where)
    classes, _ = _names(table, CONFUSION[1], where)
    frames = _numbers(table, CONFUSION[3], where).astype(np.int64)
    if len(frames) != len(videos) * len(classes) ** 2:
        raise DataError(
            f"{where}: {len(frames)} rows are not videos × classes × classes; evaluate again"
        )
    return Confusions(videos, classes, frames.reshape(len(videos), len(classes), len(classes)))


def _names(
    table: pa.Table, name: str, where: Path | str
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the distinct values of a column in order of appearance, and the index of each row's value."""
    encoded = _column(table, name, where).combine_chunks().dictionary_encode()
    values = tuple(str(value) for value in encoded.dictionary.to_pylist())
    return values, encoded.indices.to_numpy().astype(np.int64)


def _numbers(table: pa.Table, name: str, where: Path | str) -> NDArray[np.float64]:
    try:
        return np.asarray(_column(table, name, where).to_numpy(), dtype=np.float64)
    except ValueError as error:
        raise DataError(
            f"{where}: not an evaluation table (column {name!r} holds no numbers)"
        ) from error


def _column(table: pa.Table, name: str, where: Path | str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise DataError(f"{where}: not an evaluation table (column {name!r} is missing)")
    column = table[name]
    if not len(column) or column.null_count:
        what = "has gaps" if len(column) else "is empty"
        raise DataError(f"{where}: not an evaluation table (column {name!r} {what})")
    return column
