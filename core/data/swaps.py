"""Find and repair moments at which a tracker exchanged two mice.

Between two frames a mouse moves a fraction of its length. Where each of two mice jumps to where the other
just was, their identities were exchanged. Mice on top of each other cannot be told apart this way: an
exchange is looked for only while they are apart.
"""

import itertools
from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.float32]
Centres = npt.NDArray[np.float64]

APART = 0.5
"""Least distance between two mice, in body lengths, at which an exchange can be seen."""
NEARER = 0.3
"""Each mouse must be nearer to the other's last place than this share of its distance from its own."""
LONGEST_GAP = 15
"""Frames for which a mouse may be missing between the two places compared."""
MOST_SAMPLES = 2000


class Swap(NamedTuple):
    """Two mice exchanged from a frame on."""

    frame: int
    first: int
    """Index of a mouse, from 0."""
    second: int


def find_swaps(positions: Positions) -> list[Swap]:
    """Return the exchanges of two mice, in the order of frames.

    Args:
        positions: ``(frames, mice, parts, 2)``, NaN where missing.
    """
    mice = positions.shape[1]
    if mice < 2 or len(positions) < 2:
        return []
    length = _body_length(positions)
    if not length > 0:
        return []
    centres = _centres(positions)
    found = [
        Swap(int(frame), first, second)
        for first, second in itertools.combinations(range(mice), 2)
        for frame in _exchanges(centres[:, first], centres[:, second], length)
    ]
    return sorted(found)


def repair_swaps(positions: Positions, swaps: list[Swap]) -> Positions:
    """Return the tracks with every exchange undone.

    Between exchanges, each mouse keeps the name that it has for most of the video: one that is exchanged
    for the first few frames only is renamed in those.

    Args:
        positions: ``(frames, mice, parts, 2)``; not changed.
        swaps: what :func:`find_swaps` found in them.
    """
    holder = list(range(positions.shape[1]))
    pieces = [(0, tuple(holder))]
    for swap in swaps:
        one, other = holder.index(swap.first), holder.index(swap.second)
        holder[one], holder[other] = holder[other], holder[one]
        pieces.append((swap.frame, tuple(holder)))
    stops = [start for start, _ in pieces[1:]] + [len(positions)]
    frames: Counter[tuple[int, ...]] = Counter()
    for (start, holders), stop in zip(pieces, stops, strict=True):
        frames[holders] += stop - start
    ((usual, _),) = frames.most_common(1)
    repaired = positions.copy()
    for (start, holders), stop in zip(pieces, stops, strict=True):
        order = [holders[usual.index(mouse)] for mouse in range(len(usual))]
        repaired[start:stop] = positions[start:stop, order]
    return repaired


def _centres(positions: Positions) -> Centres:
    """Return ``(frames, mice, 2)``: the mean of the points seen, NaN where there is none."""
    seen = np.isfinite(positions[..., 0]) & np.isfinite(positions[..., 1])
    total = np.where(seen[..., None], positions, 0).sum(axis=2, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        centres: Centres = total / seen.sum(axis=2)[..., None]
    return centres


def _body_length(positions: Positions) -> float:
    """Return the median extent of a mouse in pixels, NaN where nothing is seen."""
    sample = positions[:: max(1, len(positions) // MOST_SAMPLES)]
    low = np.where(np.isnan(sample), np.inf, sample).min(axis=2)
    high = np.where(np.isnan(sample), -np.inf, sample).max(axis=2)
    extent = np.hypot(*(high - low).reshape(-1, 2).T)
    extent = extent[np.isfinite(extent) & (extent > 0)]
    return float(np.median(extent)) if extent.size else float("nan")


def _exchanges(first: Centres, second: Centres, length: float) -> npt.NDArray[np.intp]:
    """Return the frames at which two mice, ``(frames, 2)`` each, are where the other was before."""
    both = np.flatnonzero(np.isfinite(first[:, 0]) & np.isfinite(second[:, 0]))
    if len(both) < 2:
        return np.zeros(0, np.intp)
    now, before = both[1:], both[:-1]
    stay = _distance(first[now], first[before]), _distance(second[now], second[before])
    cross = _distance(first[now], second[before]), _distance(second[now], first[before])
    apart = np.minimum(_distance(first[now], second[now]), _distance(first[before], second[before]))
    swapped = (
        (now - before <= LONGEST_GAP)
        & (apart > APART * length)
        & (cross[0] < NEARER * stay[0])
        & (cross[1] < NEARER * stay[1])
    )
    return now[swapped]


def _distance(one: Centres, other: Centres) -> npt.NDArray[np.float64]:
    offset = one - other
    distance: npt.NDArray[np.float64] = np.hypot(offset[:, 0], offset[:, 1])
    return distance
