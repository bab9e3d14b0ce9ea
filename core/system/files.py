"""Atomic writes: a reader never sees half a file or half a line."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import msgspec

from core.errors import UserError

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Exceptions raised by decoding bytes of unknown origin: not JSON, not UTF-8, or nested too deeply."""


@contextmanager
def replace_atomically(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path``; on success flush it to disk and rename it over ``path``.

    On any exception the temporary file is removed and ``path`` is left as it was.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    encoding = None if "b" in mode else "utf-8"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open(mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):  # where even this fails, nothing was written
            temporary.unlink()
        reason = error.strerror or str(error)
        raise UserError(
            f"{path}: cannot be written ({reason}); free some space or check the folder's permissions"
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_writable(path: Path) -> None:
    """Check, before long work, that a file can be written at ``path``.

    Raises:
        UserError: ``path`` is a folder, or its parent is not a folder or cannot be written to.
    """
    folder = next(each for each in path.absolute().parents if each.exists())
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file in it")
    if not folder.is_dir():
        raise UserError(f"{path}: cannot be written ({folder} is not a folder)")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{path}: cannot be written ({folder} is not yours to write)")


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Replace the content of ``path`` with ``data`` in one step; raises as :func:`replace_atomically`."""
    with replace_atomically(path) as file:
        file.write(data)


def write_all(file: io.FileIO, data: bytes | memoryview) -> None:
    """Write all of ``data`` to an unbuffered file, which may accept less at a time on a full disk.

    Raises:
        OSError: not everything could be written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def append_all(file: io.FileIO, data: bytes) -> None:
    """Append all of ``data`` or nothing, so that the next line is never glued to half a line.

    Raises:
        OSError: the data could not be written; the file is unchanged.
    """
    before = file.seek(0, os.SEEK_END)
    try:
        write_all(file, data)
    except OSError:
        with suppress(OSError):
            file.truncate(before)
        raise
