"""Simulate moving mice: from a schedule of bouts to the position and posture of each mouse.

Movement is decided five times a second (:data:`STEP_SECONDS`), with feedback: every mouse sees where
the others are, turns and accelerates within bounds, and keeps off the walls. A uniform cubic B-spline
through those decisions gives the frames, so position, speed and acceleration are continuous for
any schedule; a mouse without enough time to walk up to its partner arrives late.

Lengths are in body lengths, times in seconds, angles in radians with x to the right and y downwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.data.synthetic.patterns import Goal, Pattern, Reaction, pattern_of
from core.data.synthetic.schedule import PlannedBout
from core.data.synthetic.steering import Mouse, Steering

STEP_SECONDS = 0.2
"""Seconds between two decisions; the spline's smoothing has about this width."""
HORIZON_SECONDS = 8.0
"""Seconds by which a mouse knows its next bout in advance and may set off for it."""
SETTING_OFF_SPEED = 0.9
"""Body lengths per second; a mouse sets off once it would need at least this speed to arrive in time."""
HURRY_SPEED = 4.0
"""Maximum speed of a mouse in a hurry, in body lengths per second."""
APPROACH_START = 2.5
"""Body lengths; the approximate distance at which an approach begins."""
INTENSITY_SPREAD = 0.3
"""Standard deviation of the logarithm of a bout's vigour, which scales its speeds and amplitudes."""

CHANNELS = ("x", "y", "heading", "stretch", "curl", "shake", "thrust", "beat")
"""State variables of a mouse at each moment; ``beat`` is the phase of ``thrust``."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The space and the duration of a simulation."""

    width: float
    """Size of the arena, in body lengths."""
    height: float
    mice: int
    frames: int
    fps: float

    @property
    def frames_per_step(self) -> int:
        """Video frames between two decisions."""
        return max(1, round(STEP_SECONDS * self.fps))


@dataclass(frozen=True, slots=True)
class _Role:
    """A bout from the perspective of one of its two mice."""

    pattern: Pattern
    other: int
    vigour: float
    curl_side: float
    stop_step: int


