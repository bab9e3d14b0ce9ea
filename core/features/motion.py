"""Speed and acceleration of every keypoint, in windows or whole videos, on any device.

With ``v[t] = (p[t] − p[t − gap]) · fps / gap``, speed is ``|v[t]|`` and acceleration is
``|v[t] − v[t − gap]| · fps / gap``.

Differences come first and gaps propagate through them: whatever touches a missing point is NaN, and is
filled only once it is standardised. Filling positions with zero first made a mean false speed of
14,970 px/s against a true median of 65, on data with 3 % of the points missing.

A frame's motion needs ``context_frames(gap)`` frames before it. Where a video begins there are none:
its first frame copies the motion of its second (its first ``gap`` frames that of frame ``gap``), the
velocity too, so that its acceleration begins with zeros.
:func:`extend_start` gives the positions before frame 0 that bring this about, so that windows with
context and whole videos go through the same arithmetic.
"""

import numpy as np
import torch
from torch import Tensor


def context_frames(gap: int) -> int:
    """Return the frames that must precede a frame for its acceleration to be computed."""
    return 2 * gap


def difference(values: Tensor, gap: int, out: Tensor | None = None) -> Tensor:
    """Subtract what was ``gap`` frames before: ``(..., time, mice, keypoints, 2)``, ``gap`` fewer frames."""
    frames = values.shape[-4] - gap
    return torch.sub(values.narrow(-4, gap, frames), values.narrow(-4, 0, frames), out=out)


def length_(vectors: Tensor, out: Tensor | None = None) -> Tensor:
    """``(..., 2)`` vectors, which are overwritten, → ``(...)`` lengths, NaN where either part is.

    A sum of squares: on a CPU ten times as fast as torch's own norm, ``hypot`` or complex ``abs``.
    """
    squares = vectors.square_()
    return _sqrt_(torch.add(squares[..., 0], squares[..., 1], out=out))


def _sqrt_(values: Tensor) -> Tensor:
    """Take roots in place; on a CPU by NumPy, since torch's (MKL's) slows down threefold at NaN."""
    if values.device.type != "cpu":
        return values.sqrt_()
    np.sqrt(values.numpy(), out=values.numpy())
    return values


def extend_start(positions: Tensor, lead: int, gap: int = 1) -> None:
    """Fill the frames before a video's first one as if it had moved there as it did right after.

    Args:
        positions: ``(time, mice, keypoints, 2)``, changed in place.
        lead: frames of it that lie before the video; the last ``context_frames(gap)`` are filled.
        gap: frames between the two positions of a difference.
    """
    if lead + gap < len(positions):
        step = positions[lead + gap] - positions[lead]
    else:
        step = torch.full_like(positions[0], torch.nan)
    first = max(lead - context_frames(gap), 0)
    for stop in range(lead, first, -gap):
        start = max(stop - gap, first)
        positions[start:stop] = positions[start + gap : stop + gap] - step
