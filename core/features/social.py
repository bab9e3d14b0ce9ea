"""The engineered features of v2 and v4: two mice of seven keypoints, 131 numbers a frame.

23 describe the frame, :data:`core.features.columns.FRAME_FEATURES`; 92 are the mean, standard deviation,
minimum and maximum of each of them over the last frames; 16 are principal components of the 28 coordinates
(:mod:`core.features.projection`). A mouse's head is its nose, its tail the tail base, and its centroid
the mean of all seven keypoints, missing where any is: a mean over changing keypoints would jump.
"""

import math

import numpy as np
import torch
from torch import Tensor

from core.data.keypoints import MARS_7
from core.features.motion import context_frames, extend_start
from core.frames.windows import Indices

HEAD, TAIL = MARS_7.index("nose"), MARS_7.index("tail_base")


def frame_features(positions: Tensor, rate: Tensor, lead: Indices, gap: int) -> Tensor:
    """Compute :data:`core.features.columns.FRAME_FEATURES`.

    Args:
        positions: ``(windows, context_frames(gap) + time, 2, 7, 2)``, NaN where missing.
        rate: (windows, 1, 1) what a difference is multiplied by for a speed: fps / frame gap.
        lead: (windows,) frames of ``positions`` that lie before the video.
        gap: frames between the two positions of a difference.

    Returns:
        ``(windows, time, 23)``; NaN where a point is missing, and before the video.
    """
    skip = context_frames(gap)
    centroids = positions.mean(dim=-2)
    axes = positions[..., HEAD, :] - positions[..., TAIL, :]
    angles = torch.atan2(axes[..., 1], axes[..., 0])
    for window in np.flatnonzero(lead):
        extend_start(centroids[window], int(lead[window]), gap)
        extend_start(angles[window], int(lead[window]), gap)
    now = positions[:, skip:]
    features = torch.cat(
        (
            _distances(now, centroids[:, skip:]),
            _kinematics(centroids, rate, gap),
            _angles(angles, rate, gap),
            _shapes(now - centroids[:, skip:, :, None]),
        ),
        dim=-1,
    )
    for window in np.flatnonzero(lead > skip):
        features[window, : int(lead[window]) - skip] = torch.nan
    return features


def rolling(features: Tensor, frames: int) -> Tensor:
    """Summarise the last frames of each feature, gaps left out.

    Args:
        features: ``(windows, frames − 1 + time, columns)``.
        frames: how many, the present one among them; fewer where the video has just begun.

    Returns:
        ``(windows, time, 4 × columns)``: all means, then (population) standard deviations, minima and
        maxima; NaN where no frame has the feature.
    """
    recent = features.unfold(1, frames, 1)
    seen = ~recent.isnan()
    count = seen.sum(dim=-1)
    mean = recent.nansum(dim=-1) / count
    deviation = (recent - mean[..., None]).square_().nansum(dim=-1)
    low = recent.where(seen, torch.inf).amin(dim=-1)
    high = recent.where(seen, -torch.inf).amax(dim=-1)
    none = count == 0
    extremes = (values.masked_fill_(none, torch.nan) for values in (low, high))
    return torch.cat((mean, (deviation / count).sqrt_(), *extremes), dim=-1)


def wrap(angles: Tensor) -> Tensor:
    """Bring angles to −π to π."""
    return torch.remainder(angles + math.pi, 2 * math.pi) - math.pi


def _distances(positions: Tensor, centroids: Tensor) -> Tensor:
    heads, tails = positions[..., HEAD, :], positions[..., TAIL, :]
    pairs = (
        (centroids[..., 0, :], centroids[..., 1, :]),
        (heads[..., 0, :], heads[..., 1, :]),
        (heads[..., 0, :], tails[..., 1, :]),
        (heads[..., 1, :], tails[..., 0, :]),
        (heads[..., 0, :], tails[..., 0, :]),
        (heads[..., 1, :], tails[..., 1, :]),
    )
    return torch.stack([_norm(first - second) for first, second in pairs], dim=-1)


def _kinematics(centroids: Tensor, rate: Tensor, gap: int) -> Tensor:
    """``(windows, time, mice, 2)`` → ``(windows, time, mice × 4)``: speed, velocity, acceleration."""
    velocity = (centroids[:, gap:] - centroids[:, :-gap]) * rate[..., None]
    change = (velocity[:, gap:] - velocity[:, :-gap]) * rate[..., None]
    velocity = velocity[:, gap:]
    parts = (_norm(velocity)[..., None], velocity, _norm(change)[..., None])
    return torch.cat(parts, dim=-1).flatten(2)


def _angles(angles: Tensor, rate: Tensor, gap: int) -> Tensor:
    """``(windows, time, mice)`` → ``(windows, time, 5)``."""
    turned = wrap(angles[:, gap:] - angles[:, :-gap])[:, gap:] * rate
    now = angles[:, 2 * gap :]
    relative = wrap(now[..., 1] - now[..., 0])
    return torch.cat((now, turned, relative[..., None]), dim=-1)


def _shapes(offsets: Tensor) -> Tensor:
    """``(..., mice, keypoints, 2)`` from the centroid → ``(..., mice × 2)``: spreads, elongations.

    Spread is the root mean square distance. Elongation is ``(a − b) / (a + b)`` of the variances along
    the principal axes: 0 is round, 1 a line.
    """
    xx, yy = offsets.square().mean(dim=-2).unbind(-1)
    xy = offsets.prod(dim=-1).mean(dim=-1)
    total = xx + yy
    elongation = torch.hypot(xx - yy, 2 * xy) / total
    return torch.cat((total.sqrt(), elongation), dim=-1)


def _norm(vectors: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return norm
