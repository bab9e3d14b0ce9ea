"""Sets of frames as half-open intervals, for many groups at once, without enumerating frames.

All groups are laid end to end on one number line, each in its own section, so that a union or an
intersection over thousands of groups is one sort and a few array operations.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Intervals:
    """Half-open intervals ``[start, stop)``, each belonging to a group: three ``(intervals,)`` arrays."""

    group: Integers
    start: Integers
    stop: Integers

    def lengths(self, groups: int) -> Integers:
        """Return the ``(groups,)`` total length of each group's intervals, overlaps counted twice."""
        total = np.zeros(groups, dtype=np.int64)
        np.add.at(total, self.group, self.stop - self.start)
        return total


def union(intervals: Intervals) -> Intervals:
    """Return the same frames as disjoint non-empty intervals, sorted by group and start."""
    kept = intervals.stop > intervals.start
    group, start, stop = (a[kept] for a in (intervals.group, intervals.start, intervals.stop))
    if not group.size:
        return Intervals(group, start, stop)
    order = np.lexsort((start, group))
    group, start, stop = group[order], start[order], stop[order]
    offset = group * (stop.max() - start.min() + 1)
    reached = np.maximum.accumulate(stop + offset)
    opens = np.concatenate(([True], start[1:] + offset[1:] > reached[:-1]))
    first = np.flatnonzero(opens)
    last = np.append(first[1:], group.size) - 1
    return Intervals(group[first], start[first], reached[last] - offset[last])


def intersection_lengths(a: Intervals, b: Intervals, groups: int) -> Integers:
    """Return the ``(groups,)`` number of common frames; both are disjoint and sorted (:func:`union`)."""
    common = np.zeros(groups, dtype=np.int64)
    if not a.group.size or not b.group.size:
        return common
    origin = min(a.start.min(), b.start.min())
    span = max(a.stop.max(), b.stop.max()) - origin + 1
    (a_start, a_stop), (b_start, b_stop) = (
        (x.start - origin + x.group * span, x.stop - origin + x.group * span) for x in (a, b)
    )
    covered = np.concatenate(([0], np.cumsum(b_stop - b_start)))

    def frames_of_b_before(position: Integers) -> Integers:
        """Return the number of frames of ``b`` before each position on the common line."""
        index = np.searchsorted(b_start, position, side="right")
        beyond = np.where(index > 0, np.maximum(b_stop[index - 1] - position, 0), 0)
        return np.asarray(covered[index] - beyond)

    np.add.at(common, a.group, frames_of_b_before(a_stop) - frames_of_b_before(a_start))
    return common


def clashing(intervals: Intervals) -> NDArray[np.intp]:
    """Return the indices of the intervals that begin inside an earlier one of their group.

    The intervals are sorted by group and start.
    """
    if not intervals.group.size:
        return np.array([], np.intp)
    offset = intervals.group * (intervals.stop.max() - intervals.start.min() + 1)
    reached = np.maximum.accumulate(intervals.stop + offset)
    return np.flatnonzero(intervals.start[1:] + offset[1:] < reached[:-1]) + 1
