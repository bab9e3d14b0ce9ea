"""The geometry of an agent and a target in one frame, as named columns: distances, speeds, angles.

Lengths are in cm, speeds in cm/s, angles in radians or as cosine and sine. None of them changes when the
scene is moved or turned. A column is NaN where a point it needs is missing.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.boosting.rolling import Columns, lagged
from core.data.keypoints import SLOTS_18

Points = npt.NDArray[np.float32]
"""``(frames, points, 2)`` in cm, NaN where missing."""
Line = npt.NDArray[np.float32]
"""``(frames,)``."""

PARTS_BY_VALUE = (
    "nose",
    "tail_base",
    "neck",
    "ear_left",
    "ear_right",
    "hip_left",
    "hip_right",
    "body_center",
    "lateral_left",
    "lateral_right",
    "spine_1",
    "spine_2",
    "forepaw_left",
    "forepaw_right",
    "hindpaw_left",
    "hindpaw_right",
    "tail_midpoint",
    "tail_tip",
)
"""All body parts, starting with those that tell most about a mouse's position and direction."""
FRONT = ("ear_left", "ear_right", "neck")
BACK = ("tail_base",)
SPEED_LAG_MS = 40.0
"""Speeds of body parts are over this time before and after a frame, at least one frame."""
CENTRE_LAGS_MS = (100.0, 300.0)
"""Speeds of a mouse's centre."""


@dataclass(slots=True)
class NamedColumns:
    """Columns ``(frames,)`` and their names, in the order in which they were added."""

    names: list[str] = field(default_factory=list)
    values: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def add(self, name: str, value: npt.NDArray[np.floating]) -> None:
        """Add one column."""
        self.names.append(name)
        self.values.append(value.astype(np.float32, copy=False))

    def matrix(self) -> Columns:
        """Return all of them, ``(frames, columns)``."""
        return np.stack(self.values, axis=1)


@dataclass(frozen=True, slots=True)
class MouseLines:
    """A mouse's centre, direction and landmarks, frame by frame."""

    name: str
    points: Points
    """Of the chosen parts."""
    centre: npt.NDArray[np.float32]
    """``(frames, 2)``: mean of the points tracked."""
    forward: npt.NDArray[np.float32]
    """``(frames, 2)``: unit vector from the tail base to the ears and neck."""
    nose: npt.NDArray[np.float32]
    tail: npt.NDArray[np.float32]

    @classmethod
    def of(cls, name: str, positions: Points, parts: Sequence[str]) -> "MouseLines":
        """Find them in the positions of all slots, ``(frames, 18, 2)``."""
        points = positions[:, slots_of(parts)]
        front = _first_there(_mean(positions[:, slots_of(FRONT)]), _at(positions, "nose"))
        back = _first_there(_mean(positions[:, slots_of(BACK)]), _mean(points))
        along = front - back
        with np.errstate(invalid="ignore", divide="ignore"):
            forward = along / np.linalg.norm(along, axis=-1, keepdims=True)
        return cls(
            name,
            points,
            _mean(points),
            forward,
            _at(positions, "nose"),
            _at(positions, "tail_base"),
        )


def slots_of(parts: Sequence[str]) -> list[int]:
    """Return the slots of some body parts."""
    return [SLOTS_18.index(part) for part in parts]


def add_distances(out: NamedColumns, mice: Sequence[MouseLines], parts: Sequence[str]) -> None:
    """Add the distance of each pair of points, within each mouse and between the two."""
    for mouse in mice:
        for first in range(len(parts)):
            for second in range(first + 1, len(parts)):
                name = f"distance/{mouse.name}.{parts[first]}/{mouse.name}.{parts[second]}"
                out.add(name, _length(mouse.points[:, first] - mouse.points[:, second]))
    for one, other in itertools.pairwise(mice):
        for first, part in enumerate(parts):
            for second, to in enumerate(parts):
                name = f"distance/{one.name}.{part}/{other.name}.{to}"
                out.add(name, _length(one.points[:, first] - other.points[:, second]))


def add_speeds(
    out: NamedColumns, mice: Sequence[MouseLines], parts: Sequence[str], rate: float
) -> None:
    """Add the speed of each point."""
    for mouse in mice:
        moved = velocity(mouse.points, SPEED_LAG_MS, rate)
        for place, part in enumerate(parts):
            out.add(f"speed/{mouse.name}.{part}", _length(moved[:, place]))


