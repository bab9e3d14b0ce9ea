"""Turning and acceleration of a mouse towards its goal, one decision at a time.

Plain Python floats on purpose: with two to four mice a numpy call costs more than the arithmetic.
"""

import math

TURN_LIMIT = 7.0
"""Maximum turning rate of a walking mouse, in radians per second."""
SPIN_LIMIT = 16.0
"""Maximum turning rate in a fight."""
RESPONSE = 0.65
"""Share of the desired change of velocity that is achieved in one step."""
PACE = 0.75
"""Usual speed of an average mouse in body lengths per second (about 7 cm/s), pauses included."""
MOODS = (0.0, 4.0)
"""Slowest and fastest speed, in multiples of the pace."""
STEADY = (0.8, 1.8)
"""The same for a mouse that does not want to lose its follower."""
WALL_RANGE = 1.1
"""Body lengths from a wall at which a mouse begins to turn away."""
WALL_GAP = 0.3
"""Body lengths; no body centre comes nearer to a wall than this."""


class Mouse:
    """The state of one simulated mouse: position, velocity, heading, and its tendency to move and turn."""

    __slots__ = (
        "bearing",
        "drive",
        "heading",
        "limit",
        "pace",
        "spin",
        "turn",
        "vx",
        "vy",
        "x",
        "y",
    )

    def __init__(self, x: float, y: float, heading: float, pace: float) -> None:
        self.x, self.y, self.heading, self.pace = x, y, heading, pace
        self.vx = self.vy = self.drive = self.turn = 0.0
        self.spin = heading
        self.bearing = heading
        self.limit = TURN_LIMIT

    def wander(self, noise: list[float]) -> None:
        """Let the tendencies drift: ``drive`` (speed) and ``turn`` (rad/s) are autoregressive."""
        self.drive = 0.93 * self.drive + 0.36 * noise[0]
        self.turn = 0.7 * self.turn + 0.9 * noise[1]

    def distance(self, other: "Mouse") -> float:
        """Return the distance between the body centres."""
        return math.hypot(other.x - self.x, other.y - self.y)


