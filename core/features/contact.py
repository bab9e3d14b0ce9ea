"""How close mice are, as logarithms of a few distances: the inputs that did best on real poses.

Few numbers, none of which changes when the scene is moved or turned, and each with a role: whose nose is
near whom. The logarithm spreads the first few centimetres, where everything happens, over the range that
a network sees; of the same distances in plain cm it makes little (docs/journal.md, 2026-11-21, with all
that was tried).
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from core.data.keypoints import slots_of_size

OFFSET_CM = 0.5
"""Added to each distance before the logarithm: about the error of a keypoint. 0.1 and 2 cm do as well."""


def contact(positions: Tensor, to_cm: Tensor, slots: Sequence[str] | None = None) -> Tensor:
    """Compute ``log(distance + 0.5 cm)`` of the distances between mice, and of each mouse's length.

    For each pair of mice, the first with the lower slot: nearest points of the two; nose of the first
    to the nearest point of the second; nose of the second to the nearest point of the first; nose to
    nose; centre to centre, where a centre is the mean of the points tracked. Then for each mouse nose
    to tail base. Two mice give 7 columns, four give 34.

    Args:
        positions: ``(..., mice, keypoints, 2)``, NaN where missing.
        to_cm: what a length is multiplied by to be in cm; broadcasts with ``(...)``.
        slots: body part of each keypoint, among them nose and tail base; by default, those of the set of
            that size.

    Returns:
        ``(..., columns)``. A missing point is left out of a nearest distance; NaN where there is none,
        or where the one point needed is missing.
    """
    slots = slots or slots_of_size(positions.shape[-2])
    nose, tail = slots.index("nose"), slots.index("tail_base")
    centres = positions.nanmean(dim=-2)
    squares = [
        square
        for first, second in itertools.combinations(range(positions.shape[-3]), 2)
        for square in (
            *_pair(positions[..., first, :, :], positions[..., second, :, :], nose),
            _square(centres[..., first, :] - centres[..., second, :]),
        )
    ]
    lengths = _square(positions[..., nose, :] - positions[..., tail, :])
    distances = torch.cat((*(square[..., None] for square in squares), lengths), dim=-1).sqrt_()
    return distances.mul_(to_cm[..., None]).add_(OFFSET_CM).log_()


def _pair(first: Tensor, second: Tensor, nose: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``(..., keypoints, 2)`` twice → squared distances ``(...)``: nearest, two from a nose, nose–nose."""
    across, along = (first[..., :, None, axis] - second[..., None, :, axis] for axis in (0, 1))
    between = across.square_().add_(along.square_())
    noses = between[..., nose, nose].clone()
    between.nan_to_num_(nan=torch.inf)
    nearest = (
        between.amin(dim=(-2, -1)),
        between[..., nose, :].amin(dim=-1),
        between[..., :, nose].amin(dim=-1),
    )
    any_, from_first, from_second = (
        square.masked_fill_(square.isinf(), torch.nan) for square in nearest
    )
    return any_, from_first, from_second, noses


def _square(vectors: Tensor) -> Tensor:
    """``(..., 2)`` → ``(...)``, NaN where either part is."""
    return vectors[..., 0].square() + vectors[..., 1].square()
