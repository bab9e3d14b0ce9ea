"""Recognise body parts that cannot be what they are called, by how far they are from their neighbours.

A table with scrambled columns gives every point a plausible place, but the wrong name: the nose is then as
far from the ears as the tail base should be. Distances are compared with those on a mouse that walks
straight.
"""

import numpy as np
import numpy.typing as npt

BODY: dict[str, tuple[float, float]] = {
    "nose": (0.5, 0.0),
    "ear_left": (0.33, 0.11),
    "ear_right": (0.33, -0.11),
    "neck": (0.25, 0.0),
    "forepaw_left": (0.15, 0.1),
    "forepaw_right": (0.15, -0.1),
    "spine_1": (0.11, 0.0),
    "body_center": (0.0, 0.0),
    "lateral_left": (-0.03, 0.16),
    "lateral_right": (-0.03, -0.16),
    "spine_2": (-0.17, 0.0),
    "hindpaw_left": (-0.25, 0.14),
    "hindpaw_right": (-0.25, -0.14),
    "hip_left": (-0.28, 0.14),
    "hip_right": (-0.28, -0.14),
    "tail_base": (-0.5, 0.0),
    "tail_midpoint": (-0.95, 0.0),
    "tail_tip": (-1.4, 0.0),
}
"""Place of each slot on a mouse seen from above, in body lengths: forwards, then to the left."""
LEAST_DISTANCE = 0.15
"""Parts that are nearer, such as hip and hind paw, count as being this far apart: no rule is that exact."""
IMPOSSIBLE = 2.5
"""A part is misplaced if its nearest neighbour is this many times as far away as it should be. Real mice
reach 1.6 (ethome) and 1.7 (deepof), whose labs place hips and sides differently."""
FEWEST_PARTS = 4
FEWEST_FRAMES = 50
MOST_FRAMES = 500
"""Frames looked at, evenly spread."""


def misplaced(positions: npt.NDArray[np.float32], slots: tuple[str, ...]) -> tuple[str, ...]:
    """Return the body parts of a mouse that are too far from what should be their nearest neighbour.

    Medians over the video are compared, so that a few bad frames do not count, and relative to all other
    distances, so that neither the mouse's size nor the camera's scale matters. Swapped sides are not found.

    Args:
        positions: ``(frames, keypoints, 2)`` of one mouse, NaN where missing.
        slots: body part of each keypoint.
    """
    part = positions[:: max(1, len(positions) // MOST_FRAMES)]
    seen = np.isfinite(part).all(axis=-1)
    often = np.flatnonzero(seen.sum(axis=0) >= FEWEST_FRAMES)
    used = np.array([slot for slot in often if slots[slot] in BODY], np.intp)
    if len(used) < FEWEST_PARTS:
        return ()
    one, other = np.triu_indices(len(used), 1)
    apart = np.linalg.norm(part[:, used[one]] - part[:, used[other]], axis=-1)
    together = np.isfinite(apart).sum(axis=0) >= FEWEST_FRAMES
    one, other, apart = one[together], other[together], apart[:, together]
    if not apart.size:
        return ()
    body = np.array([BODY[slots[slot]] for slot in used])
    expected = np.linalg.norm(body[one] - body[other], axis=-1)
    ratio = np.nanmedian(apart, axis=0) / np.maximum(expected, LEAST_DISTANCE)
    usual = np.median(ratio)
    found = []
    for number, slot in enumerate(used):
        own = np.flatnonzero((one == number) | (other == number))
        if own.size and ratio[own[np.argmin(expected[own])]] > IMPOSSIBLE * usual:
            found.append(slots[slot])
    return tuple(found)
