"""Groups of runs held against each other by the evaluation tables they keep, read once while unchanged."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DataError

if TYPE_CHECKING:  # numpy and pyarrow
    from core.evaluation.crossed import Floats
    from core.evaluation.table import Confusions
    from core.evaluation.versions import VersionResult

_File = tuple[Path, int, int]
"""A table's path, time of modification in nanoseconds, and size."""
TABLES_KEPT = 4096
RESULTS_KEPT = 4096


def compare_tables_of_versions(
    first: Sequence[Path], second: Sequence[Path], others: Sequence[Sequence[Path]] = ()
) -> "VersionResult":
    """Return whether two versions are told apart, from the tables of their runs, one a seed.

    The result is kept in memory for as long as none of the files changes, so a screen may ask again for every
    row at every draw. The caller sees to it that the runs were scored on the same content
    (``validation_source``) and that the runs of a group differ in the seed alone.

    Args:
        first: ``RunDir.evaluation_table`` of the first version's runs.
        second: of the second's.
        others: of further groups of runs; they only inform how far seeds spread.

    Raises:
        DataError: a table is missing or damaged, or the runs were not scored on the same frames.
    """
    groups = tuple(tuple(_file(path) for path in group) for group in (first, second, *others))
    return _compare(groups)


def read_table(path: Path) -> "Confusions":
    """Read an evaluation table, from memory where the file is unchanged.

    Raises:
        DataError: missing, damaged, or not such a table.
    """
    return _read(_file(path))


def aligned_counts(tables: "Sequence[Confusions]", like: "Confusions") -> "Floats":
    """Stack tables as ``(tables, videos, classes, classes)`` counts, their videos in the order of another.

    Raises:
        DataError: videos or classes differ.
    """
    import numpy as np

    for table in tables:
        if table.classes != like.classes:
            raise DataError("they do not learn the same classes")
        if set(table.videos) != set(like.videos):
            shared = len(set(table.videos) & set(like.videos))
            raise DataError(
                f"their validation sets differ ({len(like.videos)} and {len(table.videos)} videos,"
                f" {shared} in common)"
            )
    return np.stack([table.reordered(like.videos).counts for table in tables]).astype(np.float64)


def _file(path: Path) -> _File:
    try:
        found = path.stat()
    except OSError:
        return path, 0, 0  # reading it says what is wrong
    return path, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=TABLES_KEPT)
def _read(file: _File) -> "Confusions":
    from core.evaluation.table import read_confusions

    return read_confusions(file[0])


@lru_cache(maxsize=RESULTS_KEPT)
def _compare(groups: tuple[tuple[_File, ...], ...]) -> "VersionResult":
    from core.evaluation.versions import compare_versions

    tables = [[_read(file) for file in group] for group in groups]
    like = tables[0][0]
    first, second, *others = (aligned_counts(group, like) for group in tables)
    return compare_versions(first, second, others)
