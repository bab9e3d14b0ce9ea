"""Text files of unknown origin: their encoding, separator and decimal mark."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError

SEPARATORS = (",", "\t", ";")
HEAD_BYTES = 1 << 20
"""Enough for the header of any table of poses."""
HEAD_ROWS = 60


@dataclass(frozen=True, slots=True)
class TextForm:
    """The encoding and separators of a text file."""

    encoding: str
    separator: str
    decimal_comma: bool


def read_text(path: Path, encoding: str) -> str:
    """Return the whole text of a file, with line breaks as in Python.

    Raises:
        DataError: it cannot be read or decoded.
    """
    try:
        with path.open(encoding=encoding, newline=None) as file:
            return file.read()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read as text ({reason})") from error


def encoding_of(start: bytes) -> str | None:
    """Return the encoding of a text by its first bytes; ``None`` if they are no text.

    Bytes that are not UTF-8 are taken as Windows-1252, which Excel writes in western Europe.
    """
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in start:
        return None
    try:
        start[: start.rfind(b"\n") + 1 or None].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def form_of(text: str, encoding: str) -> TextForm:
    """Return how a table is written, by its first lines.

    The separator is the candidate that cuts the most cells from the lines; numbers have a decimal comma if
    the separator is another mark and some cell reads ``12,5``.
    """
    lines = [line for line in text.splitlines()[:HEAD_ROWS] if line.strip()]
    separator = max(SEPARATORS, key=lambda mark: sum(line.count(mark) for line in lines))
    if ";" in text and separator == ",":
        # 1,5;2,5 has as many commas as semicolons: a table of decimals holds at least one per cell
        by_line = [line.count(";") for line in lines]
        if by_line and min(by_line) == max(by_line) > 0:
            separator = ";"
    cells = [cell for line in lines for cell in line.split(separator)]
    decimal_comma = separator != "," and any(_has_decimal_comma(cell) for cell in cells)
    return TextForm(encoding, separator, decimal_comma)


def _has_decimal_comma(cell: str) -> bool:
    whole, comma, part = cell.strip().strip('"').lstrip("-").partition(",")
    return bool(comma) and whole.isdecimal() and part.isdecimal()


def rows_of(text: str, form: TextForm) -> list[list[str]]:
    """Return the cells of each line, empty lines included, so that a row's index is its line less one."""
    try:
        return [
            [cell.strip() for cell in row]
            for row in csv.reader(text.splitlines(), delimiter=form.separator)
        ]
    except csv.Error:
        # a quotation mark without a second one, before more text than a cell can hold
        return [[cell.strip() for cell in line.split(form.separator)] for line in text.splitlines()]


def number(text: str) -> float | None:
    """Return a number with a point or a comma, or a time as ``[hh:]mm:ss.s``, in seconds; else ``None``."""
    value = 0.0
    try:
        for part in text.strip().replace(",", ".").split(":"):
            value = value * 60 + float(part)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def column_of(header: Sequence[str], *names: str) -> int | None:
    """Return the index of the first of some columns, whatever their case and blanks; ``None`` if absent."""
    plain = [_plain(cell) for cell in header]
    return next((plain.index(_plain(name)) for name in names if _plain(name) in plain), None)


def _plain(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").split())
