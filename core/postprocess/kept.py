"""Kept predictions of runs as sequences to fit rules on.

Two layouts are known. Actions of pairs: ``unit, agent, target, frame``, ``frames_per_second`` if it was kept,
and for each action ``label/ACTION`` (1, 0, or −1 where it is not annotated) and ``probability/ACTION``.
Classes that exclude one another: ``unit, frame, label`` and ``probability/CLASS``, the first class the
background. A file is read one unit at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import DataError, first_line
from core.evaluation.predictions import AGENT, FRAME, LABEL, PROBABILITY, RATE, TARGET, UNIT
from core.postprocess.sequences import KeptSequence, folds_for

CLASS = "label"
"""Column of the true class, where classes exclude one another."""
BATCH_ROWS = 131_072
ANNOTATED = 0
"""Least value of ``label/ACTION`` where the action was annotated."""


@dataclass(frozen=True, slots=True)
class _KeptFile:
    """One table of predictions."""

    path: Path
    names: tuple[str, ...]
    """Of the labels."""
    of_pairs: bool
    units: tuple[str, ...]
    """In the order of the file, each once."""
    together: bool
    """Whether the rows of each unit follow one another."""


class KeptPredictions:
    """The predictions that one run, or the runs of all folds, kept; iterated, they are sequences.

    Args:
        paths: of one run, or of each fold in order. With one alone, its units are distributed over folds.
        rates: unit → frames per second, for tables without that column; without either, times are counted
            in frames.

    Raises:
        DataError: a table is missing, damaged or of another kind, or the labels differ.
    """

    def __init__(self, paths: Sequence[Path], rates: Mapping[str, float] | None = None) -> None:
        self._files = [_opened(path) for path in paths]
        self._rates = rates or {}
        first = self._files[0]
        for each in self._files[1:]:
            if (each.names, each.of_pairs) != (first.names, first.of_pairs):
                raise DataError(f"{each.path} and {first.path} predict different labels")
        self.units = tuple(unit for each in self._files for unit in each.units)
        if len(paths) > 1:
            folds = [(unit, fold) for fold, each in enumerate(self._files) for unit in each.units]
            if len(dict(folds)) < len(folds):
                twice = next(unit for unit in self.units if self.units.count(unit) > 1)
                raise DataError(f"{twice} is predicted in two of the folds; each unit is in one")
            self._fold = dict(folds)
        else:
            self._fold = folds_for(self.units)

    def units_of(self, path: Path) -> tuple[str, ...]:
        """Return the units of one of the tables."""
        return next(each.units for each in self._files if each.path == path)

    def __iter__(self) -> Iterator[KeptSequence]:
        """Read all sequences, one unit at a time.

        Raises:
            DataError: a table is damaged, or a frame comes twice.
        """
        for file in self._files:
            for unit, table in _by_unit(file):
                sequences = self._pairs if file.of_pairs else self._classes
                try:
                    yield from sequences(file, unit, table)
                except (ValueError, TypeError, KeyError, pa.ArrowException) as error:
                    raise DataError(f"{file.path}: {unit}: {first_line(error)}") from error

    def _pairs(self, file: _KeptFile, unit: str, table: pa.Table) -> Iterator[KeptSequence]:
        lab, _, _ = unit.partition("/")
        agent, target, frame = (_numbers(table, name) for name in (AGENT, TARGET, FRAME))
        order = np.lexsort((frame, target, agent))
        agent, target, frame = agent[order], target[order], frame[order]
        edges = np.flatnonzero((np.diff(agent) != 0) | (np.diff(target) != 0)) + 1
        rate = float(table[RATE][0].as_py()) if RATE in table.column_names else None
        for rows in np.split(np.arange(len(order)), edges):
            _require_ascending(frame[rows], file.path, unit)
            part = table.take(pa.array(order[rows]))
            truth = {name: _numbers(part, LABEL + name) for name in file.names}
            names = [name for name in file.names if truth[name][0] >= ANNOTATED]
            if names:
                yield KeptSequence(
                    unit=unit,
                    fold=self._fold[unit],
                    lab=lab,
                    labels=tuple(names),
                    values=_probabilities(part, names),
                    truth=np.stack([truth[name] == 1 for name in names], axis=1),
                    frames_per_second=self._rates.get(unit, rate),
                )

    def _classes(self, file: _KeptFile, unit: str, table: pa.Table) -> Iterator[KeptSequence]:
        frame = _numbers(table, FRAME)
        order = np.argsort(frame, kind="stable")
        _require_ascending(frame[order], file.path, unit)
        part = table.take(pa.array(order))
        true = np.asarray(part[CLASS].cast(pa.string()).to_pylist(), object)
        yield KeptSequence(
            unit=unit,
            fold=self._fold[unit],
            lab="",
            labels=file.names,
            values=_probabilities(part, file.names),
            truth=np.stack([true == name for name in file.names], axis=1).astype(np.bool_),
            frames_per_second=self._rates.get(unit),
            exclusive=True,
        )


def _opened(path: Path) -> _KeptFile:
    try:
        columns = pq.read_schema(path).names
        names = tuple(n.removeprefix(PROBABILITY) for n in columns if n.startswith(PROBABILITY))
        of_pairs = AGENT in columns
        of_rows = [AGENT, TARGET, *(LABEL + name for name in names)] if of_pairs else [CLASS]
        needed = [UNIT, FRAME, *of_rows]
        absent = [name for name in needed if name not in columns] or (
            [] if names else [PROBABILITY]
        )
        if absent:
            raise DataError(
                f"{path}: column {absent[0]!r} is missing; post-processing is for probabilities of frames"
            )
        units = pq.read_table(path, columns=[UNIT])[UNIT].cast(pa.string()).combine_chunks()
    except FileNotFoundError as error:
        raise DataError(f"{path}: not there; `--keep-predictions` keeps them") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: not a table of predictions ({first_line(error)})") from error
    runs = pc.run_end_encode(units).values.to_pylist() if len(units) else []
    found = dict.fromkeys(map(str, runs))
    return _KeptFile(path, names, of_pairs, tuple(found), len(found) == len(runs))


def _by_unit(file: _KeptFile) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of each unit."""
    if not file.together:
        for unit in file.units:
            yield unit, pq.read_table(file.path, filters=[(UNIT, "==", unit)])
        return
    held: list[pa.Table] = []
    for batch in pq.ParquetFile(file.path).iter_batches(BATCH_ROWS):
        table = pa.Table.from_batches([batch])
        for unit, start, stop in _stretches(table):
            if held and str(held[0][UNIT][0].as_py()) != unit:
                yield str(held[0][UNIT][0].as_py()), pa.concat_tables(held).unify_dictionaries()
                held = []
            held.append(table.slice(start, stop - start))
    if held:
        yield str(held[0][UNIT][0].as_py()), pa.concat_tables(held).unify_dictionaries()


def _stretches(table: pa.Table) -> Iterator[tuple[str, int, int]]:
    runs = pc.run_end_encode(table[UNIT].cast(pa.string()).combine_chunks())
    start = 0
    for unit, stop in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield str(unit), start, stop
        start = stop


def _numbers(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    return np.asarray(table[name].to_numpy(), np.int64)


def _probabilities(table: pa.Table, names: Sequence[str]) -> npt.NDArray[np.float32]:
    columns = [table[PROBABILITY + name].to_numpy() for name in names]
    return np.stack(columns, axis=1).astype(np.float32, copy=False)


def _require_ascending(frame: npt.NDArray[np.int64], path: Path, unit: str) -> None:
    twice = np.flatnonzero(np.diff(frame) == 0)
    if twice.size:
        raise DataError(f"{path}: frame {frame[twice[0]]} of {unit} comes twice")
