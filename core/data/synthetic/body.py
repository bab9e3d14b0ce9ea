"""Compute keypoints in the picture from a mouse's pose, and simulate a tracker's errors."""

import math

import numpy as np
import numpy.typing as npt

from core.data.synthetic.simulate import CHANNELS

LEAD_SECONDS = 0.1
"""Seconds by which the head anticipates the direction of the body."""
LAG_SECONDS = 0.15
"""Seconds by which the tail base lags behind the direction of the body; the tip lags twice as long."""
SHAKE_HERTZ = (3.7, 6.1)
"""Two frequencies whose sum makes ``shake`` look irregular."""
STRIDE = 0.55
"""Body lengths walked in one cycle of the paws."""

# A keypoint is a sum of eight unit vectors: along the trunk, across it, along and across the head,
# along and across the tail base, along the tail's tip, and the swing of the paws.
_AXES = ("trunk", "trunk_side", "head", "head_side", "rump", "rump_side", "tail", "swing")
_NECK = {"trunk": 0.22}
_TAIL_BASE = {"trunk": -0.26, "rump": -0.22}

ANATOMY: dict[str, dict[str, float]] = {
    "nose": {**_NECK, "head": 0.27},
    "ear_left": {**_NECK, "head": 0.07, "head_side": -0.11},
    "ear_right": {**_NECK, "head": 0.07, "head_side": 0.11},
    "neck": _NECK,
    "head": {**_NECK, "head": 0.08},
    "body_center": {},
    "lateral_left": {"trunk": -0.03, "trunk_side": -0.16},
    "lateral_right": {"trunk": -0.03, "trunk_side": 0.16},
    "hip_left": {"trunk": -0.2, "rump": -0.08, "rump_side": -0.14},
    "hip_right": {"trunk": -0.2, "rump": -0.08, "rump_side": 0.14},
    "tail_base": _TAIL_BASE,
    "tail_midpoint": {**_TAIL_BASE, "rump": -0.5, "tail": -0.12},
    "tail_middle_1": {**_TAIL_BASE, "rump": -0.47},
    "tail_middle_2": {**_TAIL_BASE, "rump": -0.52, "tail": -0.2},
    "tail_tip": {**_TAIL_BASE, "rump": -0.55, "tail": -0.45},
    "forepaw_left": {"trunk": 0.15, "trunk_side": -0.1, "swing": 0.1},
    "forepaw_right": {"trunk": 0.15, "trunk_side": 0.1, "swing": -0.1},
    "hindpaw_left": {"trunk": -0.24, "trunk_side": -0.14, "swing": -0.1},
    "hindpaw_right": {"trunk": -0.24, "trunk_side": 0.14, "swing": 0.1},
    "spine_1": {"trunk": 0.11},
    "spine_2": {"trunk": -0.15, "rump": -0.04},
    "headpiece_topfrontleft": {**_NECK, "head": 0.12, "head_side": -0.05},
    "headpiece_topfrontright": {**_NECK, "head": 0.12, "head_side": 0.05},
    "headpiece_topbackleft": {**_NECK, "head": 0.02, "head_side": -0.05},
    "headpiece_topbackright": {**_NECK, "head": 0.02, "head_side": 0.05},
    "headpiece_bottomfrontleft": {**_NECK, "head": 0.14, "head_side": -0.06},
    "headpiece_bottomfrontright": {**_NECK, "head": 0.14, "head_side": 0.06},
    "headpiece_bottombackleft": {**_NECK, "head": 0.0, "head_side": -0.06},
    "headpiece_bottombackright": {**_NECK, "head": 0.0, "head_side": 0.06},
}
"""Position of a body part seen from above, in body lengths; left is the left of the walking mouse."""

Positions = npt.NDArray[np.float32]


def keypoints(
    poses: npt.NDArray[np.float32],
    parts: tuple[str, ...],
    body_pixels: npt.NDArray[np.float64],
    origin: tuple[float, float],
    scale: float,
    fps: float,
) -> Positions:
    """Place the body parts in the picture, without a tracker's errors.

    Args:
        poses: ``(mice, channels, frames)`` from :func:`core.data.synthetic.simulate.simulate`.
        parts: names of :data:`ANATOMY`.
        body_pixels: ``(mice,)`` length of each mouse.
        origin: the arena's corner in pixels.
        scale: pixels per simulated body length.
        fps: frames per second.

    Returns:
        ``(frames, mice, keypoints, 2)`` in pixels.
    """
    mice, _, frames = poses.shape
    matrix = np.asarray(
        [[ANATOMY[part].get(axis, 0.0) for part in parts] for axis in _AXES], np.float32
    )
    placed = np.empty((frames, mice, len(parts), 2), np.float32)
    for mouse in range(mice):
        axes, centre = _axes(poses[mouse], fps)
        points = axes.T @ (matrix * np.float32(body_pixels[mouse]))
        points += (centre * scale)[:, None]
        points += complex(*origin)
        placed[:, mouse] = points.view(np.float32).reshape(frames, len(parts), 2)
    return placed


