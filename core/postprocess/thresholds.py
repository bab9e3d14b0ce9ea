"""Thresholds with the best F1, from counts of frames above each of 99 thresholds.

The best threshold of all sequences together overfits. On real out-of-fold probabilities it does worse than a
constant, because a few sequences decide where the maximum of a flat curve lies. Its mean over bootstrap
resamples of the sequences varies less. It is then shrunk towards a prior, the more strongly the fewer bouts
there are. The prior is 0.30, or lower for a model that hardly reaches that: it is itself shrunk towards the
threshold that is best for all labels together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

STEPS = 100
GRID = np.arange(1, STEPS) / STEPS
"""The thresholds that are tried: 0.01 to 0.99."""
SAME = 1e-12
"""F1 values that differ by less are equal."""


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdCounts:
    """Frames of one sequence and label at or above each of :data:`GRID`."""

    found: npt.NDArray[np.int32]
    """``(99,)`` true positives."""
    claimed: npt.NDArray[np.int32]
    """``(99,)`` true and false positives."""
    positives: int

    @classmethod
    def of(cls, values: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_]) -> Self:
        """Count ``(frames,)`` probabilities."""
        # A probability that equals a threshold up to rounding reaches it.
        place = (values * np.float32(STEPS) + np.float32(1e-3)).astype(np.int64)
        return cls(_at_or_above(place[truth]), _at_or_above(place), int(truth.sum()))


def _at_or_above(place: Counts) -> npt.NDArray[np.int32]:
    counts = np.bincount(place, minlength=STEPS + 1)
    return counts[::-1].cumsum()[::-1][1:STEPS].astype(np.int32)


def best_threshold(counts: Sequence[ThresholdCounts], resamples: int, seed: int) -> float | None:
    """Return the threshold with the best F1, or the mean of those of bootstrap resamples.

    If several thresholds are equally good, their mean is taken.

    Args:
        counts: of each sequence.
        resamples: of the sequences; 0: the best of all as they are.
        seed: of the resampling.

    Returns:
        ``None`` if no sequence has the label.
    """
    positives = np.array([each.positives for each in counts], np.float64)
    if not positives.any():
        return None
    found = np.stack([each.found for each in counts]).astype(np.float64)
    claimed = np.stack([each.claimed for each in counts]).astype(np.float64)
    weights = np.ones((1, len(counts)))
    if resamples:
        drawn = np.random.default_rng(seed).multinomial(
            len(counts), np.full(len(counts), 1 / len(counts)), resamples
        )
        drawn = drawn[drawn @ positives > 0]
        weights = drawn.astype(np.float64) if len(drawn) else weights
    scores = 2 * (weights @ found) / (weights @ claimed + (weights @ positives)[:, None])
    best = scores >= scores.max(axis=1, keepdims=True) - SAME
    return float((best @ GRID / best.sum(axis=1)).mean())


def best_constant(keys: Sequence[Sequence[ThresholdCounts]]) -> float | None:
    """Return the one threshold of the highest mean F1 over several keys.

    Args:
        keys: of each key, the counts of its sequences.

    Returns:
        ``None`` if none has its label.
    """
    curves = [_curve(counts) for counts in keys if sum(each.positives for each in counts)]
    if not curves:
        return None
    mean = np.mean(curves, axis=0)
    return float(GRID[mean >= mean.max() - SAME].mean())


def _curve(counts: Sequence[ThresholdCounts]) -> Floats:
    """Return the F1 of all sequences together at each threshold, ``(99,)``."""
    found = np.sum([each.found for each in counts], axis=0, dtype=np.float64)
    claimed = np.sum([each.claimed for each in counts], axis=0, dtype=np.float64)
    return np.asarray(2 * found / (claimed + sum(each.positives for each in counts)))


def shrunk(own: float, prior: float, bouts: int, half: int) -> float:
    """Return a value between a key's own and the prior, weighted by bouts / (bouts + half)."""
    weight = bouts / (bouts + half) if bouts + half else 0.0
    return weight * own + (1 - weight) * prior
