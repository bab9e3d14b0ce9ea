"""Frames with and without a label → intervals."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def runs_of(marked: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the runs of marked frames as (start, stop), ``stop`` exclusive."""
    padded = np.concatenate(([False], marked, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def runs_of_names(names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the runs of equal names as (name, start, stop)."""
    runs = []
    start = 0
    for place in range(1, len(names) + 1):
        if place == len(names) or names[place] != names[start]:
            runs.append((names[start], start, place))
            start = place
    return runs
