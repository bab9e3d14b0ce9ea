"""Following a file that another process appends to."""

import os
from pathlib import Path

CHUNK_BYTES = 1 << 20


class LineTail:
    """Gives the whole lines of a growing file, each once.

    A last line without its end is held back until the rest comes. Where the file was replaced (another
    inode) or cut (smaller than what was read), it is read again from its beginning. A file that is not
    there yet is empty.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        """Bytes up to the end of the last whole line that was given."""
        self._inode: int | None = None

    def read(self) -> list[bytes]:
        """Return the whole lines that came since the last call, without their ends."""
        return [line for line, _ in self.read_with_offsets()]

    def read_with_offsets(self) -> list[tuple[bytes, int]]:
        """Return the new whole lines, each with the offset just behind it."""
        lines: list[tuple[bytes, int]] = []
        try:
            with self.path.open("rb") as file:
                self._start_over_if_replaced(os.fstat(file.fileno()))
                file.seek(self.offset)
                data = b""
                while chunk := file.read(CHUNK_BYTES):
                    data = self._split(data + chunk, lines)
        except OSError:
            return lines
        return lines

    def read_partial(self) -> bytes:
        """Return what is behind the last whole line: a torn line, once nobody writes any more."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return file.read()
        except OSError:
            return b""

    def _split(self, data: bytes, lines: list[tuple[bytes, int]]) -> bytes:
        *whole, rest = data.split(b"\n")
        for line in whole:
            self.offset += len(line) + 1
            lines.append((line, self.offset))
        return rest

    def _start_over_if_replaced(self, status: os.stat_result) -> None:
        replaced = self._inode is not None and status.st_ino != self._inode
        if replaced or status.st_size < self.offset:
            self.offset = 0
        self._inode = status.st_ino


def first_line(path: Path) -> bytes:
    """Return the file's first whole line; empty where there is none."""
    try:
        with path.open("rb") as file:
            line = file.readline()
    except OSError:
        return b""
    return line[:-1] if line.endswith(b"\n") else b""


def last_lines(path: Path, size: int = 256 * 1024) -> list[bytes]:
    """Return the whole lines in the last ``size`` bytes, without reading what is before them."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - size)
            file.seek(start)
            data = file.read()
    except OSError:
        return []
    lines = data.split(b"\n")[:-1]
    return lines[1:] if start else lines
