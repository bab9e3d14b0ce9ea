"""The inputs of gradient boosting: geometry of each frame, and its statistics over windows in milliseconds.

Windows are defined in time, so that a model works at every frame rate. Everything is computed in chunks of a
video, so that memory does not grow with its length.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from core.boosting.geometry import (
    MouseLines,
    NamedColumns,
    Points,
    add_distances,
    add_meeting,
    add_others,
    add_posture,
    add_speeds,
    frames_of,
    slots_of,
)
from core.boosting.rolling import Columns, lagged, rolling_largest, rolling_least, rolling_moments
from core.data.keypoints import SLOTS_18

MEANS_MS = (250.0, 1000.0)
"""Half-widths of the windows for the mean of every column."""
FEW_MEANS_MS = (100.0, 2000.0)
"""Further half-widths for the columns other than plain distances and speeds of points."""
SPREADS_MS = (500.0, 1000.0)
"""Half-widths of the windows for standard deviation, minimum and maximum of those columns."""
LAGS_MS = (-1000.0, -300.0, 300.0, 1000.0)
"""Times, relative to a frame, at which the values of those columns are inputs too."""
REACH_MS = 2500.0
"""A frame's features depend on no frame farther away than this."""
CHUNK = 4096
"""Frames whose features are computed at once."""

Reader = Callable[[int, int], npt.NDArray[np.float32]]
"""Takes the first frame and the last, exclusive; returns positions ``(frames, mice, 18, 2)`` in cm."""


@dataclass(frozen=True, slots=True)
class WindowFeatures:
    """Computes the features of an agent and, where it does not act alone, of its target.

    Args:
        parts: the body parts that are looked at; all others are ignored, whatever is tracked.
        rate: frames per second of the positions.
        is_pair: whether there is a target.
    """

    parts: tuple[str, ...]
    rate: float
    is_pair: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return _names(self)

    def compute(self, positions: npt.NDArray[np.float32]) -> Columns:
        """Compute the features of every frame.

        Args:
            positions: ``(frames, mice, 18, 2)`` in cm, NaN where missing; the first mouse is the agent. The
                second is the target of a pair; an agent alone has any number of other mice.

        Returns:
            ``(frames, features)``, NaN where they cannot be computed.
        """
        return self._compute(positions)[0]

    def chunks(
        self, read: Reader, frames: int, chunk: int = CHUNK
    ) -> Iterator[tuple[slice, Columns]]:
        """Yield parts of a video and their features; up to rounding, these do not depend on the cuts."""
        margin = frames_of(REACH_MS, self.rate)
        for start in range(0, frames, chunk):
            stop = min(start + chunk, frames)
            first, last = max(start - margin, 0), min(stop + margin, frames)
            features = self.compute(read(first, last))
            yield slice(start, stop), features[start - first : stop - first]

    def _compute(self, positions: npt.NDArray[np.float32]) -> tuple[Columns, tuple[str, ...]]:
        many, few = self._columns(positions)
        points, lines = many.matrix(), few.matrix()
        blocks, names = [points, lines], [*many.names, *few.names]

        def add(values: Columns, of: Sequence[str], what: str, milliseconds: float) -> None:
            blocks.append(values)
            names.extend(f"{name}@{what}{milliseconds:+.0f}ms" for name in of)

        everything, all_names = np.concatenate(blocks, axis=1), list(names)
        for time in MEANS_MS:
            add(self._moments(everything, time)[0], all_names, "mean", time)
        for time in FEW_MEANS_MS:
            add(self._moments(lines, time)[0], few.names, "mean", time)
        for time in SPREADS_MS:
            half = frames_of(time, self.rate)
            add(self._moments(lines, time)[1], few.names, "spread", time)
            add(rolling_least(lines, half), few.names, "least", time)
            add(rolling_largest(lines, half), few.names, "largest", time)
        for time in LAGS_MS:
            lag = frames_of(abs(time), self.rate)
            add(lagged(lines, lag if time > 0 else -lag), few.names, "at", time)
        return np.concatenate(blocks, axis=1), tuple(names)

    def _moments(self, columns: Columns, milliseconds: float) -> tuple[Columns, Columns]:
        return rolling_moments(columns, frames_of(milliseconds, self.rate))

    def _columns(self, positions: Points) -> tuple[NamedColumns, NamedColumns]:
        """Return the distances and speeds of points, and the columns about the mice as a whole."""
        many, few = NamedColumns(), NamedColumns()
        agent = MouseLines.of("agent", positions[:, 0], self.parts)
        mice = [agent]
        if self.is_pair:
            mice.append(MouseLines.of("target", positions[:, 1], self.parts))
        add_distances(many, mice, self.parts)
        add_speeds(many, mice, self.parts, self.rate)
        for mouse in mice:
            add_posture(few, mouse, self.rate)
        if self.is_pair:
            add_meeting(few, mice[0], mice[1], self.rate)
        else:
            slots = slots_of(self.parts)
            others = [positions[:, other][:, slots] for other in range(1, positions.shape[1])]
            add_others(few, agent, others)
        return many, few


@cache
def _names(features: WindowFeatures) -> tuple[str, ...]:
    nothing = np.full((1, 2, len(SLOTS_18), 2), np.nan, np.float32)
    return features._compute(nothing)[1]
