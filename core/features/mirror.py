"""Mirror images of positions: left and right are swapped, in the arena and on every body."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.errors import ConfigError

Positions = npt.NDArray[np.float32]
SIDES = {"left": "right", "right": "left"}


def mirrored_slots(slots: Sequence[str]) -> tuple[int, ...]:
    """Return the index of each slot's counterpart: that of ``ear_right`` for ``ear_left``.

    Raises:
        ConfigError: a slot has no counterpart, so these keypoints have no mirror image.
    """
    wanted = ["_".join(SIDES.get(word, word) for word in slot.split("_")) for slot in slots]
    if alone := [slot for slot, other in zip(slots, wanted, strict=True) if other not in slots]:
        raise ConfigError(
            f"keypoints: {', '.join(alone)} without their counterpart, so there is no mirror image"
        )
    return tuple(map(list(slots).index, wanted))


def mirrored(positions: Positions, slots: Sequence[str], axis: float | None = None) -> Positions:
    """Return the mirror image of positions.

    Args:
        positions: ``(..., keypoints, 2)``, such as ``(frames, mice, keypoints, 2)``; NaN where missing.
        slots: names of the keypoints.
        axis: x of the mirror; ``None``: :func:`middle` of these positions, which keeps them in the arena.

    Returns:
        The same shape, a copy.

    Raises:
        ConfigError: see :func:`mirrored_slots`.
    """
    image: Positions = positions[..., list(mirrored_slots(slots)), :]
    axis = middle(positions) if axis is None else axis
    image[..., 0] = np.float32(2 * axis) - image[..., 0]
    return image


def middle(positions: Positions) -> float:
    """Return the x half-way between its 1st and 99th percentiles, robust to outliers; 0 without points."""
    x = positions[..., 0]
    known = x[np.isfinite(x)]
    return float(np.percentile(known, [1, 99]).mean()) if known.size else 0.0