def _axes(
    pose: npt.NDArray[np.float32], fps: float
) -> tuple[npt.NDArray[np.complex64], npt.NDArray[np.complex64]]:
    """Return the unit vectors ``(axes, frames)`` of one mouse, and its centre in body lengths."""
    x, y, heading, stretch, curl, shake, thrust, beat = (pose[i] for i in range(len(CHANNELS)))
    frames = len(x)
    time = np.arange(frames, dtype=np.float32) * np.float32(2 * math.pi / fps)
    wobble = np.sin(time * SHAKE_HERTZ[0] + beat) + np.sin(time * SHAKE_HERTZ[1])
    trunk = _unit(heading + shake * wobble)
    centre = (x + 1j * y).astype(np.complex64)
    steps = np.abs(np.diff(centre, prepend=centre[:1]))
    gait = np.sin(np.cumsum(steps) * np.float32(2 * math.pi / STRIDE))
    centre += thrust * np.sin(beat) * trunk
    # A camera above sees a rearing body as a shorter one, of the same width.
    head = _shifted(trunk, round(LEAD_SECONDS * fps)) * _unit(curl)
    rump = _shifted(trunk, -round(LAG_SECONDS * fps))
    tail = _shifted(trunk, -round(2 * LAG_SECONDS * fps))
    axes = np.empty((len(_AXES), frames), np.complex64)
    np.multiply(trunk, stretch, out=axes[0])
    np.multiply(trunk, 1j, out=axes[1])
    np.multiply(head, stretch, out=axes[2])
    np.multiply(head, 1j, out=axes[3])
    np.multiply(rump, stretch, out=axes[4])
    np.multiply(rump, 1j, out=axes[5])
    axes[6] = tail
    np.multiply(trunk, gait, out=axes[7])
    return axes, centre


def _unit(angle: npt.NDArray[np.float32]) -> npt.NDArray[np.complex64]:
    unit = np.empty(angle.shape, np.complex64)
    np.cos(angle, out=unit.real)
    np.sin(angle, out=unit.imag)
    return unit


def _shifted(values: npt.NDArray[np.complex64], by: int) -> npt.NDArray[np.complex64]:
    """Shift values by ``by`` frames, repeating the first or last one."""
    return values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)]


def add_noise(positions: Positions, sigma: float, rng: np.random.Generator) -> None:
    """Add the tracker's error to every coordinate, in place."""
    if sigma:
        noise = rng.standard_normal(positions.shape, dtype=np.float32)
        noise *= np.float32(sigma)
        positions += noise


def tracked(
    shape: tuple[int, int, int],
    missing: tuple[float, float],
    lost: tuple[float, float],
    rng: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Decide which points the tracker finds, independently of behaviour.

    Args:
        shape: frames, mice, keypoints.
        missing: share of points lost one by one, and the mean length of a run, in frames.
        lost: the same for whole mice.
        rng: random number generator.

    Returns:
        ``shape``, true where there is a point. The last frame is complete: it defines the video's length.
    """
    frames, mice, points = shape
    found = ~_runs(frames, mice * points, *missing, rng)
    found = found.reshape(shape)
    if lost[0]:
        found &= ~_runs(frames, mice, *lost, rng)[:, :, None]
    found[-1] = True
    return found


def _runs(
    frames: int, columns: int, share: float, mean: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Mark runs of geometric length so that about ``share`` of ``(frames, columns)`` is marked."""
    # Runs overlap: n runs of mean length m leave exp(−n m / frames) of the frames unmarked.
    expected = -math.log1p(-share) * frames * columns / mean
    count = int(rng.poisson(expected))
    marked = np.zeros((frames, columns), np.bool_)
    if not count:
        return marked
    lengths = rng.geometric(1.0 / mean, count)
    starts = rng.integers(-round(mean), frames, count)
    column = rng.integers(0, columns, count)
    # Every frame of every run as one flat index: far fewer than the frames themselves.
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    frame = np.repeat(starts, lengths) + offsets
    inside = (frame >= 0) & (frame < frames)
    marked[frame[inside], np.repeat(column, lengths)[inside]] = True
    return marked
