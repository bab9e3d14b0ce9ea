"""Follow a file that another process appends to."""

import os
from pathlib import Path

CHUNK_BYTES = 1 << 20


class LineTail:
    """Yields the complete lines of a growing file, each exactly once.

    An unterminated last line is held back until the rest arrives. If the file was replaced (another inode)
    or truncated (smaller than what was read), it is read again from the beginning. A missing file counts as
    empty.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        """Offset just after the last complete line that was returned."""
        self._inode: int | None = None

    def read(self) -> list[bytes]:
        """Return the complete lines added since the last call, without line ends."""
        return [line for line, _ in self.read_with_offsets()]

    def read_with_offsets(self) -> list[tuple[bytes, int]]:
        """Return the new complete lines, each with the offset just after it."""
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
        """Return what follows the last complete line: a torn line, once nothing writes any more."""
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
    """Return the file's first complete line; empty if there is none."""
    try:
        with path.open("rb") as file:
            line = file.readline()
    except OSError:
        return b""
    return line[:-1] if line.endswith(b"\n") else b""


def last_lines(path: Path, size: int = 256 * 1024) -> list[bytes]:
    """Return the complete lines within the last ``size`` bytes, without reading what precedes them."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - size)
            file.seek(start)
            data = file.read()
    except OSError:
        return []
    lines = data.split(b"\n")[:-1]
    return lines[1:] if start else lines
