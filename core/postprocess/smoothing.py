"""Smooth probabilities over time, each column separately."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

REACH = 4.0
"""A Gaussian is cut off at this many standard deviations."""


def gaussian(values: Floats, sigma: float) -> Floats:
    """Return the running mean of ``(frames,)`` values, weighted by a Gaussian.

    Near both ends, the weights of the existing frames are scaled to sum to 1, so that constants are
    preserved.

    Args:
        values: one label's probabilities.
        sigma: standard deviation in frames; 0 returns the values unchanged.
    """
    frames = len(values)
    if sigma <= 0 or frames == 0:
        return values
    reach = max(1, round(REACH * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    smooth = np.convolve(values, kernel.astype(np.float32), "full")[reach : reach + frames]
    return np.asarray(smooth / _weight_inside(kernel, frames), np.float32)


def _weight_inside(kernel: npt.NDArray[np.float64], frames: int) -> Floats:
    """Return ``(frames,)``: how much of the kernel around each frame lies on frames that exist."""
    reach = len(kernel) // 2
    below = np.concatenate(([0.0], np.cumsum(kernel)))
    frame = np.arange(frames)
    first = np.maximum(reach - frame, 0)
    last = np.minimum(reach + frames - frame, len(kernel))
    return np.asarray(below[last] - below[first], np.float32)


def median_filter(values: Floats, frames: int) -> Floats:
    """Return the centred running median over an odd number of frames, for each column separately.

    The first and last values are repeated beyond both ends. Probabilities are smoothed, not class indices:
    the median of classes 0 and 3 is not a class between them.

    Args:
        values: ``(frames, columns)``.
        frames: 1 returns the values unchanged.
    """
    if frames == 1 or not len(values):
        return values
    half = frames // 2
    padded = np.pad(values, ((half, half), (0, 0)), mode="edge")
    smooth = np.empty_like(values)
    for column in range(values.shape[1]):  # one column at a time bounds the memory
        windows = np.lib.stride_tricks.sliding_window_view(padded[:, column], frames)
        smooth[:, column] = np.median(windows, axis=1)
    return smooth
