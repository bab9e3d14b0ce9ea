"""The offsets of the lines of a huge log: found from its end backwards, a slice at a time.

Positions count from the file's end when it was opened: −1 is the last line at that time, 0 the first
line after it. So the last lines can be shown at once, and no position changes when earlier lines
are found. The index takes eight bytes per line.
"""

import bisect
import os
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

Offsets = NDArray[np.int64]

SLICE_BYTES = 4 << 20
"""Bytes per slice, indexed in about 5 ms: a user interface stays smooth between two slices."""
TAIL_BYTES = 256 << 10
LONGEST_LINE = 64 << 10
"""Maximum number of bytes of a line that are shown or searched."""
NEWLINE = ord("\n")


class LogIndex:
    """The lines of one growing file; an unfinished last line waits for its end.

    A missing file counts as empty. Not thread-safe: one thread at a time.

    Args:
        path: the file.
        from_end: start with the last lines; otherwise at the beginning, where nothing is read before
            :meth:`poll`.
    """

    def __init__(self, path: Path, *, from_end: bool = True) -> None:
        self.path = path
        self.generation = 0
        """Increases when the file was replaced or cut: every position is void then."""
        self._from_end = from_end
        self._inode: int | None = None
        self._anchor = self._back = self._read_to = 0
        """Offsets: of position 0, of the start of the indexed part, and of the end of the part read."""
        self._open()

    @property
    def first(self) -> int:
        """The first known position."""
        return -len(self._before)

    @property
    def stop(self) -> int:
        """One past the last complete line."""
        return len(self._after)

    @property
    def complete(self) -> bool:
        """Whether the index reaches back to the file's first line."""
        return self._back == 0

    @property
    def size(self) -> int:
        """Offset of the end of the last known complete line."""
        return self._end(self.stop - 1)

    def poll(self, limit: int = SLICE_BYTES) -> bool:
        """Read up to ``limit`` appended bytes; return whether there are more."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                replaced = self._inode is not None and status.st_ino != self._inode
                if replaced or status.st_size < self._read_to:
                    self.generation += 1
                    self._open()
                    return True
                self._inode = status.st_ino
                data = _read(file, self._read_to, self._read_to + limit)
        except OSError:
            return False
        self._after.append(_newlines(data) + (self._read_to + 1 - self._anchor))
        self._read_to += len(data)
        return len(data) == limit

    def extend(self, limit: int = SLICE_BYTES) -> bool:
        """Find lines in the ``limit`` bytes before the first known one; return whether there are more."""
        if self.complete:
            return False
        start = max(0, self._back - limit)
        try:
            with self.path.open("rb") as file:
                data = _read(file, start, self._back)
        except OSError:
            data = b""
        if len(data) < self._back - start:
            self.generation += 1
            self._open()
            return not self.complete
        starts = _newlines(data) + (start + 1)
        distances = (self._anchor - starts)[::-1]
        self._before.append(distances[distances > 0])
        if start == 0:
            self._before.append(np.array([self._anchor], dtype=np.int64))
        self._back = start
        return not self.complete

    def lines(self, first: int, count: int) -> list[bytes]:
        """Return the known lines from a position on, without their line ends."""
        begin, stop = max(first, self.first), min(first + count, self.stop)
        if begin >= stop:
            return []
        start, end = self._end(begin - 1), self._end(stop - 1)
        try:
            with self.path.open("rb") as file:
                if end - start > LONGEST_LINE * (stop - begin):
                    return [self._shortened(file, position) for position in range(begin, stop)]
                data = _read(file, start, end)
        except OSError:
            return []
        return data.split(b"\n")[: stop - begin]

    def position_at(self, offset: int) -> int | None:
        """Return the position of the line that contains a byte; ``None`` if it is not indexed (yet)."""
        if offset >= self._anchor:
            position = self._after.at_most(offset - self._anchor)
            return position if position < self.stop else None
        position = -1 - self._before.below(self._anchor - offset)
        return position if position >= self.first else None

    def offset(self, position: int) -> int:
        """Return the offset at which a known line begins."""
        return self._end(position - 1)

    def _end(self, position: int) -> int:
        """Return the offset just after a line; for the line before the first known one, where that begins."""
        if position < -1:
            return self._anchor - self._before[-position - 2]
        return self._anchor + (self._after[position] if position >= 0 else 0)

    def _shortened(self, file: BinaryIO, position: int) -> bytes:
        start, end = self._end(position - 1), self._end(position)
        return _read(file, start, min(end - 1, start + LONGEST_LINE))

    def _open(self) -> None:
        self._before, self._after = GrowingArray(), GrowingArray()
        """Distances from the anchor: of line starts before it, and of line ends after it."""
        self._inode = None
        self._anchor = self._back = self._read_to = 0
        if not self._from_end:
            return
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                self._anchor = _last_line_end(file, status.st_size)
                self._inode = status.st_ino
        except OSError:
            return
        self._back = self._read_to = self._anchor
        self.extend(TAIL_BYTES)


class GrowingArray:
    """Ascending numbers, appended at the end; eight bytes each, whatever their size."""

    BLOCK = 1 << 16

    def __init__(self) -> None:
        self._blocks: list[Offsets] = []
        self._begins: list[int] = []
        """Index of each block's first number."""
        self._firsts: list[int] = []
        """Each block's first number."""
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> int:
        block = bisect.bisect_right(self._begins, index) - 1
        return int(self._blocks[block][index - self._begins[block]])

    def append(self, numbers: Offsets) -> None:
        """Append numbers, all greater than the last."""
        if not numbers.size:
            return
        if self._blocks and len(self._blocks[-1]) + numbers.size <= self.BLOCK:
            self._blocks[-1] = np.concatenate([self._blocks[-1], numbers])
        else:
            self._blocks.append(np.ascontiguousarray(numbers, dtype=np.int64))
            self._begins.append(self._length)
            self._firsts.append(int(numbers[0]))
        self._length += numbers.size

    def at_most(self, value: int) -> int:
        """Count the numbers up to and including ``value``."""
        return self._count(value, "right")

    def below(self, value: int) -> int:
        """Count the numbers below ``value``."""
        return self._count(value, "left")

    def _count(self, value: int, side: Literal["left", "right"]) -> int:
        find = bisect.bisect_right if side == "right" else bisect.bisect_left
        block = find(self._firsts, value) - 1
        if block < 0:
            return 0
        within = self._blocks[block].searchsorted(value, side)
        return self._begins[block] + int(within)


def _newlines(data: bytes) -> Offsets:
    found = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == NEWLINE)
    return found.astype(np.int64, copy=False)


def _last_line_end(file: BinaryIO, size: int) -> int:
    """Return the offset after the last newline; 0 if there is none."""
    stop = size
    while stop > 0:
        start = max(0, stop - TAIL_BYTES)
        if (at := _read(file, start, stop).rfind(b"\n")) >= 0:
            return start + at + 1
        stop = start
    return 0


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(max(0, stop - start))
