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
    informing = [group for group in others if group]
    groups = tuple(tuple(_file(path) for path in group) for group in (first, second, *informing))
    return _compare(groups)


def read_table(path: Path) -> "Confusions":
    """Read an evaluation table, from memory where the file is unchanged.

    Raises:
        DataError: missing, damaged, or not such a table.
    """
    return _read(_file(path))


def informing_kin(own: Sequence[Path], kin: Sequence[Path]) -> list[Path]:
    """Return the tables that show how far the seeds of a side with one run spread; empty where none do.

    Tables that are damaged or of other frames are left out: they only inform, and prevent no verdict.

    Args:
        own: of the side's runs; several show their own spread.
        kin: of finished runs that repeat the one with other seeds, itself among them.

    Raises:
        DataError: the side's own table cannot be read.
    """
    if len(own) > 1 or len(kin) < 2:
        return []
    like, usable = read_table(own[0]), []
    for path in kin:
        try:
            require_scored_alike(like, read_table(path), (own[0].name, path.name))
        except DataError:
            continue
        usable.append(path)
    return usable if len(usable) > 1 else []


def require_scored_alike(one: "Confusions", other: "Confusions", names: tuple[str, str]) -> None:
    """Check that two tables are of the same videos and count the same frames.

    Raises:
        DataError: they are not; names the two and the first video that differs.
    """
    require_same_videos(one, other, names)
    differs = one.counts.sum(axis=2) != other.reordered(one.videos).counts.sum(axis=2)
    videos = [video for video, row in zip(one.videos, differs, strict=True) if row.any()]
    if videos:
        raise DataError(
            f"{names[0]} and {names[1]} count different true frames in {len(videos)} of"
            f" {len(one.videos)} videos, {videos[0]} first: they were scored on other labels;"
            " run both on the same data"
        )


def require_same_videos(
    one: "Confusions", other: "Confusions", names: tuple[str, str] = ("one run", "another")
) -> None:
    """Check that two tables are of the same classes and videos.

    Raises:
        DataError: they are not; names the two.
    """
    if one.classes != other.classes:
        raise DataError("they do not learn the same classes")
    if set(one.videos) != set(other.videos):
        shared = len(set(one.videos) & set(other.videos))
        raise DataError(
            f"their validation sets differ ({names[0]}: {len(one.videos)} videos, {names[1]}:"
            f" {len(other.videos)}, {shared} in common); give both the same data, data.split_seed,"
            " data.validation_fraction and data.validation_videos"
        )


def aligned_counts(tables: "Sequence[Confusions]", like: "Confusions") -> "Floats":
    """Stack tables as ``(tables, videos, classes, classes)`` counts, their videos in the order of another.

    Raises:
        DataError: videos or classes differ.
    """
    import numpy as np

    for table in tables:
        require_same_videos(like, table)
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
