"""Versions held against each other by the tables of their runs."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.config.task_spec import task_spec
from core.errors import DataError
from core.evaluation import table as tables
from core.evaluation.rows import counts_of, f1_macro
from core.evaluation.table import Confusions, evaluation_table
from core.evaluation.versions import compare_versions
from mabe_tui.runs.comparison.version_tables import compare_tables_of_versions
from mabe_tui.runs.comparison.yardstick import yardstick
from tests.made_up_versions import Luck, two_versions

VIDEOS = tuple(f"v{number}" for number in range(12))
CLASSES = ("other", "social", "mating", "aggressive")
Written = Callable[..., list[Path]]
BY = yardstick(task_spec("behaviour"))


@pytest.fixture
def sides() -> tuple[np.ndarray, np.ndarray]:
    a, b = two_versions(Luck(), 1, len(VIDEOS), (3, 2), np.random.default_rng(0), gain=3)
    return a[0], b[0]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(name: str, counts: np.ndarray, videos: tuple[str, ...] = VIDEOS) -> list[Path]:
        paths = [tmp_path / f"{name}-{number}.parquet" for number in range(len(counts))]
        for path, of_run in zip(paths, counts, strict=True):
            table = evaluation_table(Confusions(videos, CLASSES, of_run.astype(np.int64)))
            pq.write_table(table, path)
        return paths

    return write


def test_tables_are_compared_whatever_the_order_of_their_videos(
    sides: tuple[np.ndarray, np.ndarray], written: Written
) -> None:
    a, b = sides
    found = compare_tables_of_versions(
        written("a", a), written("b", b[:, ::-1], videos=VIDEOS[::-1]), BY
    )
    assert found == compare_versions(counts_of(a), counts_of(b), f1_macro)


def test_a_table_is_read_again_only_once_it_changed(
    sides: tuple[np.ndarray, np.ndarray], written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = sides
    first, second = written("a", a), written("b", b)
    read: list[Path] = []
    whole = tables.read_rows
    monkeypatch.setattr(tables, "read_rows", lambda path: read.append(path) or whole(path))
    before = compare_tables_of_versions(first, second, BY)
    assert compare_tables_of_versions(first, second, BY) == before
    assert read == [*first, *second]
    written("b", b[::-1])
    os.utime(second[0], ns=(0, 1))
    after = compare_tables_of_versions(first, second, BY)
    assert after.difference == pytest.approx(before.difference)
    assert second[0] in read[5:]


def test_tables_of_other_videos_and_missing_ones_are_named(
    sides: tuple[np.ndarray, np.ndarray], written: Written
) -> None:
    a, b = sides
    first = written("a", a)
    others = written("b", b, videos=(*VIDEOS[:-1], "w"))
    with pytest.raises(DataError, match=r"one run: 12 videos, another: 12, 11 in common"):
        compare_tables_of_versions(first, others, BY)
    with pytest.raises(DataError, match="not there"):
        compare_tables_of_versions(first, [first[0].with_name("none.parquet")], BY)
