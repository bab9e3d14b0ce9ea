"""Arrays of an ``.npz`` file, without reading them whole.

Such a file is a zip archive of ``.npy`` files. A member that is stored without compression lies in it as it
is, so it is memory-mapped; a compressed one is unpacked block by block. Memory holds a block.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, first_line

BLOCK_BYTES = 4 * 2**20
"""What is read at once."""
LOCAL_HEADER = struct.Struct("<26xHH")
"""The fixed part of a member's header in a zip archive: it ends in the lengths of the name and of the
extra field, which follow it (APPNOTE.TXT of PKWARE, section 4.3.7)."""
UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError,
              RuntimeError)  # fmt: skip
"""Exceptions of zipfile and numpy for a file that is damaged, encrypted or no archive at all."""


@dataclass(frozen=True, slots=True)
class NpzArray:
    """One array of a file."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int | None
    """Of its first number in the file; ``None`` if it is compressed."""

    @property
    def rows(self) -> int:
        """Length along the first axis; 0 for a scalar."""
        return self.shape[0] if self.shape else 0

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(np.prod(self.shape[1:], dtype=np.int64)) * self.dtype.itemsize

    def mapped(self) -> NDArray[Any]:
        """Return the array as a read-only memory map.

        Raises:
            DataError: the file is gone or cut short.
            TypeError: it is compressed.
        """
        if self.offset is None:
            raise TypeError(f"{self.name} is compressed")
        if not self.rows:
            return np.empty(self.shape, self.dtype)
        try:
            return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        except UNREADABLE as error:
            raise DataError(
                f"{self.path}: cannot be read ({first_line(error)}); copy it again"
            ) from error

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Yield the rows of the array, some at a time, compressed or not.

        Raises:
            DataError: the file is damaged or cut short.
        """
        size = max(1, BLOCK_BYTES // max(1, self.row_bytes))
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.name + ".npy") as file:
                _header(file)
                for begin in range(0, self.rows, size):
                    count = min(size, self.rows - begin)
                    data = _exactly(file, count * self.row_bytes)
                    yield np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])
        except UNREADABLE as error:
            raise DataError(
                f"{self.path}: array {self.name!r} cannot be read ({first_line(error)}); copy the file again"
            ) from error


def members(path: Path) -> dict[str, NpzArray]:
    """Return the arrays of a file by name, in the order in which they are stored.

    Raises:
        DataError: the file is missing, damaged or no ``.npz``, or an array in it is no plain one.
    """
    if not path.is_file():
        raise DataError(f"{path}: {'no file' if path.exists() else 'not there'}")
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
            return {
                info.filename.removesuffix(".npy"): _member(path, archive, info, raw)
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
    except UNREADABLE as error:
        raise DataError(
            f"{path}: cut short, or not an .npz file of arrays ({first_line(error)}); copy it again, or write"
            " it with np.savez"
        ) from error


def _member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, raw: IO[bytes]
) -> NpzArray:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as file:
        shape, fortran, dtype = _header(file)
        header_bytes = file.tell()
    if dtype.hasobject:
        raise DataError(f"{path}: array {name!r} holds Python objects; write numbers")
    if fortran and len(shape) > 1:
        raise DataError(
            f"{path}: array {name!r} is stored column by column; write np.ascontiguousarray of it"
        )
    offset = None
    if info.compress_type == zipfile.ZIP_STORED:
        raw.seek(info.header_offset)
        lengths = LOCAL_HEADER.unpack(raw.read(LOCAL_HEADER.size))
        offset = info.header_offset + LOCAL_HEADER.size + sum(lengths) + header_bytes
    return NpzArray(path, name, shape, dtype, offset)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of a ``.npy`` file: shape, whether columns come first, and type."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"format {version} of .npy is not known")
    return read(file)


def _exactly(file: IO[bytes], count: int) -> bytearray:
    """Read a number of bytes; a zip member may return fewer at a time."""
    data = bytearray(count)
    rest = memoryview(data)
    while rest:
        part = file.read(len(rest))
        if not part:
            raise EOFError("it is cut short")
        rest[: len(part)] = part
        rest = rest[len(part) :]
    return data


@contextmanager
def npy_writer(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[IO[bytes]]:
    """Open a ``.npy`` file whose rows are then written one after the other.

    Raises:
        DataError: it cannot be written, or the disk is full.
    """
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    try:
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            yield file
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror or error}); make room, or choose another folder"
            " with MABE_HOME"
        ) from error
