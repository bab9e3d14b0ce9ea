"""Coordinates and motion of windows in one pass over their frames, compiled for the CPU by numba.

The same numbers as :mod:`core.features.blocks` and :mod:`core.features.motion` compute with torch, in
single precision and in the same order. There each operation goes through memory by itself, a dozen in
all; here a few frames at a time are read, made noisy, differenced and standardised in the processor's
cache. Every frame is computed by itself: neither threads, nor the order of windows, nor how a video is
cut can change a result. Importing this compiles it, or takes what an earlier process has compiled.

Indices are unsigned: for signed ones numba compiles Python's counting from the end, too, and then uses
no vector instructions, which are several times as fast. Slices of arrays are slow inside a loop, so
arrays are flat and come with the index to begin at.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]
Index = np.uint64

ROWS = 16
"""Frames at a time: what is made of them takes 30 kB for four mice with 18 keypoints."""
ONE, TWO = Index(1), Index(2)
NAN, NOTHING = np.float32(np.nan), np.float32(0)
LARGEST = np.finfo(np.float32).max
SIGNATURE = (
    "void(f4[:,::1], f4[:,::1], i8[::1], i8[::1], i8[::1], f4[::1], f4[::1],"
    " f4[::1], f4[::1], f4, i8[::1], i8, i8, f4[::1])"
)


@njit
def _standard(value: Any, affine: Any, feature: Any) -> Any:
    scale, bias, clip = affine
    value = value * scale[feature] + bias[feature]
    value = value if abs(value) <= LARGEST else NOTHING  # where it is NaN, too
    return min(max(value, -clip), clip)


@njit
def _read(into: Array, at: Any, positions: Array, noise: Array, video: Any, frame: Any) -> None:
    """Read a frame; outside its video (first row, frames, scale) nothing is known."""
    first, frames, unit = video
    columns = Index(positions.shape[1])
    if frame < 0 or frame >= frames:
        for k in range(columns):
            into[at + k] = NAN
        return
    row = Index(first + frame)
    turn = row % Index(len(noise))
    for k in range(columns):
        into[at + k] = positions[row, k] * unit + noise[turn, k]


@njit
def _read_before(
    into: Array, at: Any, positions: Array, noise: Array, video: Any, frame: Any, gap: Any
) -> None:
    """Make up a frame before the video as :func:`core.features.motion.extend_start` does."""
    columns = Index(positions.shape[1])
    edge = np.empty(2 * positions.shape[1], np.float32)
    _read(edge, Index(0), positions, noise, video, 0)
    _read(edge, columns, positions, noise, video, gap)
    steps = (gap - 1 - frame) // gap
    _read(into, at, positions, noise, video, frame + steps * gap)
    for k in range(columns):
        for _ in range(steps):
            into[at + k] -= edge[columns + k] - edge[k]


@njit
def _read_rows(
    into: Array, rows: Any, positions: Array, noise: Array, video: Any, frame: Any, gap: Any
) -> None:
    for row in range(rows):
        at = Index(row) * Index(positions.shape[1])
        if frame + row < 0:
            _read_before(into, at, positions, noise, video, frame + row, gap)
        else:
            _read(into, at, positions, noise, video, frame + row)


@njit
def _difference(into: Array, values: Array, apart: Any, count: Any) -> None:
    for k in range(count):
        into[k] = values[k + apart] - values[k]


@njit
def _values(
    out: Array, to: Any, block: Any, values: Array, at: Any, count: Any, affine: Any
) -> None:
    for k in range(count):
        out[to + block + k] = _standard(values[at + k], affine, block + k)


@njit
def _lengths(
    out: Array, to: Any, block: Any, vectors: Array, at: Any, count: Any, affine: Any
) -> None:
    for k in range(count):
        x, y = vectors[at + TWO * k], vectors[at + TWO * k + ONE]
        out[to + block + k] = _standard(math.sqrt(x * x + y * y), affine, block + k)


@njit
def _tracked(
    out: Array, to: Any, block: Any, points: Array, at: Any, count: Any, affine: Any
) -> None:
    for k in range(count):
        x, y = points[at + TWO * k], points[at + TWO * k + ONE]
        known = NOTHING if math.isnan(x) or math.isnan(y) else np.float32(1)
        out[to + block + k] = _standard(known, affine, block + k)


@njit
def _multiply(into: Array, values: Array, by: Any) -> None:
    for k in range(Index(len(values))):
        into[k] = values[k] * by


def _windows(
    positions: Array,
    noise: Array,
    offsets: Array,
    frames: Array,
    starts: Array,
    units: Array,
    rates: Array,
    scale: Array,
    bias: Array,
    clip: Any,
    blocks: Array,
    gap: Any,
    length: Any,
    out: Array,
) -> None:
    """Write the features of windows; :class:`core.features.compiled.CompiledPass` says of what."""
    columns, features = Index(positions.shape[1]), Index(len(scale))
    points, apart = columns // TWO, Index(gap) * columns
    coordinates, speed, acceleration, mask = blocks[0], blocks[1], blocks[2], blocks[3]
    now = np.empty((ROWS + 2 * gap) * positions.shape[1], np.float32)
    steps, changes = np.empty_like(now), np.empty_like(now)
    plain = (scale, bias, clip)
    first_order = (np.empty_like(scale), bias, clip)
    second_order = (np.empty_like(scale), bias, clip)
    for window in range(len(starts)):
        video = (offsets[window], frames[window], units[window])
        _multiply(first_order[0], scale, rates[window])
        _multiply(second_order[0], scale, rates[window] * rates[window])
        for begin in range(0, length, ROWS):
            rows = min(ROWS, length - begin)
            frame = starts[window] + begin - 2 * gap
            _read_rows(now, rows + 2 * gap, positions, noise, video, frame, gap)
            _difference(steps, now, apart, Index(rows + gap) * columns)
            _difference(changes, steps, apart, Index(rows) * columns)
            for row in range(rows):
                to = Index(window * length + begin + row) * features
                past = Index(row) * columns
                last = past + apart
                if coordinates >= 0:
                    _values(out, to, Index(coordinates), now, last + apart, columns, plain)
                if speed >= 0:
                    _lengths(out, to, Index(speed), steps, last, points, first_order)
                if acceleration >= 0:
                    _lengths(out, to, Index(acceleration), changes, past, points, second_order)
                if mask >= 0:
                    _tracked(out, to, Index(mask), now, last + apart, points, plain)


def _compiled() -> Any:
    try:
        return njit(SIGNATURE, nogil=True, error_model="numpy", cache=True)(_windows)
    except (
        Exception
    ):  # no folder that it can be kept in, or a damaged copy: this process's own, then
        return njit(SIGNATURE, nogil=True, error_model="numpy")(_windows)


windows = _compiled()
"""Of :func:`_windows`, the compiled form."""
