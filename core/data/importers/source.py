"""A file to import: its first bytes and lines, from which its format is found."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.data.importers.textual import (
    HEAD_BYTES,
    HEAD_ROWS,
    TextForm,
    encoding_of,
    form_of,
    rows_of,
)
from core.errors import DataError

HDF5 = b"\x89HDF\r\n\x1a\n"
NUMPY = b"\x93NUMPY"
Kind = Literal["hdf5", "numpy", "json", "text", "unknown"]


@dataclass(frozen=True, slots=True)
class Source:
    """One file, of a format not yet known."""

    path: Path
    kind: Kind
    form: TextForm | None = None
    rows: tuple[tuple[str, ...], ...] = ()
    """Cells of the first lines of a text."""
    start: str = ""
    """The first characters of a text."""


def open_source(path: Path) -> Source:
    """Look at the beginning of a file.

    Raises:
        DataError: it is missing, empty or unreadable.
    """
    try:
        with path.open("rb") as file:
            start = file.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if not start.strip():
        raise DataError(f"{path}: the file is empty; export it again")
    if start.startswith(HDF5):
        return Source(path, "hdf5")
    if start.startswith(NUMPY):
        return Source(path, "numpy")
    encoding = encoding_of(start)
    if encoding is None:
        return Source(path, "unknown")
    text = start.decode(encoding, "replace")
    if text.lstrip().startswith("{"):
        return Source(path, "json", start=text)
    head = "\n".join(text.splitlines()[:HEAD_ROWS])
    form = form_of(head, encoding)
    rows = tuple(tuple(row) for row in rows_of(head, form))
    return Source(path, "text", form, rows, text)


def text_form(source: Source) -> TextForm:
    """Return how a text is written; every source of kind ``text`` knows it."""
    assert source.form is not None
    return source.form
