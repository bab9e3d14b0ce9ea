"""Compare groups of runs by their evaluation tables, which are read once while unchanged."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

from core.config.task_spec import TaskSpec
from core.errors import DataError
from mabe_tui.runs.comparison.yardstick import Yardstick

if TYPE_CHECKING:  # numpy and pyarrow
    from core.evaluation.rows import Floats, Rows
    from core.evaluation.versions import VersionResult

Table = Path | tuple[Path, ...]
"""Location of one evaluation: a file, or the files of all folds."""
_File = tuple[tuple[Path, int, int], ...]
"""Each file's path, time of modification in nanoseconds, and size."""
SPLIT = ("split_seed", "validation_fraction", "validation_videos")
"""Settings of ``data``, of all tasks or of some, that choose the validation data."""
FOLDS = ("folds", "fold")
"""Those that divide all data into validation sets with nothing in common."""
TABLES_KEPT = 4096
RESULTS_KEPT = 4096


def compare_tables_of_versions(
    first: Sequence[Table],
    second: Sequence[Table],
    by: Yardstick,
    others: Sequence[Sequence[Table]] = (),
) -> "VersionResult":
    """Return whether two versions differ significantly, from the tables of their runs, one per seed.

    The result is kept in memory until one of the files changes, so a screen may ask for every row at
    every redraw. The caller ensures that the runs were scored on the same content
    (``validation_source``) and that the runs of a group differ in the seed alone.

    Args:
        first: ``RunDir.evaluation_table`` of the first version's runs.
        second: those of the second's.
        by: the metric and its task.
        others: tables of further groups of runs, used only for the spread over seeds.

    Raises:
        DataError: a table is missing or damaged, the runs were not scored on the same examples, or
            their rows do not hold the metric.
    """
    informing = [group for group in others if group]
    groups = tuple(tuple(_file(path) for path in group) for group in (first, second, *informing))
    return _compare(groups, by)


def read_table(table: Table) -> "Rows":
    """Read evaluation rows, from memory if the files are unchanged; those of all folds as one.

    Raises:
        DataError: missing, damaged, or not such a table; or a unit is in two folds.
    """
    return _read(_file(table))


def informing_kin(own: Sequence[Table], kin: Sequence[Table], by: Yardstick) -> list[Table]:
    """Return the tables that show the spread over seeds of a side with one run; empty if none do.

    Tables that are damaged or have other examples are left out: they are optional and block no verdict.

    Args:
        own: tables of the side's runs; several show their own spread.
        kin: tables of finished runs that repeat the one with other seeds, itself included.
        by: the metric and its task.

    Raises:
        DataError: the side's own table cannot be read.
    """
    if len(own) > 1 or len(kin) < 2:
        return []
    like, usable = read_table(own[0]), list[Table]()
    for path in kin:
        try:
            require_scored_alike(like, read_table(path), ("one run", "another"), by)
        except DataError:
            continue
        usable.append(path)
    return usable if len(usable) > 1 else []


def require_scored_alike(one: "Rows", other: "Rows", names: tuple[str, str], by: Yardstick) -> None:
    """Check that two sets of rows have the same units and count the same examples.

    Raises:
        DataError: they do not; names the two and the first unit that differs.
    """
    from core.evaluation.rows import differing_units

    require_same_units(one, other, by, names)
    differ = differing_units(one.counts, other.reordered(one.units).counts)
    if differ.size:
        raise DataError(
            f"{names[0]} and {names[1]} count different true {by.task.example.many} in {differ.size} of"
            f" {by.unit.count(len(one.units))}, {one.units[differ[0]]} first: they were scored on other"
            " labels; run both on the same data"
        )


def require_same_units(
    one: "Rows", other: "Rows", by: Yardstick, names: tuple[str, str] = ("one run", "another")
) -> None:
    """Check that two sets of rows have the same labels and units.

    Raises:
        DataError: they do not; names the two.
    """
    if one.labels != other.labels:
        raise DataError(f"they do not learn the same {by.task.label.many}")
    if set(one.units) != set(other.units):
        shared = len(set(one.units) & set(other.units))
        raise DataError(
            f"their validation sets differ ({names[0]}: {by.unit.count(len(one.units))}, {names[1]}:"
            f" {len(other.units)}, {shared} in common); give both the same data,"
            f" {_split_keys(by.task, nothing_shared=not shared)}"
        )


def _split_keys(task: TaskSpec, nothing_shared: bool) -> str:
    """List the settings of a task that choose its validation data; two folds share nothing."""
    names = (*SPLIT, *FOLDS) if nothing_shared else SPLIT
    known = get_type_hints(task.experiment)["data"].__struct_fields__
    *keys, last = (f"data.{name}" for name in names if name in known)
    return f"{', '.join(keys)} and {last}"


def aligned_counts(tables: "Sequence[Rows]", like: "Rows", by: Yardstick) -> "Floats":
    """Stack rows as ``(tables, units, labels, 5)`` counts, with the units in the order of ``like``.

    Raises:
        DataError: units or labels differ.
    """
    import numpy as np

    for table in tables:
        require_same_units(like, table, by)
    return np.stack([table.reordered(like.units).counts for table in tables])


def _file(table: Table) -> _File:
    return tuple(map(_stamped, table if isinstance(table, tuple) else (table,)))


def _stamped(path: Path) -> tuple[Path, int, int]:
    try:
        found = path.stat()
    except OSError:
        return path, 0, 0  # reading it raises the proper error
    return path, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=TABLES_KEPT)
def _read(file: _File) -> "Rows":
    from core.evaluation.rows import concatenated
    from core.evaluation.table import read_rows

    try:
        return concatenated([read_rows(path) for path, _, _ in file])
    except ValueError as error:
        raise DataError(f"{file[0][0]} and the tables of the other folds: {error}") from error


@lru_cache(maxsize=RESULTS_KEPT)
def _compare(groups: tuple[tuple[_File, ...], ...], by: Yardstick) -> "VersionResult":
    from core.evaluation.versions import compare_versions

    tables = [[_read(file) for file in group] for group in groups]
    like = tables[0][0]
    first, second, *others = (aligned_counts(group, like, by) for group in tables)
    return compare_versions(first, second, by.statistic(like.labels), others, rises=by.metric.rises)
