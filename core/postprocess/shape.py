"""Shape decisions: close short gaps between bouts of one label, and drop bouts that are too short."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int16]
Integers = npt.NDArray[np.int64]
NOTHING = -1
"""The label of a frame without any label."""


class Runs(NamedTuple):
    """The runs of equal labels, without those of :data:`NOTHING`; ``(runs,)`` each, in order of time."""

    label: Integers
    start: Integers
    stop: Integers
    """Exclusive."""


def runs_of(labels: Labels) -> Runs:
    """Return the runs of ``(frames,)`` labels."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    start = np.concatenate(([0], edges)).astype(np.int64)[: len(labels)]
    stop = np.concatenate((edges, [len(labels)])).astype(np.int64)[: len(start)]
    label = labels[start].astype(np.int64)
    kept = label != NOTHING
    return Runs(label[kept], start[kept], stop[kept])


def shaped(runs: Runs, merge_gap: int, min_frames: int) -> Runs:
    """Merge neighbours of one label, then drop short runs.

    Args:
        runs: in order of time and disjoint.
        merge_gap: two runs of one label with at most this many frames of nothing between them become one.
        min_frames: runs with fewer frames are dropped, after merging.
    """
    label, start, stop = runs
    if merge_gap > 0 and len(label) > 1:
        joined = (label[1:] == label[:-1]) & (start[1:] - stop[:-1] <= merge_gap)
        first = np.flatnonzero(np.concatenate(([True], ~joined)))
        last = np.append(first[1:], len(label)) - 1
        label, start, stop = label[first], start[first], stop[last]
    kept = stop - start >= min_frames
    return Runs(label[kept], start[kept], stop[kept])


def painted(runs: Runs, frames: int) -> Labels:
    """Return the label of every frame: the inverse of :func:`runs_of`."""
    labels = np.full(frames, NOTHING, np.int16)
    lengths = runs.stop - runs.start
    inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    labels[np.repeat(runs.start, lengths) + inside] = np.repeat(runs.label, lengths)
    return labels
