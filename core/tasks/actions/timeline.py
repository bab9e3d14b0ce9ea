"""One frame rate for all videos: positions and labels of any video at the model's rate, and back again.

Frame k of the model's timeline is at the video's own frame ``k × ratio``, where the ratio is that of the
video's rate to the model's. Positions are linear between the video's frames, labels those of the nearest
frame, and probabilities linear between the timeline's frames.
"""

import math

import numpy as np
import numpy.typing as npt

from core.frames.windows import Indices
from core.models.chunking import Chunk

Floats = npt.NDArray[np.float64]
ROUNDING = 1e-9
"""Places nearer than this to a whole frame are that frame."""


def timeline_frames(frames: int, ratio: float) -> int:
    """Return the frames that a video of some frames of its own has on the timeline."""
    return math.floor((frames - 1) / ratio + ROUNDING) + 1 if frames else 0


def positions_at(positions: npt.NDArray[np.float32], places: Floats) -> npt.NDArray[np.float32]:
    """Interpolate positions linearly.

    Args:
        positions: ``(frames, ...)``, NaN where missing; may be a memory map, of which only the frames
            between the first and the last place are read.
        places: ``(places,)`` ascending, in the video's own frames.

    Returns:
        ``(places, ...)``: NaN outside the video, and where one of the two frames is missing that a place
        lies between.
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
    """Return the video's own frame nearest to each place, ``(places,)``; may lie outside the video."""
    return np.floor(places + 0.5).astype(np.int64)


def own_frames(chunk: Chunk, frames: int, ratio: float) -> Indices:
    """Return the video's own frames that a chunk of its timeline answers; no two chunks share one.

    Args:
        chunk: the chunk.
        frames: of the video.
        ratio: of the video's frame rate to the timeline's.
    """
    last = chunk.stop >= timeline_frames(frames, ratio)
    stop = frames if last else math.ceil(chunk.stop * ratio - ROUNDING)
    return np.arange(math.ceil(chunk.first * ratio - ROUNDING), min(stop, frames))


def values_at(values: npt.NDArray[np.float32], places: Floats) -> npt.NDArray[np.float32]:
    """Interpolate a window's answers linearly; before its first and after its last frame they stay.

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
