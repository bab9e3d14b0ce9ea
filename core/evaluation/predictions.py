"""Predictions of validation examples: the input of an ensemble of runs.

A run that keeps them has ``evaluation/predictions.parquet``, with a row per example: its ``unit`` (a video,
say), its key within the unit (a frame), its true label, and ``probability/<label>`` of each
label. The tables of runs that validate on different folds join to one over all units: the out-of-fold
predictions.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.errors import DataError, first_line

Parsed = TypeVar("Parsed")

UNIT = "unit"
PROBABILITY = "probability/"
"""Prefix of the column of each label's probability."""
LABEL = "label/"
"""Prefix of the column of each label's truth, where several labels may hold at once."""
FRAME, AGENT, TARGET = "frame", "agent", "target"
RATE = "frames_per_second"
"""Column of the frame rate of the video."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions of the examples of several units, in the order of ``examples``."""

    examples: pa.Table
    """``unit``, the key within the unit, and the true label; sorted by all of them."""
    labels: tuple[str, ...]
    probabilities: NDArray[np.float32]
    """``(examples, labels)``."""

    @classmethod
    def of(cls, table: pa.Table) -> "Predictions":
        """Return predictions from rows in any order.

        Raises:
            ValueError: a column is missing or has the wrong type.
        """
        labels = labels_of_columns(table.column_names)
        heads = [PROBABILITY + label for label in labels]
        keys = _plain(table.drop_columns(heads))
        order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])
        places = order.to_numpy()
        values = np.empty((len(places), len(heads)), np.float32)
        for column, name in enumerate(heads):  # one at a time: there may be many, of many examples
            values[:, column] = table[name].to_numpy()[places]
        return cls(keys.take(order), labels, values)

    @property
    def units(self) -> tuple[str, ...]:
        """Names of the units, sorted."""
        return tuple(sorted(map(str, pc.unique(self.examples[UNIT]).to_pylist())))

    def of_unit(self, unit: str) -> "Predictions":
        """Return the predictions of one unit."""
        chosen = pc.equal(self.examples[UNIT], unit)
        values = self.probabilities[chosen.to_numpy()]
        return Predictions(self.examples.filter(chosen), self.labels, values)

    def whole(self) -> "Predictions":
        """Return the predictions of all units: these."""
        return self

    def table(self) -> pa.Table:
        """Return a table with a row for each example."""
        table = self.examples
        for place, label in enumerate(self.labels):
            column = pa.array(np.ascontiguousarray(self.probabilities[:, place]))
            table = table.append_column(PROBABILITY + label, column)
        return table


def _plain(keys: pa.Table) -> pa.Table:
    """Return the columns without dictionary encoding, so that they can be compared and sorted."""
    for place, field in enumerate(keys.schema):
        if pa.types.is_dictionary(field.type):
            column = keys[field.name].cast(field.type.value_type)
            keys = keys.set_column(place, field.name, column)
    return keys.combine_chunks()


def labels_of_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that a table of predictions has.

    Raises:
        ValueError: a column is missing.
    """
    heads = [name for name in columns if name.startswith(PROBABILITY)]
    if not heads or UNIT not in columns:
        raise ValueError(f"column {PROBABILITY if not heads else UNIT!r} is missing")
    return tuple(head.removeprefix(PROBABILITY) for head in heads)


def read_predictions(path: Path) -> Predictions:
    """Read a table of predictions.

    Raises:
        DataError: missing, damaged, or not a table of predictions.
    """
    return parse_table(path, lambda path: Predictions.of(pq.read_table(path)))


def parse_table(path: Path, parse: Callable[[Path], Parsed]) -> Parsed:
    """Read a table of predictions in some way.

    Raises:
        DataError: missing, damaged, or not a table of predictions.
    """
    try:
        return parse(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: not there") from error
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a table of predictions ({first_line(error)})") from error


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Join predictions of different units, such as those of all folds.

    Raises:
        DataError: their labels or columns differ, or a unit is in two of them.
    """
    require_same_labels([part.labels for part in parts])
    require_single([part.units for part in parts])
    try:
        table = pa.concat_tables([part.table() for part in parts])
    except pa.ArrowException as error:
        raise DataError(f"predictions of the folds have other columns ({error})") from error
    return Predictions.of(table)


def mean_of(members: Sequence[Predictions], names: Sequence[str]) -> Predictions:
    """Average the probabilities of several predictions of the same examples.

    The mean is taken in float64: the mean of equal probabilities is exactly their value. NaN stays NaN.

    Args:
        members: one or more.
        names: name of each member in an error.

    Raises:
        DataError: their labels, units, examples or true labels differ.
    """
    require_same_examples(members, names)
    labels, first = members[0].labels, members[0]
    mean = np.empty(first.probabilities.shape, np.float32)
    for column in range(len(labels)):
        total = np.zeros(len(mean))
        for member in members:
            total += member.probabilities[:, column]
        mean[:, column] = total / len(members)
    return Predictions(first.examples, labels, mean)


def require_same_examples(members: Sequence[Predictions], names: Sequence[str]) -> None:
    """Check that several predictions are of the same labels and examples.

    Args:
        members: one or more.
        names: name of each in an error.

    Raises:
        DataError: their labels, units, examples or true labels differ.
    """
    require_same_labels([member.labels for member in members])
    for name, member in zip(names[1:], members[1:], strict=True):
        _require_alike(members[0], member, (names[0], name))


def require_same_labels(labels: Sequence[tuple[str, ...]]) -> None:
    """Check that several predictions are of the same labels.

    Raises:
        DataError: they are not.
    """
    for other in labels[1:]:
        if other != labels[0]:
            raise DataError(
                f"they do not predict the same labels ({', '.join(labels[0])}; {', '.join(other)})"
            )


def require_single(units: Sequence[Sequence[str]]) -> None:
    """Check that no unit is in two of several predictions.

    Raises:
        DataError: one is.
    """
    counts = Counter(unit for part in units for unit in part)
    if twice := [unit for unit, count in counts.items() if count > 1]:
        raise DataError(f"{twice[0]} is predicted in two of the folds; each unit is in one fold")


def require_units(units: set[str], others: set[str], names: tuple[str, str]) -> None:
    """Check that two predictions are of the same units.

    Raises:
        DataError: they are not; says by how many they differ.
    """
    if units != others:
        raise DataError(
            f"their validation sets differ ({names[0]}: {len(units)} units, {names[1]}: {len(others)},"
            f" {len(units & others)} in common); members of an ensemble are validated on the same units:"
            " give them the same data, data.split_seed and folds"
        )


def _require_alike(one: Predictions, other: Predictions, names: tuple[str, str]) -> None:
    if one.examples.equals(other.examples):
        return
    require_units(set(one.units), set(other.units), names)
    raise DataError(
        f"{names[0]} and {names[1]} were scored on other examples or labels of the same units; run both"
        " on the same data"
    )