def add_posture(out: NamedColumns, mouse: MouseLines, rate: float) -> None:
    """Add length, bend, turning and speeds of a mouse."""
    name = mouse.name
    out.add(f"length/{name}", _length(mouse.nose - mouse.tail))
    head = mouse.nose - mouse.centre
    rear = mouse.centre - mouse.tail
    out.add(f"bend/{name}", np.arctan2(_cross(rear, head), _dot(rear, head)))
    out.add(f"nose_forward/{name}", _dot(head, mouse.forward))
    out.add(f"nose_sideways/{name}", _cross(mouse.forward, head))
    spread = np.stack(
        [_length(mouse.points[:, p] - mouse.centre) for p in range(mouse.points.shape[1])]
    )
    out.add(f"spread/{name}", _nan_mean(spread, axis=0))
    for lag in CENTRE_LAGS_MS:
        moved = velocity(mouse.centre, lag, rate)
        out.add(f"speed{lag:.0f}ms/{name}", _length(moved))
        out.add(f"speed_forward{lag:.0f}ms/{name}", _dot(moved, mouse.forward))
        turned = velocity(mouse.forward, lag, rate)
        out.add(f"turning{lag:.0f}ms/{name}", _cross(mouse.forward, turned))
    shape = velocity(mouse.points - mouse.centre[:, None], CENTRE_LAGS_MS[0], rate)
    out.add(f"shape_change/{name}", _nan_mean(_length(shape), axis=1))


def add_meeting(out: NamedColumns, agent: MouseLines, target: MouseLines, rate: float) -> None:
    """Add how two mice are oriented and move relative to each other."""
    out.add("facing_cos", _dot(agent.forward, target.forward))
    out.add("facing_sin", _cross(agent.forward, target.forward))
    between = target.centre - agent.centre
    distance = _length(between)
    out.add("centres", distance)
    out.add("nearest", _nearest(agent.points, target.points))
    out.add("nose_nearest", _nearest(agent.nose[:, None], target.points))
    out.add("nearest_nose", _nearest(agent.points, target.nose[:, None]))
    for one, other in ((agent, target), (target, agent)):
        out.add(f"nose_tail/{one.name}", _length(one.nose - other.tail))
        for label, point in (("nose", other.nose), ("centre", other.centre), ("tail", other.tail)):
            relative = point - one.centre
            out.add(f"{label}_ahead_of/{one.name}", _dot(relative, one.forward))
            out.add(f"{label}_beside/{one.name}", _cross(one.forward, relative))
        towards = other.centre - one.centre
        out.add(
            f"bearing/{one.name}",
            np.abs(np.arctan2(_cross(one.forward, towards), _dot(one.forward, towards))),
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            direction = towards / distance[:, None]
        for lag in CENTRE_LAGS_MS:
            moved = velocity(one.centre, lag, rate)
            out.add(f"approach{lag:.0f}ms/{one.name}", _dot(moved, direction))
    out.add("nose_nose", _length(agent.nose - target.nose))
    for lag in CENTRE_LAGS_MS:
        apart = velocity(target.centre, lag, rate) - velocity(agent.centre, lag, rate)
        out.add(f"relative_speed{lag:.0f}ms", _length(apart))


def add_others(out: NamedColumns, agent: MouseLines, others: Sequence[Points]) -> None:
    """Add the distance from a mouse that acts alone to the nearest other mouse."""
    shape = (len(agent.centre),)
    nearest, nose = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
    for points in others:
        nearest = np.fmin(nearest, _nearest(agent.points, points))
        nose = np.fmin(nose, _nearest(agent.nose[:, None], points))
    out.add("nearest_other", nearest)
    out.add("nose_nearest_other", nose)


def velocity(
    places: npt.NDArray[np.float32], lag_ms: float, rate: float
) -> npt.NDArray[np.float32]:
    """Return the mean velocity from ``lag_ms`` before a frame to ``lag_ms`` after it, in cm/s.

    NaN within the lag of both ends.
    """
    lag = frames_of(lag_ms, rate)
    flat = places.reshape(len(places), -1)
    moved = (lagged(flat, lag) - lagged(flat, -lag)) * np.float32(rate / (2 * lag))
    return moved.reshape(places.shape)


def frames_of(milliseconds: float, rate: float) -> int:
    """Return the nearest number of frames, at least one."""
    return max(1, round(milliseconds / 1000 * rate))


def _nearest(first: Points, second: Points) -> Line:
    """Return the least distance between the points of two mice; NaN where there is none."""
    nearest = np.full(len(first), np.nan, np.float32)
    for place in range(first.shape[1]):
        between = _length(first[:, place, None] - second)
        nearest = np.fmin(nearest, np.fmin.reduce(between, axis=1))
    return nearest


def _at(positions: Points, part: str) -> npt.NDArray[np.float32]:
    return positions[:, SLOTS_18.index(part)]


def _first_there(
    one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    return np.where(np.isnan(one), other, one)


def _mean(points: Points) -> npt.NDArray[np.float32]:
    """``(frames, points, 2)`` → ``(frames, 2)``, missing points left out."""
    return _nan_mean(points, axis=1)


def _nan_mean(values: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Return the mean without NaN; NaN, and no warning, where there is nothing else."""
    there = ~np.isnan(values)
    count = there.sum(axis=axis).astype(np.float32)
    count[count == 0] = np.nan
    mean: npt.NDArray[np.float32] = np.where(there, values, 0).sum(axis=axis) / count
    return mean


def _length(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.hypot(vectors[..., 0], vectors[..., 1])


def _dot(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return one[..., 0] * other[..., 0] + one[..., 1] * other[..., 1]


def _cross(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return positive values where the second vector is to one side of the first (handed as the image)."""
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
