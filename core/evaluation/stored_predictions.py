"""Tables of predictions on disk, read one unit at a time: memory holds the examples of one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import DataError
from core.evaluation.predictions import (
    UNIT,
    Predictions,
    joined,
    labels_of_columns,
    parse_table,
    read_predictions,
    require_same_labels,
    require_single,
    require_units,
)


class UnitPredictions(Protocol):
    """Predictions of units, in memory or on disk."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what is predicted."""
        ...

    @property
    def units(self) -> tuple[str, ...]:
        """Names of the units, sorted."""
        ...

    def of_unit(self, unit: str) -> Predictions:
        """Return the predictions of one unit."""
        ...

    def whole(self) -> Predictions:
        """Return the predictions of all units, in memory."""
        ...


class StoredPredictions:
    """Tables of predictions of different units, such as those of all folds.

    Args:
        paths: one or more files; of a unit, the row groups that hold it are read.

    Raises:
        DataError: one is missing, damaged or not a table of predictions; their labels or columns differ; or a
            unit is in two of them.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        heads = [parse_table(path, _Head) for path in self._paths]
        self.labels = labels_of_columns(heads[0].columns)
        """Names of what is predicted."""
        require_same_labels([labels_of_columns(head.columns) for head in heads])
        if any(head.columns != heads[0].columns for head in heads):
            raise DataError("predictions of the folds have other columns")
        require_single([[*head.units] for head in heads])
        self._places = {
            unit: (path, groups)
            for path, head in zip(self._paths, heads, strict=True)
            for unit, groups in head.units.items()
        }
        self.units = tuple(sorted(self._places))
        """Names of the units, sorted."""
        self.rows = {unit: count for head in heads for unit, count in head.rows.items()}
        """Unit → number of examples."""
        self.examples = sum(head.examples for head in heads)
        """Number of examples."""

    def of_unit(self, unit: str) -> Predictions:
        """Read the predictions of one unit."""
        return self.of_units([unit])

    def of_units(self, units: Sequence[str]) -> Predictions:
        """Read the predictions of some units; each row group that holds any of them is read once."""
        wanted = pa.array(units, pa.string())
        groups: dict[Path, set[int]] = {}
        for unit in units:
            path, own = self._places[unit]
            groups.setdefault(path, set()).update(own)

        def read(path: Path) -> Predictions:
            with pq.ParquetFile(path) as file:
                tables = [file.read_row_group(group) for group in sorted(groups[path])]
            kept = [table.filter(pc.is_in(_plain_units(table), wanted)) for table in tables]
            return Predictions.of(pa.concat_tables(kept))

        parts = [parse_table(path, read) for path in groups]
        return parts[0] if len(parts) == 1 else joined(parts)

    def batches(self, rows: int) -> Iterator[tuple[str, ...]]:
        """Yield all units in the order of the files, as many at a time as have about so many rows."""
        held: list[str] = []
        count = 0
        for unit in self._places:
            if held and count + self.rows[unit] > rows:
                yield tuple(held)
                held, count = [], 0
            held.append(unit)
            count += self.rows[unit]
        if held:
            yield tuple(held)

    def whole(self) -> Predictions:
        """Read the predictions of all units."""
        return joined([read_predictions(path) for path in self._paths])


def require_same_units(members: Sequence[UnitPredictions], names: Sequence[str]) -> None:
    """Check that predictions are of the same labels and units.

    Args:
        members: one or more.
        names: name of each in an error.

    Raises:
        DataError: they are not.
    """
    require_same_labels([member.labels for member in members])
    for name, member in zip(names[1:], members[1:], strict=True):
        require_units(set(members[0].units), set(member.units), (names[0], name))


class _Head:
    """What a file says of itself."""

    def __init__(self, path: Path) -> None:
        with pq.ParquetFile(path) as file:
            self.columns: list[str] = file.schema_arrow.names
            self.examples: int = file.metadata.num_rows
            labels_of_columns(self.columns)
            self.units: dict[str, list[int]] = {}
            """Unit → the row groups that hold it."""
            self.rows: dict[str, int] = {}
            for group in range(file.num_row_groups):
                column: pa.ChunkedArray = file.read_row_group(group, columns=[UNIT])[UNIT]
                for found in column.value_counts().to_pylist():
                    unit = str(found["values"])
                    self.units.setdefault(unit, []).append(group)
                    self.rows[unit] = self.rows.get(unit, 0) + int(found["counts"])


def _plain_units(table: pa.Table) -> pa.ChunkedArray:
    return table[UNIT].cast(pa.string())
