"""Filling short gaps in tracking, on any device."""

import torch
from torch import Tensor


def interpolate(positions: Tensor, max_gap: int) -> Tensor:
    """Fill short gaps linearly in time, each point by itself.

    A gap is a run of frames in which a point is missing (either coordinate NaN) between two frames in
    which it was tracked. Longer gaps, and those at the start or the end, stay as they are.

    Args:
        positions: ``(..., time, mice, keypoints, 2)``, NaN where missing.
        max_gap: longest run of missing frames to fill; 0 fills none.

    Returns:
        A new tensor of the same shape.
    """
    missing = positions.isnan().any(dim=-1)
    frames = missing.shape[-3]
    numbers = torch.arange(frames, device=positions.device)[:, None, None]
    before = numbers.where(~missing, -1).cummax(dim=-3).values
    after = numbers.where(~missing, frames).flip(-3).cummin(dim=-3).values.flip(-3)
    short = missing & (before >= 0) & (after < frames) & (after - before <= max_gap + 1)
    share = (numbers - before) / (after - before).clamp(min=1)
    first = _at(positions, before.clamp(min=0))
    second = _at(positions, after.clamp(max=frames - 1))
    filled = torch.lerp(first, second, share[..., None].to(positions.dtype))
    return filled.where(short[..., None], positions)


def _at(positions: Tensor, frame: Tensor) -> Tensor:
    """Take each point at its own frame: ``frame`` is ``(..., time, mice, keypoints)``."""
    return positions.gather(-4, frame[..., None].expand(positions.shape))
