"""Read some columns of a large table of numbers, as fast as pyarrow parses them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from core.data.importers.recording import Floats
from core.data.importers.textual import TextForm
from core.data.parquet import numbers
from core.errors import DataError, first_line

EMPTY = ["", "nan", "NaN", "NAN", "NA", "N/A", "null", "None", "#N/A"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Columns of a table."""

    table: pa.Table

    def column(self, number: int) -> Floats:
        """Return a column, ``(rows,)``, NaN where it is empty."""
        values: Floats = numbers(self.table.column(str(number))).astype(np.float32, copy=False)
        return values

    def frame(self, number: int) -> npt.NDArray[np.float64]:
        """Return a column in double precision."""
        values: npt.NDArray[np.float64] = numbers(self.table.column(str(number))).astype(np.float64)
        return values


@dataclass(frozen=True, slots=True)
class NumericCsv:
    """A table of numbers below a header.

    Args:
        path: its file.
        form: how it is written.
        header_lines: lines above the numbers.
        width: columns of every row.
    """

    path: Path
    form: TextForm
    header_lines: int
    width: int

    def read(self, columns: Sequence[int], first: Sequence[int] = (0,)) -> Numbers:
        """Read columns by their numbers from 0.

        Args:
            columns: which; the others are not parsed.
            first: those that are read in double precision.

        Raises:
            DataError: a row of another length, or a cell that is no number.
        """
        names = [str(number) for number in range(self.width)]
        wanted = sorted({*columns})
        types = {str(n): pa.float64() if n in first else pa.float32() for n in wanted}
        encoding = "utf8" if self.form.encoding == "utf-8-sig" else self.form.encoding
        try:
            table = csv.read_csv(
                self.path,
                read_options=csv.ReadOptions(
                    skip_rows=self.header_lines, column_names=names, encoding=encoding
                ),
                parse_options=csv.ParseOptions(delimiter=self.form.separator),
                convert_options=csv.ConvertOptions(
                    column_types=types,
                    null_values=EMPTY,
                    include_columns=[str(number) for number in wanted],
                    decimal_point="," if self.form.decimal_comma else ".",
                ),
            )
        except (pa.ArrowException, OSError, UnicodeError) as error:
            if "Empty CSV" in str(error):
                raise DataError(
                    f"{self.path}: no frame could be read: there is nothing below the header"
                ) from error
            raise DataError(
                f"{self.path}: not a table of numbers below line {self.header_lines}"
                f" ({first_line(error)[:160]})"
            ) from error
        return Numbers(table)
