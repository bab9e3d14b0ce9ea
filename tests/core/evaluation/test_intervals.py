import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.intervals import Intervals, clashing, intersection_lengths, union

GROUPS = 4
rows = st.lists(
    st.tuples(st.integers(0, GROUPS - 1), st.integers(-5, 20), st.integers(0, 8)), max_size=15
)


def intervals(bouts: list[tuple[int, int, int]]) -> Intervals:
    table = np.array(bouts, dtype=np.int64).reshape(-1, 3)
    return Intervals(table[:, 0], table[:, 1], table[:, 1] + table[:, 2])


def frames(of: Intervals) -> list[set[int]]:
    sets: list[set[int]] = [set() for _ in range(GROUPS)]
    for group, start, stop in zip(of.group, of.start, of.stop, strict=True):
        sets[group].update(range(start, stop))
    return sets


@given(rows)
def test_union_keeps_the_frames_and_is_disjoint(bouts: list[tuple[int, int, int]]) -> None:
    merged = union(intervals(bouts))
    assert frames(merged) == frames(intervals(bouts))
    assert merged.lengths(GROUPS).tolist() == [len(s) for s in frames(merged)]
    assert (merged.stop > merged.start).all()
    assert (np.diff(merged.group) >= 0).all()
    assert not clashing(merged).size


@given(rows, rows)
def test_intersections_equal_those_of_sets(
    a: list[tuple[int, int, int]], b: list[tuple[int, int, int]]
) -> None:
    first, second = union(intervals(a)), union(intervals(b))
    expected = [len(x & y) for x, y in zip(frames(first), frames(second), strict=True)]
    assert intersection_lengths(first, second, GROUPS).tolist() == expected


def test_a_clash_is_an_interval_that_begins_inside_an_earlier_one() -> None:
    several = [(0, 0, 5), (0, 5, 2), (1, 0, 9), (1, 10, 3), (1, 12, 1), (2, 0, 5), (2, 4, 5)]
    assert clashing(intervals(several)).tolist() == [4, 6]
    assert not clashing(intervals([(0, 0, 9), (1, 3, 5)])).size
    assert clashing(intervals([(0, 0, 20), (0, 3, 1), (0, 30, 1)])).tolist() == [1]
    assert not clashing(intervals([])).size
