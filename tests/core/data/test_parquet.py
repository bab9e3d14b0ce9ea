from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.data.parquet import largest_value, numbers, read_columns, texts
from core.errors import DataError

COLUMNS = {"frame": "integer", "x": "number", "name": "text"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.parquet"


def good() -> dict[str, pa.Array]:
    return {
        "name": pa.array(["a", "b"]),
        "frame": pa.array([0, 1], pa.int16()),
        "x": pa.array([1.0, None]),
        "more": pa.array([1, 2]),
    }


def message(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read_columns(path, COLUMNS)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


def test_columns_come_in_the_order_asked_for(path: Path) -> None:
    pq.write_table(pa.table(good()), path)
    assert read_columns(path, COLUMNS).column_names == ["frame", "x", "name"]


def test_no_file(path: Path) -> None:
    assert "no such file" in message(path)


def test_a_folder_in_its_place(path: Path) -> None:
    path.mkdir()
    assert message(path) == (
        f"{path}: a folder, where one file is expected; write its parts into one parquet file"
    )


def test_without_rows_there_are_no_types_to_be_wrong(path: Path) -> None:
    untyped = {name: pa.array([], pa.null()) for name in COLUMNS}
    for table in (pa.table(untyped), pa.table({})):
        pq.write_table(table, path)
        read = read_columns(path, COLUMNS)
        assert (read.num_rows, read.column_names) == (0, list(COLUMNS))
        assert largest_value(path, "frame") is None
    pq.write_table(pa.table({"frame": pa.array([], pa.null())}), path)
    assert "has no column 'x'" in message(path)


def test_empty_file(path: Path) -> None:
    path.touch()
    assert "the file is empty" in message(path)


def test_foreign_file(path: Path) -> None:
    path.write_text("lab_id,video_id\n" * 50)
    assert "not a whole parquet file" in message(path)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_file(path: Path, share: float) -> None:
    pq.write_table(pa.table(good()), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "not a whole parquet file" in message(path)


def test_damaged_pages_under_a_whole_footer(path: Path) -> None:
    table = pa.table({"frame": list(range(5000)), "x": [0.5] * 5000, "name": ["a"] * 5000})
    pq.write_table(table, path, compression="snappy")
    data = bytearray(path.read_bytes())
    data[4:2000] = b"\xff" * 1996
    path.write_bytes(data)
    assert "not a whole parquet file" in message(path)


@pytest.mark.parametrize("column", list(COLUMNS))
def test_missing_column(path: Path, column: str) -> None:
    columns = good()
    del columns[column]
    pq.write_table(pa.table(columns), path)
    assert f"has no column {column!r}" in message(path)


@pytest.mark.parametrize(
    ("column", "values", "problem"),
    [
        ("frame", pa.array([0.0, 1.0]), "holds double, but integer values are needed"),
        ("frame", pa.array(["0", "1"]), "holds string, but integer"),
        ("x", pa.array(["0", "1"]), "holds string, but number"),
        ("name", pa.array([0, 1]), "holds int64, but text"),
    ],
)
def test_wrong_type(path: Path, column: str, values: pa.Array, problem: str) -> None:
    pq.write_table(pa.table(good() | {column: values}), path)
    assert f"column {column!r} {problem}" in message(path)


def test_null_where_a_value_is_needed(path: Path) -> None:
    pq.write_table(pa.table(good() | {"frame": pa.array([0, None], pa.int32())}), path)
    assert "column 'frame' is empty in row 1" in message(path)


@pytest.mark.parametrize("statistics", [True, False])
def test_largest_value(path: Path, statistics: bool) -> None:
    table = pa.table({"frame": [3, 9, 4, 1]})
    pq.write_table(table, path, row_group_size=1, write_statistics=statistics)
    assert largest_value(path, "frame") == 9
    pq.write_table(table.slice(0, 0), path, write_statistics=statistics)
    assert largest_value(path, "frame") is None


def test_a_coded_column_that_is_not_there_is_named(path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(DataError, match="has no column 'name'; its columns are a"):
        read_columns(path, {"name": "text"}, coded=["name"])


@pytest.mark.parametrize(
    ("chunks", "kind", "expected"),
    [
        ([[1, 2], [3]], pa.int16(), [1, 2, 3]),
        ([], pa.int64(), []),
        ([[1, None]], pa.int32(), [1, np.nan]),
        ([[0.5], [None]], pa.float32(), [0.5, np.nan]),
    ],
)
def test_numbers(
    chunks: list[list[float | None]], kind: pa.DataType, expected: list[float]
) -> None:
    column = pa.chunked_array(chunks, type=kind)
    np.testing.assert_array_equal(numbers(column), expected)
    if not column.null_count:
        assert numbers(column).dtype == kind.to_pandas_dtype()


def test_coded_columns_are_decoded() -> None:
    assert numbers(pa.array([7, 9, 7]).dictionary_encode()).tolist() == [7, 9, 7]
    coded = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode()])
    assert texts(coded).tolist() == ["a", "b"]