def simulate(
    scene: Scene, bouts: Sequence[PlannedBout], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Simulate mice that act out the bouts.

    Returns:
        ``(mice, channels, frames)``, channels as in :data:`CHANNELS`, in body lengths and radians.
    """
    size = scene.frames_per_step
    steps = -(-scene.frames // size)
    # A cubic B-spline needs one control point before the first and two after the last.
    control = _control(scene, bouts, steps + 3, rng)
    return _spline(control, size)[:, :, : scene.frames]


def _control(
    scene: Scene, bouts: Sequence[PlannedBout], steps: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Decide step by step; return ``(mice, channels, steps)``."""
    dt = scene.frames_per_step / scene.fps
    acting, receiving = _roles(scene, bouts, steps, rng)
    coming = [_next_roles(roles) for roles in acting]
    steering = Steering(scene.width, scene.height, dt)
    mice = _first_mice(scene, rng)
    noise: list[list[list[float]]] = rng.standard_normal((steps, scene.mice, 2)).tolist()
    control = np.zeros((scene.mice, len(CHANNELS), steps), np.float32)
    tracks: list[list[tuple[float, float, float]]] = [[] for _ in mice]
    for step in range(steps):
        for index, mouse in enumerate(mice):
            mouse.wander(noise[step][index])
            role, victim = acting[index][step], receiving[index][step]
            if role is not None:
                _act(steering, mouse, mice[role.other], role, (role.stop_step - step) * dt)
            elif victim is not None and victim.pattern.reaction is not Reaction.IGNORE:
                _react(steering, mouse, mice[victim.other], victim)
            else:
                _idle(steering, mouse, mice, coming[index][step], step, dt)
            tracks[index].append(steering.move(mouse))
    control[:, :3] = np.asarray(tracks, np.float32).transpose(0, 2, 1)
    for index in range(scene.mice):
        _hold_body(control[index, 3:], acting[index], receiving[index], dt, rng)
    return control


def _first_mice(scene: Scene, rng: np.random.Generator) -> list[Mouse]:
    places = rng.uniform(0.15, 0.85, (scene.mice, 2)) * (scene.width, scene.height)
    headings = rng.uniform(-math.pi, math.pi, scene.mice)
    paces = np.exp(0.2 * rng.standard_normal(scene.mice))
    return [
        Mouse(float(place[0]), float(place[1]), float(heading), float(pace))
        for place, heading, pace in zip(places, headings, paces, strict=True)
    ]


Timeline = list[list[_Role | None]]


def _roles(
    scene: Scene, bouts: Sequence[PlannedBout], steps: int, rng: np.random.Generator
) -> tuple[Timeline, Timeline]:
    """Write every bout into the steps of its agent and of its target.

    If a mouse has several at once, an action towards another mouse takes precedence over one alone, and a
    later bout over an earlier one.
    """
    acting: Timeline = [[None] * steps for _ in range(scene.mice)]
    receiving: Timeline = [[None] * steps for _ in range(scene.mice)]
    vigours = np.exp(INTENSITY_SPREAD * rng.standard_normal(len(bouts)))
    sides = rng.choice((-1.0, 1.0), len(bouts))
    size = scene.frames_per_step
    for order in sorted(range(len(bouts)), key=lambda i: (bouts[i].agent != bouts[i].target, i)):
        bout = bouts[order]
        alone = bout.agent == bout.target
        # The spline's control point 1 sits at frame 0.
        first = max(0, round(bout.start / size) + 1)
        last = min(steps, max(first + 1, round(bout.stop / size) + 1))
        agent, target = bout.agent - 1, bout.target - 1
        pattern = pattern_of(bout.action, alone=alone)
        vigour, side = float(vigours[order]), float(sides[order])
        span = max(0, last - first)
        acting[agent][first:last] = [_Role(pattern, target, vigour, side, last)] * span
        if not alone:
            receiving[target][first:last] = [_Role(pattern, agent, vigour, side, last)] * span
    return acting, receiving


def _next_roles(roles: list[_Role | None]) -> list[tuple[int, _Role] | None]:
    """Return, for each step, the next bout at or after it: the step at which it begins, and the bout."""
    coming: list[tuple[int, _Role] | None] = [None] * len(roles)
    following: tuple[int, _Role] | None = None
    for step in range(len(roles) - 1, -1, -1):
        role = roles[step]
        if role is not None:
            following = (step, role)
        coming[step] = following
    return coming


def _act(steering: Steering, mouse: Mouse, target: Mouse, role: _Role, left: float) -> None:
    pattern = role.pattern
    top = pattern.speed * role.vigour
    goal = pattern.goal
    if goal is Goal.TOUCH:
        steering.touch(mouse, target, pattern.aim, pattern.distance, max(top, 2.0))
    elif goal is Goal.APPROACH:
        gap = mouse.distance(target) - 0.8
        speed = min(max(gap / max(left, steering.dt), 0.7), pattern.speed * max(role.vigour, 0.8))
        steering.touch(mouse, target, pattern.aim, 0.25, speed)
    elif goal is Goal.BEHIND:
        steering.behind(mouse, target, pattern.distance, top)
    elif goal is Goal.MOUNT:
        steering.mount(mouse, target, max(top, 2.5))
    elif goal is Goal.TUMBLE:
        steering.tumble(mouse, target, max(top, 3.0))
    elif goal is Goal.LEAVE:
        steering.flee(mouse, target, top)
    elif goal is Goal.WALL:
        steering.to_wall(mouse, top)
    else:
        steering.roam(mouse, top)


def _react(steering: Steering, mouse: Mouse, agent: Mouse, role: _Role) -> None:
    reaction = role.pattern.reaction
    near = mouse.distance(agent) < 1.6
    if reaction is Reaction.SLOW:
        steering.roam(mouse, 0.25 if near else 0.6)
    elif reaction is Reaction.LEAD:
        # A moving leader is not followed for long.
        steering.roam(mouse, 1.2 if near else 0.4, steady=True)
    elif reaction is Reaction.FLEE:
        steering.flee(mouse, agent, 0.8 * role.pattern.speed * role.vigour if near else 1.8)
    elif near:
        steering.tumble(mouse, agent, 3.5 * role.vigour)
    else:
        steering.roam(mouse, 0.8)


def _idle(
    steering: Steering,
    mouse: Mouse,
    mice: Sequence[Mouse],
    coming: tuple[int, _Role] | None,
    step: int,
    dt: float,
) -> None:
    """Wander, or set off for the next bout in time."""
    if coming is not None and (coming[0] - step) * dt < HORIZON_SECONDS:
        first, role = coming
        left = (first - step) * dt
        target = mice[role.other]
        if target is not mouse:
            near = APPROACH_START if role.pattern.goal is Goal.APPROACH else 0.9
            speed = (mouse.distance(target) - near) / max(left, dt)
            wanted = role.pattern.needs_contact or role.pattern.goal is Goal.APPROACH
            if wanted and speed > SETTING_OFF_SPEED:
                steering.touch(mouse, target, role.pattern.aim, 0.3, min(speed, HURRY_SPEED))
                return
    steering.roam(mouse, 1.0)


def _hold_body(
    channels: npt.NDArray[np.float32],
    acting: list[_Role | None],
    receiving: list[_Role | None],
    dt: float,
    rng: np.random.Generator,
) -> None:
    """Fill ``(stretch curl shake thrust beat, steps)`` of one mouse in place."""
    steps = channels.shape[1]
    posture = np.tile(np.asarray((1.0, 0.0, 0.0, 0.0, 3.0), np.float32), (steps, 1))
    for step, (role, victim) in enumerate(zip(acting, receiving, strict=True)):
        if role is not None:
            posture[step] = _posture(role)
        elif victim is not None and victim.pattern.reaction is Reaction.TUMBLE:
            posture[step] = _posture(victim)
    channels[:4] = posture[:, :4].T
    channels[0] += 0.04 * rng.standard_normal(steps)
    channels[1] += 0.08 * rng.standard_normal(steps)
    rhythm = posture[:, 4] * (1.0 + 0.15 * rng.standard_normal(steps))
    channels[4] = rng.uniform(0, 2 * math.pi) + 2 * math.pi * dt * np.cumsum(rhythm)


def _posture(role: _Role) -> tuple[float, float, float, float, float]:
    pattern, vigour = role.pattern, role.vigour
    return (
        pattern.stretch,
        pattern.curl * role.curl_side,
        pattern.shake * vigour,
        pattern.thrust * vigour,
        pattern.rhythm,
    )


def _spline(control: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """Evaluate a uniform cubic B-spline at ``size`` points per step.

    Args:
        control: ``(mice, channels, steps + 3)``.
        size: frames per step.

    Returns:
        ``(mice, channels, steps × size)``.
    """
    t = np.arange(size, dtype=np.float32)[:, None] / size
    weights = np.concatenate(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1
    )
    pieces = np.lib.stride_tricks.sliding_window_view(control, 4, axis=2)
    values = np.ascontiguousarray(pieces) @ (weights.T / 6)
    mice, channels, steps, _ = values.shape
    return values.reshape(mice, channels, steps * size).astype(np.float32, copy=False)
