"""The playback position in a video. It reads no clock: callers pass the time."""

import re

from core.errors import ConfigError

SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Multiples of the video's own frame rate."""
NORMAL = 1.0
_MINUTES = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d*)?)")


class Playback:
    """A position in a video with a given number of frames, paused or playing.

    The frame is computed from the elapsed time, so slow drawing skips frames and never falls behind.
    """

    def __init__(self, frames: int, frames_per_second: float, speed: float = NORMAL) -> None:
        self.frames, self.frames_per_second, self.speed = frames, frames_per_second, speed
        self.playing = False
        self._from, self._since = 0, 0.0

    def frame(self, now: float) -> int:
        """Return the frame at this time; playback ends at the last one."""
        if not self.playing:
            return self._from
        passed = (now - self._since) * self.frames_per_second * self.speed
        at = self._from + int(passed)
        if at >= self.frames - 1:
            self.playing, self._from = False, self.frames - 1
            return self._from
        return at

    def seek(self, frame: int, now: float) -> None:
        """Go to a frame, clamped to the video; playback continues from there."""
        self._from, self._since = min(max(frame, 0), self.frames - 1), now

    def toggle(self, now: float) -> None:
        """Play or pause; at the last frame, play from the first."""
        at = self.frame(now)
        self.seek(0 if not self.playing and at == self.frames - 1 else at, now)
        self.playing = not self.playing

    def pause(self, now: float) -> None:
        """Pause."""
        self.seek(self.frame(now), now)
        self.playing = False

    def faster(self, steps: int, now: float) -> None:
        """Switch to the next speed of :data:`SPEEDS`, or with -1 to the previous one."""
        self.seek(self.frame(now), now)
        nearest = min(range(len(SPEEDS)), key=lambda n: abs(SPEEDS[n] - self.speed))
        self.speed = SPEEDS[min(max(nearest + steps, 0), len(SPEEDS) - 1)]


def clock_text(seconds: float) -> str:
    """Format a position in a video: ``01:22.04``, ``1:01:22.04``."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"
    return f"{hours}:{text}" if hours else text


def parse_place(text: str, frames: int, frames_per_second: float) -> int:
    """Parse a frame (``2460``) or a time (``1:22.5``).

    Raises:
        ConfigError: it is neither, or the video has no such frame.
    """
    typed = text.strip()
    if typed.isdecimal():
        frame = int(typed)
    elif time := _MINUTES.fullmatch(typed):
        hours, minutes, seconds = (float(part or 0) for part in time.groups())
        frame = round((hours * 3600 + minutes * 60 + seconds) * frames_per_second)
    else:
        raise ConfigError(f"{typed!r}: give a frame, such as 2460, or a time, such as 1:22.5")
    if frame >= frames:
        last = clock_text((frames - 1) / frames_per_second)
        raise ConfigError(
            f"{typed}: the video has the frames 0 to {frames - 1}, and ends at {last}"
        )
    return frame
