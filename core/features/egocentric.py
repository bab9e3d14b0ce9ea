"""Every mouse's keypoints as each mouse sees them: from its own centre, with its own heading ahead."""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.data.keypoints import slots_of_size


def egocentric(positions: Tensor, to_cm: Tensor, slots: Sequence[str] | None = None) -> Tensor:
    """Return all keypoints in the frame of each mouse in turn, the observer, in cm.

    The origin is the observer's centre, the mean of the points tracked; +x is its body axis, from tail
    base to nose. As y of an image points down, +y is the mouse's right. Nothing changes when the whole
    scene is moved or turned. Two mice of 7 keypoints give 56 columns, four of 18 give 576.

    Args:
        positions: ``(..., mice, keypoints, 2)``, NaN where missing.
        to_cm: what a length is multiplied by to be in cm; broadcasts with ``(...)``.
        slots: body part of each keypoint, among them nose and tail base; by default, those of the set of
            that size.

    Returns:
        ``(..., observers × mice × keypoints × 2)``, x before y, the observer itself among the mice in
        its slot. NaN where the point is missing, and all of an observer's where its nose or tail base
        is missing or the two are the same point.
    """
    slots = slots or slots_of_size(positions.shape[-2])
    nose, tail = slots.index("nose"), slots.index("tail_base")
    axes = positions[..., nose, :] - positions[..., tail, :]
    ahead = axes / torch.linalg.vector_norm(axes, dim=-1, keepdim=True) * to_cm[..., None, None]
    cos, sin = ahead[..., None, None, :].unbind(-1)
    centres = positions.nanmean(dim=-2)
    offsets = positions[..., None, :, :, :] - centres[..., :, None, None, :]
    x, y = offsets.unbind(-1)
    return torch.stack((x * cos + y * sin, y * cos - x * sin), dim=-1).flatten(-4)
