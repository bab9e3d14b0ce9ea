"""One frame rate for all videos: resample positions and labels to the model's rate, and answers back again.

Frame k of the model's timeline is frame ``k × ratio`` of the video, where the ratio is the video's frame rate
divided by the model's. Positions and probabilities are interpolated linearly; labels are those of the nearest
frame.
"""

import math

import numpy as np
import numpy.typing as npt

from core.frames.windows import Indices
from core.models.chunking import Chunk

Floats = npt.NDArray[np.float64]
ROUNDING = 1e-9
"""Places closer than this to a whole frame count as that frame."""


def timeline_frames(frames: int, ratio: float) -> int:
    """Return how many frames of the timeline a video with the given number of frames has."""
    return math.floor((frames - 1) / ratio + ROUNDING) + 1 if frames else 0


def positions_at(positions: npt.NDArray[np.float32], places: Floats) -> npt.NDArray[np.float32]:
    """Interpolate positions linearly.

    Args:
        positions: ``(frames, ...)``, NaN where missing; if it is a memory map, only the frames between the
            first and the last place are read.
        places: ``(places,)`` ascending, in frames of the video.

    Returns:
        ``(places, ...)``: NaN outside the video, and where either of the neighbouring frames is missing.
    """
    out = np.full((len(places), *positions.shape[1:]), np.nan, np.float32)
    low, high = np.searchsorted(places, [-ROUNDING, len(positions) - 1 + ROUNDING], side="right")
    if low >= high:
        return out
    inside = np.clip(places[low:high], 0, len(positions) - 1)
    before = np.floor(inside + ROUNDING).astype(np.int64)
    share = np.maximum(inside - before, 0)
    first, last = int(before[0]), min(int(before[-1]) + 1, len(positions) - 1)
    part = np.asarray(positions[first : last + 1])
    start = part[before - first]
    if (share <= ROUNDING).all():
        out[low:high] = start
        return out
    share[share <= ROUNDING] = 0
    after = np.where(share > 0, np.minimum(before + 1, last), before)
    weight = share.astype(np.float32).reshape(-1, *(1,) * (positions.ndim - 1))
    out[low:high] = start + weight * (part[after - first] - start)
    return out


def nearest_frames(places: Floats) -> Indices:
    """Return the frame of the video nearest to each place, ``(places,)``; may lie outside the video."""
    return np.floor(places + 0.5).astype(np.int64)


def own_frames(chunk: Chunk, frames: int, ratio: float) -> Indices:
    """Return the frames of the video that a chunk of its timeline answers; no two chunks share a frame.

    Args:
        chunk: the chunk.
        frames: frames of the video.
        ratio: the video's frame rate divided by the timeline's.
    """
    last = chunk.stop >= timeline_frames(frames, ratio)
    stop = frames if last else math.ceil(chunk.stop * ratio - ROUNDING)
    return np.arange(math.ceil(chunk.first * ratio - ROUNDING), min(stop, frames))


def values_at(values: npt.NDArray[np.float32], places: Floats) -> npt.NDArray[np.float32]:
    """Interpolate a window's answers linearly; beyond either end, they keep the value at that end.

    Args:
        values: ``(window, actions)``.
        places: ``(places,)`` in frames of the window.

    Returns:
        ``(places, actions)``.
    """
    inside = np.clip(places, 0, len(values) - 1)
    before = np.floor(inside + ROUNDING).astype(np.int64)
    share = np.maximum(inside - before, 0).astype(np.float32)[:, None]
    if not (share > ROUNDING).any():
        return values[before]
    after = np.minimum(before + 1, len(values) - 1)
    return values[before] + share * (values[after] - values[before])
