"""Convert long-form tracking (one row per point) to a dense array, about as fast as it is decoded.

The (frame, mouse, body part) of a row becomes one flat cell number, and each point is written as a
single complex64. That is about 20 times faster than ``pivot_table``, which also loses frames without
rows and silently averages duplicates (``tests/bench/bench_parquet.py``).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.data.keypoints import slot_of
from core.data.parquet import Kind, largest_value, numbers, read_columns
from core.errors import DataError

COLUMNS: dict[str, Kind] = {
    "video_frame": "integer",
    "mouse_id": "integer",
    "bodypart": "text",
    "x": "number",
    "y": "number",
}
MAX_CELLS = 2**30
"""Maximum points in one array: 34 hours of 4 mice × 18 keypoints at 120 frames a second. A frame number
beyond that is damaged; and cell numbers fit into 32 bits, which makes them faster."""
FARTHEST = 100_000.0
"""Maximum distance in pixels from the picture's corner, ten times the width of the largest pictures. A
coordinate beyond it is a mistake, and one of 1e30 would dominate the mean of a whole data set."""
MAX_MOUSE_ID = 127
"""The competition stores mouse ids in eight bits."""
NOTHING = np.complex64(complex(np.nan, np.nan))
"""Value of a cell without a point."""
NO_CELL = -MAX_CELLS
"""Stays below 0 after adding any frame's offset, and within 32 bits when added to itself."""
Coordinates = npt.NDArray[Any]
CHUNK_ROWS = 131_072
"""Rows processed at a time, so that the intermediate arrays stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """The positions of one video."""

    positions: npt.NDArray[np.float32]
    """``(frames, mice, keypoints, 2)`` in pixels, NaN where missing; row i is video frame i."""
    mouse_ids: tuple[int, ...]
    """The mouse in each slot; later slots are empty."""
    left_out: tuple[int, ...]
    """Ids of mice without a slot."""
    dropped: dict[str, int]
    """Points of body parts without a slot, by body part."""
    duplicates: int
    """Rows that a later row of the same frame, mouse and slot replaced."""
    non_finite: int
    """Rows with NaN or infinite coordinates, which count as missing."""
    far_off: int
    """Rows with coordinates beyond :data:`FARTHEST`, which count as missing too."""
    first_frame: int
    """The smallest frame number; earlier frames exist, but are empty."""

    @property
    def frames(self) -> int:
        """Frames of the video: its last frame number plus one."""
        return len(self.positions)


def count_frames(path: Path, most: int = MAX_CELLS) -> int:
    """Return the number of frames, from the file's column statistics if it has them.

    Args:
        path: the parquet file.
        most: maximum number of frames.

    Raises:
        DataError: as :func:`read_positions`.
    """
    last = largest_value(path, "video_frame")
    if last is None:
        raise _without_rows(path)
    if last >= most:
        raise DataError(
            f"{path}: column 'video_frame' goes up to {last}, but {most - 1} is the most that"
            " the video's length allows; number the frames from 0"
        )
    return last + 1


def read_positions(
    path: Path,
    slots: tuple[str, ...],
    max_mice: int,
    *,
    most_frames: int = MAX_CELLS,
    threads: bool = True,
) -> Tracking:
    """Read one tracking file.

    Mice fill the slots in the order of their ids. Rows may come in any order, and frames need not
    start at 0; a frame without rows is all NaN. The last of duplicate rows counts.

    Args:
        path: the parquet file, in the competition's long form.
        slots: body part of each keypoint index.
        max_mice: mouse slots; further mice are left out.
        most_frames: maximum number of frames.
        threads: whether pyarrow may decode in parallel.

    Raises:
        DataError: a damaged file, a missing or wrongly typed column, no rows, or an impossible frame or
            mouse number.
    """
    table = read_columns(path, COLUMNS, coded=["bodypart"], threads=threads)
    if table.num_rows == 0:
        raise _without_rows(path)
    limit = min(MAX_CELLS // (max_mice * len(slots)), most_frames) - 1
    first, last = _checked_range(path, table, "video_frame", limit)
    first_mouse, last_mouse = _checked_range(path, table, "mouse_id", MAX_MOUSE_ID)
    mice = _distinct(table.column("mouse_id"), first_mouse, last_mouse)
    grid = _Grid(last + 1, mice, slots, max_mice)
    for batch in table.to_batches(CHUNK_ROWS):
        grid.write(batch)
    return Tracking(
        positions=grid.positions,
        mouse_ids=mice[:max_mice],
        left_out=mice[max_mice:],
        dropped=grid.dropped,
        duplicates=grid.written - grid.filled(),
        non_finite=grid.non_finite,
        far_off=grid.far_off,
        first_frame=first,
    )


class _Grid:
    """The array being filled, as flat complex64 cells: one per point, x real and y imaginary."""

    def __init__(
        self, frames: int, mice: tuple[int, ...], slots: tuple[str, ...], max_mice: int
    ) -> None:
        self.slots = slots
        self.kept = mice[:max_mice]
        self._mice_left_out = len(mice) > max_mice
        self.shape = (frames, max_mice, len(slots), 2)
        self.cells = np.empty(frames * max_mice * len(slots), np.complex64)
        self.cells.fill(NOTHING)
        self.written = self.non_finite = self.far_off = 0
        self.dropped: dict[str, int] = {}
        self._learn([])

    @property
    def positions(self) -> npt.NDArray[np.float32]:
        return self.cells.view(np.float32).reshape(self.shape)

    def filled(self) -> int:
        """Count the cells that hold a point: finite, so never equal to the initial NaN."""
        return int(np.count_nonzero(self.cells.view(np.int64) != NOTHING.view(np.int64)))

    def write(self, batch: pa.RecordBatch) -> None:
        """Scatter rows of ``COLUMNS`` into the cells, later rows over earlier ones."""
        frame, mouse, part, x, y = batch.columns
        parts = part.dictionary.to_pylist()
        codes = numbers(part.indices)
        if parts != self._parts:
            self._learn(parts)
        self._count_dropped(codes)
        # mouse and part are looked up at once; 32 bits until an index is needed, which is 64
        key = np.multiply(numbers(mouse), len(parts), dtype=np.int32)
        key += codes
        cell = np.take(self._cell_of, key.astype(np.intp))
        cell += np.multiply(numbers(frame), self.shape[1] * self.shape[2], dtype=np.int32)
        x, y = numbers(x), numbers(y)
        point = np.empty(len(cell), np.complex64)
        with np.errstate(over="ignore"):  # an overflow to infinity is not near, as checked below
            point.real, point.imag = x, y
        if self._some_left_out or not is_near(point.view(np.float32)).all():
            wanted = self._real(x, y) & (cell >= 0)
            cell, point = cell[wanted], point[wanted]
        self.cells[cell.astype(np.intp)] = point
        self.written += len(cell)

    def _real(self, x: Coordinates, y: Coordinates) -> npt.NDArray[np.bool_]:
        """Return which points are valid, and count the others."""
        finite = np.isfinite(x) & np.isfinite(y)
        near = is_near(x) & is_near(y)
        self.non_finite += len(x) - int(np.count_nonzero(finite))
        self.far_off += int(np.count_nonzero(finite & ~near))
        return near

    def _learn(self, parts: list[str]) -> None:
        """Read a dictionary of part codes, which may change from one chunk to the next.

        ``_cell_of`` maps ``mouse id × parts + part code`` to the cell within a frame.
        """
        slots = [slot_of(part, self.slots) for part in parts]
        mouse = np.full(MAX_MOUSE_ID + 1, NO_CELL, np.int32)
        mouse[list(self.kept)] = np.arange(len(self.kept)) * len(self.slots)
        part = np.array([NO_CELL if slot is None else slot for slot in slots], np.int32)
        self._parts = parts
        self._cell_of = np.add.outer(mouse, part).ravel()
        self._without_slot = [code for code, slot in enumerate(slots) if slot is None]
        self._some_left_out = self._mice_left_out or bool(self._without_slot)

    def _count_dropped(self, codes: npt.NDArray[np.int32]) -> None:
        if not self._without_slot:
            return
        counts = np.bincount(codes, minlength=len(self._parts))
        for code in self._without_slot:
            if counts[code]:
                name = self._parts[code]
                self.dropped[name] = self.dropped.get(name, 0) + int(counts[code])


def is_near(coordinates: Coordinates) -> npt.NDArray[np.bool_]:
    """Return which coordinates can be a position in or near a picture; NaN is not.

    Avoids ``np.abs``, which leaves the smallest integer of a type negative.
    """
    near: npt.NDArray[np.bool_] = (coordinates <= FARTHEST) & (coordinates >= -FARTHEST)
    return near


def _without_rows(path: Path) -> DataError:
    return DataError(f"{path}: holds no rows; leave the video out or fetch the file again")


def _checked_range(path: Path, table: pa.Table, name: str, limit: int) -> tuple[int, int]:
    """Return a column's minimum and maximum, after checking that both are within 0 and ``limit``."""
    column = table.column(name)
    found = pc.min_max(column).as_py()
    smallest, largest = int(found["min"]), int(found["max"])
    if smallest < 0 or largest > limit:
        wrong = smallest if smallest < 0 else largest
        row = pc.index(column, wrong).as_py()
        raise DataError(f"{path}: column {name!r} is {wrong} in row {row}; it must be 0 to {limit}")
    return smallest, largest


def _distinct(column: pa.ChunkedArray, smallest: int, largest: int) -> tuple[int, ...]:
    """Return the distinct values in ascending order; usually a file's first rows contain them all."""
    every = set(range(smallest, largest + 1))
    found = set(column.slice(0, 4096).unique().to_pylist())
    if found != every:
        found = set(column.unique().to_pylist())
    return tuple(sorted(found))
