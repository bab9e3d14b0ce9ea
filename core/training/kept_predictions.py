"""The validation predictions of an epoch, written as they are made: memory holds a part of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.system.files import replace_atomically

ROWS_AT_ONCE = 2**18
"""Rows that are held before they are written."""


class PredictionsWriter:
    """Writes tables of the same columns to one file.

    Args:
        file: open for writing.
    """

    def __init__(self, file: IO[Any]) -> None:
        self._file = file
        self._held: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self.kept = False
        """Whether the file is to replace the one that is there."""

    def append(self, table: pa.Table) -> None:
        """Take some rows."""
        self._held.append(table)
        if sum(each.num_rows for each in self._held) >= ROWS_AT_ONCE:
            self._write()

    def close(self) -> None:
        """Write what is held, and the end of the file."""
        self._write()
        if self._writer is not None:
            self._writer.close()

    def _write(self) -> None:
        if not self._held:
            return
        table = pa.concat_tables(self._held)
        self._held.clear()
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema, compression="zstd")
        self._writer.write_table(table)


class _NotKeptError(Exception):
    """Ends the writing of a file that is not to replace the one that is there."""


@contextmanager
def predictions_file(path: Path) -> Iterator[PredictionsWriter]:
    """Open a file of predictions; it replaces the one at ``path`` at the end if it is marked as kept.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    try:
        with replace_atomically(path) as file:
            writer = PredictionsWriter(file)
            yield writer
            writer.close()
            if not writer.kept:
                raise _NotKeptError
    except _NotKeptError:
        pass
