"""Comparing versions by the tables of their runs."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.config.task_spec import MetricSpec, task_spec
from core.errors import DataError
from core.evaluation import table as tables
from core.evaluation.rows import COLUMNS, TOTAL, WEIGHT, Rows, counts_of, f1_macro
from core.evaluation.table import Confusions, evaluation_table, read_rows, rows_table
from core.evaluation.versions import compare_versions
from mabe_tui.runs.comparison.version_tables import compare_tables_of_versions
from mabe_tui.runs.comparison.yardstick import Yardstick, yardstick
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


def test_old_confusion_tables_are_compared_with_rows(
    sides: tuple[np.ndarray, np.ndarray], written: Written
) -> None:
    a, b = sides
    first, second = written("a", a), written("b", b)
    expected = compare_tables_of_versions(first, second, BY)
    for path in second:
        pq.write_table(rows_table(read_rows(path)), path)
    os.utime(second[0], ns=(0, 1))
    assert compare_tables_of_versions(first, second, BY) == expected


def test_any_statistic_of_rows_is_compared_whichever_way_it_goes(tmp_path: Path) -> None:
    distance = MetricSpec(
        name="distance", label="distance", rises=False, statistic="core.evaluation.rows:mean"
    )
    by = Yardstick(dataclasses.replace(BY.task, metrics=(distance,), primary="distance"), distance)
    rng, paths = np.random.default_rng(0), []
    for number, mean in enumerate((2.0, 2.1, 1.0, 1.1)):
        counts = np.zeros((len(VIDEOS), 1, len(COLUMNS)))
        counts[..., WEIGHT] = 10
        counts[..., TOTAL] = 10 * (mean + rng.normal(0, 0.05, (len(VIDEOS), 1)))
        paths.append(tmp_path / f"{number}.parquet")
        pq.write_table(rows_table(Rows(VIDEOS, ("distance",), counts)), paths[-1])
    found = compare_tables_of_versions(paths[:2], paths[2:], by)
    assert found.difference == pytest.approx(-1, abs=0.1)
    assert found.distinguishable
    assert found.probability_b_better is not None
    assert found.probability_b_better > 0.99


def test_a_metric_that_rows_do_not_hold_is_named(
    sides: tuple[np.ndarray, np.ndarray], written: Written
) -> None:
    precision = MetricSpec(name="ap_macro", label="AP")
    first, second = (written(name, side) for name, side in zip("ab", sides, strict=True))
    with pytest.raises(DataError, match="ap_macro cannot be computed from counts of each video"):
        compare_tables_of_versions(first, second, Yardstick(BY.task, precision))