class Steering:
    """Ways to move in a rectangular arena. Each sets a mouse's velocity and the heading it aims for."""

    def __init__(self, width: float, height: float, dt: float) -> None:
        self.width, self.height, self.dt = width, height, dt
        self.wall_range = min(WALL_RANGE, 0.3 * min(width, height))
        self.response = 1.0 - (1.0 - RESPONSE) ** (dt / 0.2)

    def move(self, mouse: Mouse) -> tuple[float, float, float]:
        """Execute the desired movement; return x, y and heading after the step."""
        dt = self.dt
        mouse.x = x = _clip(mouse.x + mouse.vx * dt, WALL_GAP, self.width - WALL_GAP)
        mouse.y = y = _clip(mouse.y + mouse.vy * dt, WALL_GAP, self.height - WALL_GAP)
        most = mouse.limit * dt
        change = 0.7 * math.remainder(mouse.bearing - mouse.heading, math.tau)
        mouse.heading = heading = mouse.heading + _clip(change, -most, most)
        return x, y, heading

    def roam(self, mouse: Mouse, pace: float, steady: bool = False) -> None:
        """Wander at a multiple ``pace`` of the usual speed, pausing now and then, away from the walls.

        With ``steady`` it neither pauses nor darts.
        """
        mood = _clip(0.65 + mouse.drive, *(STEADY if steady else MOODS))
        speed = PACE * mouse.pace * pace * mood
        bearing = mouse.heading + mouse.turn * self.dt * (0.3 + speed if speed < 0.7 else 1.0)
        self._walk(mouse, self._off_walls(mouse, bearing), speed)

    def flee(self, mouse: Mouse, other: Mouse, top: float) -> None:
        """Run away from another mouse, sideways if a wall is in the way."""
        away = math.atan2(mouse.y - other.y, mouse.x - other.x) + 0.5 * mouse.turn
        self._walk(mouse, self._off_walls(mouse, away), top)

    def to_wall(self, mouse: Mouse, top: float) -> None:
        """Go to the nearest wall, nose first."""
        gaps = (mouse.x, self.width - mouse.x, mouse.y, self.height - mouse.y)
        side = gaps.index(min(gaps))
        bearing = (math.pi, 0.0, -math.pi / 2, math.pi / 2)[side]
        self._walk(mouse, bearing, top if gaps[side] > 0.5 else 0.0)

    def touch(self, mouse: Mouse, other: Mouse, aim: float, gap: float, top: float) -> None:
        """Bring the nose to a point on the other's axis (0.5 its nose, −0.5 its tail base).

        The agent stands outside the other's body: beyond the end it aims at, or at the flank it came
        from.
        """
        ux, uy = math.cos(other.heading), math.sin(other.heading)
        px, py = other.x + aim * ux, other.y + aim * uy
        dx, dy = mouse.x - px, mouse.y - py
        length = math.hypot(dx, dy) or 1.0
        end = 1.2 * aim
        dx, dy = dx / length + end * ux, dy / length + end * uy
        if aim == 0.0:
            # Along the other's body there is no room: approach from its flank.
            along = 0.8 * (dx * ux + dy * uy)
            dx, dy = dx - along * ux, dy - along * uy
        length = math.hypot(dx, dy) or 1.0
        reach = (0.5 + gap) / length
        face = math.atan2(py - mouse.y, px - mouse.x)
        self._go(mouse, px + reach * dx, py + reach * dy, other, face, top)

    def behind(self, mouse: Mouse, other: Mouse, distance: float, top: float) -> None:
        """Stay behind the other's rear, following it."""
        gx = other.x - distance * math.cos(other.heading)
        gy = other.y - distance * math.sin(other.heading)
        face = math.atan2(other.y - mouse.y, other.x - mouse.x)
        self._go(mouse, gx, gy, other, face, top)

    def mount(self, mouse: Mouse, other: Mouse, top: float) -> None:
        """Stand over the other's rear, aligned with it."""
        gx = other.x - 0.33 * math.cos(other.heading)
        gy = other.y - 0.33 * math.sin(other.heading)
        self._go(mouse, gx, gy, other, other.heading, top)

    def tumble(self, mouse: Mouse, other: Mouse, top: float) -> None:
        """Wrestle: circle the other closely and erratically."""
        mouse.spin += (2.0 + 1.5 * mouse.turn) * self.dt * min(top, 5.0) * 0.5
        gx = other.x + 0.45 * math.cos(mouse.spin)
        gy = other.y + 0.45 * math.sin(mouse.spin)
        face = math.atan2(other.y - mouse.y, other.x - mouse.x) + 0.6 * mouse.turn
        self._go(mouse, gx, gy, other, face, top)
        mouse.limit = SPIN_LIMIT
        mouse.vx += 0.5 * mouse.drive
        mouse.vy += 0.4 * mouse.turn

    def _walk(self, mouse: Mouse, bearing: float, speed: float) -> None:
        """Go forwards while turning towards ``bearing``."""
        mouse.bearing, mouse.limit = bearing, TURN_LIMIT
        heading = mouse.heading
        ahead = math.cos(bearing - heading)
        speed *= ahead if ahead > 0.2 else 0.2
        self._accelerate(mouse, speed * math.cos(heading), speed * math.sin(heading))

    def _go(
        self, mouse: Mouse, gx: float, gy: float, other: Mouse, face: float, top: float
    ) -> None:
        """Walk to a place that moves with another mouse; once near, step there and turn to ``face``."""
        dx, dy = gx - mouse.x, gy - mouse.y
        far = math.hypot(dx, dy)
        if far > 0.7:
            self._walk(mouse, math.atan2(dy, dx), min(top, far / self.dt))
            return
        mouse.bearing, mouse.limit = face, TURN_LIMIT
        vx, vy = 0.8 * other.vx + 2.5 * dx, 0.8 * other.vy + 2.5 * dy
        scale = min(1.0, top / (math.hypot(vx, vy) or 1.0))
        self._accelerate(mouse, vx * scale, vy * scale)

    def _accelerate(self, mouse: Mouse, vx: float, vy: float) -> None:
        mouse.vx += self.response * (vx - mouse.vx)
        mouse.vy += self.response * (vy - mouse.vy)

    def _off_walls(self, mouse: Mouse, bearing: float) -> float:
        """Deflect a desired heading away from nearby walls."""
        x, y, reach = mouse.x, mouse.y, self.wall_range
        right, below = self.width - x, self.height - y
        if x > reach and y > reach and right > reach and below > reach:
            return bearing
        push_x = max(0.0, reach - x) - max(0.0, reach - right)
        push_y = max(0.0, reach - y) - max(0.0, reach - below)
        return math.atan2(math.sin(bearing) + 1.6 * push_y, math.cos(bearing) + 1.6 * push_x)


def _clip(value: float, low: float, high: float) -> float:
    """Clamp a value in half the time of ``min(max(…))``, as this is the innermost loop."""
    if value < low:
        return low
    return high if value > high else value
