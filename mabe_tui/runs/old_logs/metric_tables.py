"""Read metrics from tables: CSV or Parquet, with a row for each value or a column for each metric."""

import csv
import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import DataError
from mabe_tui.runs.old_logs.series import (
    EPOCH,
    STEPS,
    TIMES,
    MetricSeries,
    SeriesCollector,
    is_wide,
    pairs,
)

SUFFIXES = (".csv", ".parquet")


def read_metric_table(path: Path) -> list[MetricSeries]:
    """Read a table of metrics.

    With the columns ``name`` and ``value`` it has a row for each value; with ``step`` and ``value`` alone,
    as TensorBoard downloads it, it is of one metric, named as the file. Otherwise each column of numbers is
    a metric. A step (or an epoch) and a time are found by their usual names.

    Raises:
        DataError: it cannot be read, a cell is not a number, or there are no numbers.
    """
    collector = SeriesCollector(path)
    try:
        rows = _of_parquet(path) if path.suffix == ".parquet" else _of_csv(path)
        header, lines = next(rows), ((n, line) for n, line in enumerate(rows))
        small = [str(name).strip().casefold() for name in header]
        if {"step", "value"} <= {*small} and len(small) <= 3 and "name" not in small:
            header, small = [*header, "name"], [*small, "name"]
            lines = ((n, [*line, path.stem]) for n, line in lines)
        if is_wide(small):
            _wide(collector, [str(name).strip() for name in header], lines, path)
        else:
            _long(collector, small, lines, path)
    except StopIteration as error:
        raise DataError(f"{path}: empty") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    return collector.found()


def _of_csv(path: Path) -> Iterator[Sequence[Any]]:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        try:
            yield from csv.reader(file)
        except csv.Error as error:
            raise DataError(f"{path}: not CSV ({error})") from error


def _of_parquet(path: Path) -> Iterator[Sequence[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        yield file.schema_arrow.names
        for batch in file.iter_batches():
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    except pa.ArrowException as error:
        raise DataError(f"{path}: not Parquet, or damaged ({error})") from error


def _long(
    collector: SeriesCollector,
    header: Sequence[str],
    lines: Iterable[tuple[int, Sequence[Any]]],
    path: Path,
) -> None:
    steps = [name for name in (*STEPS, EPOCH) if name in header]
    times = [name for name in TIMES if name in header]
    known = set[int]()
    """Steps of which the epoch is known."""
    for number, line in lines:
        cells = dict(zip(header, line, strict=False))
        value = _required(cells, "value", number, path)
        step = _required(cells, steps[0], number, path) if steps else float(number)
        time = next((t for name in times if (t := _time(cells.get(name))) is not None), math.nan)
        if not math.isfinite(step):
            raise DataError(f"{path}, row {number + 2}: {steps[0]} is {step}")
        collector.add(str(cells["name"]), int(step), time, value)
        epoch = _number(cells.get(EPOCH)) if steps and steps[0] != EPOCH else None
        if epoch is not None and int(step) not in known:
            known.add(int(step))
            collector.add(EPOCH, int(step), time, epoch)


def _required(cells: Mapping[str, Any], name: str, number: int, path: Path) -> float:
    found = _number(cells.get(name))
    if found is None:
        raise DataError(f"{path}, row {number + 2}: {name} is {cells.get(name)!r}, not a number")
    return found


def _wide(
    collector: SeriesCollector,
    header: Sequence[str],
    lines: Iterable[tuple[int, Sequence[Any]]],
    path: Path,
) -> None:
    small = {name.casefold() for name in header}
    if not small & {*STEPS, EPOCH}:
        raise DataError(f"{path}: has no column {', '.join(STEPS[:2])} or {EPOCH}")
    by_epoch = not small & {*STEPS}
    for number, line in lines:
        cells = [
            (_time if name.casefold() in TIMES else _number)(cell)
            for name, cell in zip(header, line, strict=False)
        ]
        row = [*pairs(header, cells)]
        epochs = [value for name, value in row if name.casefold() == EPOCH]
        at = int(epochs[0]) if by_epoch and epochs and math.isfinite(epochs[0]) else number
        collector.add_row(row, at)


def _number(cell: Any) -> float | None:
    """Return a cell as a number; ``None`` if it is empty or a text."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def _time(cell: Any) -> float | None:
    """Return a time of day in seconds since 1970: a number of seconds, or a date and a time."""
    if isinstance(cell, dt.datetime):
        moment = cell
    elif (number := _number(cell)) is not None:
        return number
    else:
        try:
            moment = dt.datetime.fromisoformat(str(cell).strip())
        except ValueError:
            return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
