"""What one mouse sees of itself and of another: the inputs of a model of actions between identified mice.

Everything is expressed in the coordinate frame of the agent: its origin lies between the ears, and its axis
points there from the tail base. Moving or rotating the scene, or filming it at another scale, does not change
the numbers, so no random rotations are needed in training. Lengths are compressed as ``log(1 + r / 5 cm)``
along their direction, so that the width of a body and that of an arena both lie within a few units.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from core.data.keypoints import SLOTS_18
from core.features.contact import contact
from core.features.mirror import mirrored_slots
from core.features.pair_columns import FEATURES, HALF_LAGS, SELF_FEATURES

HALO = max(HALF_LAGS)
"""Frames needed before and after those that are described."""
LENGTH_CM = 5.0
"""Unit of lengths: well below it they are linear, above it logarithmic."""
SPEED_CM_S = 10.0
"""The same for speeds."""
CONTACT_CENTRE, CONTACT_SPREAD = 2.0, 1.5
"""Approximate mean and standard deviation of the logarithms of distances."""
MIRROR = list(mirrored_slots(SLOTS_18))
"""The slot of each keypoint's counterpart on the other side."""
HEADS = (("ear_left", "ear_right"), ("neck",), ("ear_left",), ("ear_right",), ("nose",))
"""The origin is the centre of the first of these sets of points that is tracked."""
REARS = (("tail_base",), ("hip_left", "hip_right"), ("spine_2",), ("body_center",))
"""The axis begins at the centre of the first of these sets that is tracked."""


class _Frame(NamedTuple):
    """Origin and direction of a mouse in each video frame, NaN where unknown."""

    head: Tensor
    """(..., 2)"""
    rear: Tensor
    """(..., 2)"""
    forward: Tensor
    """(..., 2) of length 1, from rear to head."""
    length: Tensor
    """(...,) from rear to head, in cm."""


def pair_view(positions: Tensor, is_pair: Tensor, frames_per_second: float) -> Tensor:
    """Describe windows of one or two mice.

    Args:
        positions: ``(rows, time + 2 × HALO, 2, 18, 2)`` in cm: agent and target, the keypoints of
            :data:`core.data.keypoints.SLOTS_18`; NaN where missing. The target of a mouse alone is
            ignored.
        is_pair: ``(rows,)`` bool.
        frames_per_second: frame rate of the windows.

    Returns:
        ``(rows, time, FEATURES)`` float32. Whatever is missing, or depends on something missing, is NaN;
        other columns tell which points are present. The target's columns of a mouse alone are 0.
    """
    inner = slice(HALO, positions.shape[1] - HALO)
    out = positions.new_zeros((len(positions), positions.shape[1] - 2 * HALO, FEATURES))
    agents = positions[:, :, 0]
    agent = _frame_of(agents)
    out[..., :SELF_FEATURES] = torch.cat(
        (*_one(agents, agent, agent, inner, frames_per_second), _length(agent, inner)), dim=-1
    )
    pairs = is_pair.nonzero().squeeze(1)
    if len(pairs):
        both = positions[pairs]
        seen, seer = both[:, :, 1], _Frame(*(part[pairs] for part in agent))
        target = _frame_of(seen)
        unit = both.new_ones(())
        touch = contact(both[:, inner], unit).sub_(CONTACT_CENTRE).div_(CONTACT_SPREAD)
        heading = torch.stack(_turn(seer.forward, target.forward), dim=-1)[:, inner]
        columns = (
            *_one(seen, target, seer, inner, frames_per_second),
            target.length[:, inner, None].isfinite().float(),
            heading,
            touch,
        )
        out[pairs, :, SELF_FEATURES:] = torch.cat(columns, dim=-1)
    return out


def mirror_image(positions: Tensor) -> Tensor:
    """Return the mirror image of a scene: x negated, left and right keypoints swapped.

    Args:
        positions: ``(..., 18, 2)``.
    """
    flipped = positions[..., MIRROR, :].clone()
    flipped[..., 0].neg_()
    return flipped


def _frame_of(points: Tensor) -> _Frame:
    """Return the coordinate frame of a mouse from its points, ``(rows, time, 18, 2)``."""
    head, rear = _first_tracked(points, HEADS), _first_tracked(points, REARS)
    axis = head - rear
    length = axis.square().sum(dim=-1).sqrt()
    length = length.masked_fill(length < 1e-3, torch.nan)
    return _Frame(head, rear, axis / length[..., None], length)


def _first_tracked(points: Tensor, choices: tuple[tuple[str, ...], ...]) -> Tensor:
    """Return the centre of the first of several sets of points that is tracked, ``(..., 2)``."""
    slots = [[SLOTS_18.index(name) for name in names] for names in choices]
    found = points[..., slots[0], :].mean(dim=-2)
    for chosen in slots[1:]:
        missing = found.isnan()
        if not missing.any():
            break
        found = torch.where(missing, points[..., chosen, :].mean(dim=-2), found)
    return found


def _one(
    points: Tensor, mouse: _Frame, seer: _Frame, inner: slice, rate: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Describe a mouse as another one sees it: points, their presence, motion, turns."""
    inside = points[:, inner]
    away = inside - seer.head[:, inner, None]
    placed = _compressed(_seen_from(seer.forward[:, inner, None], away), LENGTH_CM)
    present = inside[..., 0].isfinite().float()
    motion: list[Tensor] = []
    turns: list[Tensor] = []
    for lag in HALF_LAGS:
        before = slice(HALO - lag, points.shape[1] - HALO - lag)
        after = slice(HALO + lag, points.shape[1] - HALO + lag)
        for point in (mouse.head, mouse.rear):
            speed = (point[:, after] - point[:, before]) * (rate / (2 * lag))
            motion.append(_compressed(_seen_from(seer.forward[:, inner], speed), SPEED_CM_S))
        turns += _turn(mouse.forward[:, before], mouse.forward[:, after])
    return (
        placed.flatten(-2),
        present,
        torch.cat(motion, dim=-1),
        torch.stack(turns, dim=-1),
    )


def _length(mouse: _Frame, inner: slice) -> Tensor:
    """Return the length of a mouse and whether its frame is known, ``(rows, time, 2)``."""
    length = mouse.length[:, inner]
    return torch.stack((torch.log1p(length / LENGTH_CM), length.isfinite().float()), dim=-1)


def _seen_from(forward: Tensor, vectors: Tensor) -> Tensor:
    """Return the components of ``(..., 2)`` vectors along a direction and perpendicular to it."""
    x, y = vectors[..., 0], vectors[..., 1]
    ahead = x * forward[..., 0] + y * forward[..., 1]
    aside = y * forward[..., 0] - x * forward[..., 1]
    return torch.stack((ahead, aside), dim=-1)


def _turn(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """Return sine and cosine of the angle from one direction to another, ``(...)`` each."""
    sine = before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]
    return sine, (before * after).sum(dim=-1)


def _compressed(vectors: Tensor, unit: float) -> Tensor:
    """Return vectors of the same direction whose length r is replaced by ``log(1 + r / unit)``."""
    length = vectors.square().sum(dim=-1, keepdim=True).sqrt_().div_(unit)
    return vectors * (torch.log1p(length) / (length * unit).clamp_min_(1e-6))
