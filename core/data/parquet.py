"""Read columns of an untrusted parquet file; every problem becomes a one-line error."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.errors import DataError, first_line

Kind = Literal["integer", "number", "text"]
ARROW_TYPES: dict[Kind, pa.DataType] = {
    "integer": pa.int64(),
    "number": pa.float32(),
    "text": pa.string(),
}
"""Types of the columns of a file without rows."""


def read_columns(
    path: Path, columns: Mapping[str, Kind], *, coded: Sequence[str] = (), threads: bool = True
) -> pa.Table:
    """Read the named columns, in that order, and nothing else.

    A file without rows is accepted whatever the types of its columns: its writer had no value
    to derive a type from.

    Args:
        path: a parquet file.
        columns: column → required type.
        coded: text columns to leave dictionary-encoded, which is several times faster to read.
            Codes can differ between chunks.
        threads: whether pyarrow may decode columns in parallel.

    Raises:
        DataError: no file, not parquet, truncated, a column missing or of another type, or a null in
            a column that is not ``number``.
    """
    with _open(path) as file:
        metadata = file.metadata
        if metadata.num_rows == 0:
            return _empty(path, file.schema_arrow, columns)
        for name, kind in columns.items():
            _check_type(path, file.schema_arrow, name, kind)
    # only now: pyarrow treats a missing coded column as a programming error
    with _open(path, coded, metadata) as file:
        try:
            table = file.read(list(columns), use_threads=threads)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from error
    table = table.select(list(columns))
    for name, kind in columns.items():
        if kind != "number" and table.column(name).null_count:
            row = pc.index(pc.is_null(table.column(name)), True).as_py()
            raise DataError(
                f"{path}: column {name!r} is empty in row {row}; every row needs a value"
            )
    return table


def numbers(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    """Return a column of numbers as an array; null becomes NaN, and half precision becomes single.

    pyarrow's own ``to_numpy`` imports pandas from C, which loses a Ctrl-C.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        floats = column if pa.types.is_floating(column.type) else column.cast(pa.float64())
        column = pc.fill_null(floats, float("nan"))
    array: npt.NDArray[Any] = np.from_dlpack(column)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def texts(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """Return a column of text as an array of ``str``."""
    return np.array(column.to_pylist(), dtype=object)


def largest_value(path: Path, column: str) -> int | None:
    """Return the largest value of an integer column, from the file's statistics if it has them.

    Returns:
        ``None`` for a file without rows.

    Raises:
        DataError: as :func:`read_columns`.
    """
    with _open(path) as file:
        metadata = file.metadata
        if metadata.num_rows == 0:
            return None
        _check_type(path, file.schema_arrow, column, "integer")
        index = metadata.schema.names.index(column)
        groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
        statistics = [group.column(index).statistics for group in groups if group.num_rows]
        if all(found is not None and found.has_min_max for found in statistics):
            return max((int(found.max) for found in statistics), default=None)
    value = pc.max(read_columns(path, {column: "integer"}).column(column)).as_py()
    return None if value is None else int(value)


def _empty(path: Path, schema: pa.Schema, columns: Mapping[str, Kind]) -> pa.Table:
    """Return a table without rows, after checking that the required columns exist."""
    for name in columns:
        if schema.names:
            _check_once(path, schema, name)
    return pa.table({name: pa.array([], ARROW_TYPES[kind]) for name, kind in columns.items()})


def _open(path: Path, coded: Sequence[str] = (), metadata: Any = None) -> Any:
    try:
        if path.is_dir():
            raise DataError(
                f"{path}: a folder, where one file is expected; write its parts into one parquet file"
            )
        if path.stat().st_size == 0:
            raise DataError(f"{path}: the file is empty; fetch or write it again")
        return pq.ParquetFile(path, metadata=metadata, read_dictionary=list(coded))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return DataError(f"{path}: cannot be read ({error.strerror})")
    reason = first_line(error)[:160]
    return DataError(f"{path}: not a whole parquet file ({reason}); fetch or write it again")


def _check_once(path: Path, schema: pa.Schema, name: str) -> None:
    found = schema.names
    if found.count(name) != 1:
        problem = "has no column" if name not in found else "has more than one column"
        raise DataError(f"{path}: {problem} {name!r}; its columns are {', '.join(found) or 'none'}")


def _check_type(path: Path, schema: pa.Schema, name: str, kind: Kind) -> None:
    _check_once(path, schema, name)
    of = schema.field(name).type
    if pa.types.is_dictionary(of):
        of = of.value_type
    fits = {
        "integer": pa.types.is_integer(of),
        "number": pa.types.is_floating(of) or pa.types.is_integer(of),
        "text": pa.types.is_string(of) or pa.types.is_large_string(of),
    }
    if not fits[kind]:
        raise DataError(f"{path}: column {name!r} holds {of}, but {kind} values are needed")
