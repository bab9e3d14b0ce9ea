"""The positions of one row of a video, in cm at the model's rate, in the order that features take them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.tasks.actions.timeline import nearest_frames, positions_at, timeline_frames


@dataclass(frozen=True, slots=True)
class VideoReader:
    """Reads any part of a video; nothing is kept beside the positions, which may be a memory map."""

    positions: npt.NDArray[np.float32]
    """``(frames, mice, 18, 2)`` in pixels, NaN where missing."""
    mice: int
    """Tracked; the first slots are theirs."""
    pixels_per_cm: float
    ratio: float
    """Of the video's frame rate to the model's."""

    @property
    def frames(self) -> int:
        """Frames at the model's rate."""
        return timeline_frames(len(self.positions), self.ratio)

    def nearest(self) -> npt.NDArray[np.int64]:
        """Return the video's own frame that is nearest to each at the model's rate."""
        return nearest_frames(self._places(0, self.frames))

    def row(self, agent: int, target: int) -> Callable[[int, int], npt.NDArray[np.float32]]:
        """Return what reads a mouse and its target, or a mouse and all others where it acts alone.

        Args:
            agent: slot of the mouse.
            target: slot of the other, or its own.
        """
        others = [slot for slot in range(self.mice) if slot != agent]
        slots = (agent, *(others if target == agent else (target,)))
        return lambda first, stop: self._read(slots, first, stop)

    def _read(self, slots: Sequence[int], first: int, stop: int) -> npt.NDArray[np.float32]:
        places = self._places(first, stop)
        read = [positions_at(self.positions[:, slot], places) for slot in slots]
        return np.stack(read, axis=1) * np.float32(1 / self.pixels_per_cm)

    def _places(self, first: int, stop: int) -> npt.NDArray[np.float64]:
        return np.arange(first, stop, dtype=np.float64) * self.ratio


def parts_of(
    videos: Sequence[VideoReader], slots: Sequence[str], order: Sequence[str], most: int
) -> tuple[str, ...]:
    """Return the body parts that a lab tracks: those seen in half of its videos, the most telling first.

    Args:
        videos: of the lab.
        slots: body part of each slot.
        order: parts, the most telling first.
        most: how many to return.
    """
    seen = np.zeros(len(slots))
    for video in videos:
        step = max(1, len(video.positions) // SAMPLED_FRAMES)
        sample = np.isfinite(video.positions[::step, : max(1, video.mice), :, 0])
        seen += sample.mean(axis=(0, 1)) > LEAST_SEEN if sample.size else 0
    tracked = {part for part, count in zip(slots, seen, strict=True) if 2 * count >= len(videos)}
    return tuple(part for part in order if part in tracked)[:most]


SAMPLED_FRAMES = 200
LEAST_SEEN = 0.05
"""Share of a video's frames in which a part must be there."""
