"""Turn probabilities per frame into bouts. By default, the bouts are the runs of the frames' classes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from core.data.labels import bouts_of
from core.errors import ConfigError
from core.tasks.behaviour.probabilities import classes_of

Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BoutRules:
    """Rules for bouts, in frames of the video."""

    median_frames: int = 1
    """Odd; each class's probability is first replaced by its median over this many frames."""
    merge_gap: int = 0
    """Two bouts of one class with at most this many background frames between them are merged."""
    min_frames: int = 1
    """Shorter bouts are dropped, after merging."""

    def __post_init__(self) -> None:
        if self.median_frames < 1 or self.median_frames % 2 == 0:
            raise ConfigError(f"median_frames: {self.median_frames} must be an odd number from 1")
        if self.merge_gap < 0:
            raise ConfigError(f"merge_gap: {self.merge_gap} must not be below 0")
        if self.min_frames < 1:
            raise ConfigError(f"min_frames: {self.min_frames} must be at least 1")


class Bout(NamedTuple):
    """One interval of one class."""

    video_id: str
    class_index: int
    start_frame: int
    stop_frame: int
    """Exclusive."""
    probability: float
    """The class's mean probability over the bout's frames, before smoothing."""


class _Interval(NamedTuple):
    class_index: int
    start: int
    stop: int


def find_bouts(
    video_id: str, probabilities: Probabilities, rules: BoutRules | None = None
) -> list[Bout]:
    """Find the bouts of every class but 0, in chronological order.

    Args:
        video_id: copied to the bouts.
        probabilities: ``(frames, classes)``.
        rules: smoothing, merging and minimum length, applied in that order.
    """
    rules = rules or BoutRules()
    runs = bouts_of(classes_of(median_filter(probabilities, rules.median_frames)))
    columns = (runs.index.tolist(), runs.start.tolist(), runs.stop.tolist())
    intervals = (_Interval(*row) for row in zip(*columns, strict=True))
    return [
        Bout(video_id, index, start, stop, float(probabilities[start:stop, index].mean()))
        for index, start, stop in _merged(intervals, rules.merge_gap)
        if stop - start >= rules.min_frames
    ]


def median_filter(probabilities: Probabilities, frames: int) -> Probabilities:
    """Return the centred running median over an odd number of frames, for each class separately.

    The first and last values are repeated beyond both ends. Probabilities are smoothed, not
    class indices: the median of classes 0 and 3 is not a class between them.
    """
    if frames == 1:
        return probabilities
    half = frames // 2
    padded = np.pad(probabilities, ((half, half), (0, 0)), mode="edge")
    smooth = np.empty_like(probabilities)
    for index in range(probabilities.shape[1]):  # one class at a time bounds the memory
        windows = np.lib.stride_tricks.sliding_window_view(padded[:, index], frames)
        smooth[:, index] = np.median(windows, axis=1)
    return smooth


def _merged(intervals: Iterable[_Interval], gap: int) -> Iterator[_Interval]:
    """Merge neighbours of one class; in chronological order, only background lies between them."""
    current: _Interval | None = None
    for interval in intervals:
        if current is None:
            current = interval
        elif interval.class_index == current.class_index and interval.start - current.stop <= gap:
            current = current._replace(stop=interval.stop)
        else:
            yield current
            current = interval
    if current is not None:
        yield current
