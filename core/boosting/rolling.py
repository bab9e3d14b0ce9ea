"""Statistics over a centred window of frames, for many columns at once, leaving missing values out."""

import numpy as np
import numpy.typing as npt

Columns = npt.NDArray[np.float32]
"""``(frames, columns)``, NaN where missing."""


def rolling_moments(columns: Columns, half: int) -> tuple[Columns, Columns]:
    """Return mean and standard deviation over the frames from ``t - half`` to ``t + half``.

    Fewer frames at both ends. Sums are taken in float64 of the differences from each column's mean, so that
    a small spread of large values survives.

    Returns:
        Both ``(frames, columns)``; NaN where all frames of the window are missing.
    """
    there = ~np.isnan(columns)
    count = there.sum(axis=0)
    centre = np.where(there, columns, 0).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    shifted = np.where(there, columns - centre, 0.0)
    first, stop = _window(len(columns), half)
    number = _sums(there.astype(np.float64), first, stop)
    number[number == 0] = np.nan
    mean = _sums(shifted, first, stop) / number
    variance = _sums(np.square(shifted), first, stop) / number - np.square(mean)
    deviation = np.sqrt(variance.clip(min=0))
    return (mean + centre).astype(np.float32), deviation.astype(np.float32)


def rolling_least(columns: Columns, half: int) -> Columns:
    """Return the least value from ``t - half`` to ``t + half``, ``(frames, columns)``.

    The minimum over a window is that over two windows of half its length that overlap, and so on: the number
    of passes is the logarithm of the window.
    """
    edge = np.full((half, columns.shape[1]), np.nan, np.float32)
    least = np.concatenate((edge, columns, edge))
    length, width = 1, 2 * half + 1
    while length < width:
        step = min(length, width - length)
        least = np.fmin(least[: len(least) - step], least[step:])
        length += step
    return least


def rolling_largest(columns: Columns, half: int) -> Columns:
    """Return the largest value from ``t - half`` to ``t + half``, ``(frames, columns)``."""
    return np.negative(rolling_least(np.negative(columns), half))


def lagged(columns: Columns, lag: int) -> Columns:
    """Return the columns ``lag`` frames later, or earlier if negative; NaN beyond the ends."""
    out = np.full_like(columns, np.nan)
    if abs(lag) >= len(columns):
        return out
    if lag >= 0:
        out[: len(columns) - lag] = columns[lag:]
    else:
        out[-lag:] = columns[:lag]
    return out


def _window(frames: int, half: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    at = np.arange(frames)
    return np.maximum(at - half, 0), np.minimum(at + half + 1, frames)


def _sums(
    values: npt.NDArray[np.float64], first: npt.NDArray[np.int64], stop: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the sum of rows ``first`` to ``stop``, exclusive, for each pair of them."""
    total = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=total[1:])
    sums: npt.NDArray[np.float64] = total[stop] - total[first]
    return sums
