from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import DataError
from core.evaluation.rows import Rows
from core.evaluation.table import (
    Confusions,
    confusion_path,
    evaluation_table,
    read_confusions,
    read_rows,
    rows_table,
)


def confusions() -> Confusions:
    counts = np.random.default_rng(1).integers(0, 50, (3, 4, 4))
    return Confusions(("7", "a", "3"), ("other", "social", "mating", "aggressive"), counts)


def test_survives_a_file(tmp_path: Path) -> None:
    path = tmp_path / "best.parquet"
    pq.write_table(evaluation_table(confusions()), path)
    again = read_confusions(path)
    assert (again.videos, again.classes) == (confusions().videos, confusions().classes)
    np.testing.assert_array_equal(again.counts, confusions().counts)


def test_rows_are_what_they_say() -> None:
    table = evaluation_table(confusions()).to_pandas()
    row = table[
        (table.video_id == "a")
        & (table.true_class == "mating")
        & (table.predicted_class == "social")
    ]
    assert row.frames.tolist() == [confusions().counts[1, 2, 1]]


def test_reordered_by_video() -> None:
    np.testing.assert_array_equal(
        confusions().reordered(("3", "7", "a")).counts, confusions().counts[[2, 0, 1]]
    )


@pytest.mark.parametrize("content", [None, b"", b"PAR1 but no more", "foreign", "cut"])
def test_what_is_no_table_is_said_in_a_line(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "best.parquet"
    if content == "foreign":
        pq.write_table(pa.table({"x": [1]}), path)
    elif content == "cut":
        pq.write_table(evaluation_table(confusions()).slice(0, 20), path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"best\.parquet") as caught:
        read_confusions(path)
    assert "\n" not in str(caught.value)


def rows(with_sums: bool = False) -> Rows:
    counts = confusions().rows.counts
    counts[..., 3:] = np.random.default_rng(2).uniform(0, 9, (3, 4, 2)) if with_sums else 0
    return Rows(confusions().videos, confusions().classes, counts)


@pytest.mark.parametrize("with_sums", [False, True])
def test_rows_survive_a_file(tmp_path: Path, with_sums: bool) -> None:
    path = tmp_path / "best.parquet"
    table = rows_table(rows(with_sums))
    assert table.column_names == ["unit", "label", "tp", "fp", "fn"] + with_sums * [
        "total",
        "weight",
    ]
    shuffled = table.take(np.random.default_rng(3).permutation(len(table)))
    for written in (table, shuffled):
        pq.write_table(written, path)
        again = read_rows(path)
        place = again.reordered(rows().units), [again.labels.index(x) for x in rows().labels]
        np.testing.assert_array_equal(place[0].counts[:, place[1]], rows(with_sums).counts)


def test_a_confusion_table_is_read_as_rows_too(tmp_path: Path) -> None:
    path = tmp_path / "best.parquet"
    pq.write_table(evaluation_table(confusions()), path)
    found = read_rows(path)
    assert (found.units, found.labels) == (confusions().videos, confusions().classes)
    np.testing.assert_array_equal(found.counts, rows().counts)


def test_a_confusion_table_is_found_beside_rows(tmp_path: Path) -> None:
    path = tmp_path / "best.parquet"
    pq.write_table(rows_table(rows()), path)
    with pytest.raises(DataError, match=r"best-confusion\.parquet: not there"):
        read_confusions(path)
    pq.write_table(evaluation_table(confusions()), confusion_path(path))
    np.testing.assert_array_equal(read_confusions(path).counts, confusions().counts)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda table: table.slice(0, 11), "11 rows are not one for each unit and label"),
        (lambda table: pa.concat_tables([table, table.slice(0, 1)]), "13 rows are not one"),
        (lambda table: table.drop_columns("fn"), "column 'fn' is missing"),
        (lambda table: table.slice(0, 0), "column 'unit' is empty"),
        (lambda table: table.set_column(2, "tp", pa.array([None] * 12, pa.float64())), "has gaps"),
        (lambda table: table.set_column(2, "tp", pa.array(["x"] * 12)), "holds no numbers"),
    ],
)  # fmt: skip
def test_rows_that_are_not_whole_are_refused(tmp_path: Path, change, problem: str) -> None:
    path = tmp_path / "best.parquet"
    pq.write_table(change(rows_table(rows())), path)
    with pytest.raises(DataError, match=problem):
        read_rows(path)
