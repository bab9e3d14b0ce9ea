"""Read a CSV file; every error names the line and the column."""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One line of a table, with its position for error messages."""

    path: Path
    line: int
    values: dict[str, str]

    def error(self, column: str, problem: str) -> DataError:
        """Return an error that says what is wrong with one of the cells."""
        return DataError(f"{self.path}, line {self.line}, column {column!r}: {problem}")

    def text(self, column: str) -> str:
        """Return a cell without surrounding blanks."""
        return self.values[column].strip()

    def name(self, column: str) -> str:
        """Return an id that is a valid file name."""
        value = self.text(column)
        if not value or value in (".", "..") or "/" in value or "\\" in value or "\0" in value:
            raise self.error(column, f"{value!r} cannot be the name of a file")
        return value

    def number(self, column: str) -> float | None:
        """Return a number above 0, or ``None`` if the cell is empty."""
        text = self.text(column)
        if text.lower() in ("", "nan"):
            return None
        try:
            value = float(text)
        except ValueError:
            raise self.error(column, f"{text!r} is not a number") from None
        if not (math.isfinite(value) and value > 0):
            raise self.error(column, f"{text} must be a number above 0")
        return value

    def needed_number(self, column: str) -> float:
        """Return a number above 0; an empty cell is an error."""
        value = self.number(column)
        if value is None:
            raise self.error(column, "is empty; a number above 0 is needed")
        return value

    def names(self, column: str) -> list[str]:
        """Return a JSON list of strings; an empty cell is an empty list."""
        text = self.text(column)
        if not text:
            return []
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise self.error(column, f"not a JSON list ({problem})") from None
        if not (isinstance(found, list) and all(isinstance(name, str) for name in found)):
            raise self.error(column, "must be a JSON list of strings")
        return found


def read_rows(path: Path, required: Sequence[str]) -> Iterator[CsvRow]:
    """Read a CSV file whose header has at least the required columns.

    Raises:
        DataError: not a UTF-8 table, a missing column, or a line longer than the header.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            if reader.fieldnames is None:
                raise DataError(f"{path}: is empty; fetch or write it again")
            missing = [name for name in required if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path}: has no column {', '.join(map(repr, missing))}")
            for values in reader:
                # csv keeps cells beyond the header under the key None
                if None in values:
                    raise DataError(f"{path}, line {reader.line_num}: more cells than the header")
                yield CsvRow(path, reader.line_num, values)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read as a table ({reason})") from error
