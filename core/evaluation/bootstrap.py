"""The bootstrap over units: what a score of the pooled counts would be on other units of the same kind.

Units are resampled with replacement, and the interval is the percentile bootstrap's, widened for small
samples after Hesterberg (2015, "What Teachers Should Know About the Bootstrap", section 4.3): the plain
percentile interval is too narrow by √(n/(n−1)), and because it uses the normal quantile instead of Student's.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from core.evaluation.rows import Floats, Statistic
from core.evaluation.student import student_quantile

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """The interval of a score over resamples of its units."""

    low: float
    high: float
    units: int
    level: float = LEVEL


def score_interval(
    counts: ArrayLike, statistic: Statistic, *, resamples: int = 2_000, seed: int = 0
) -> Interval | None:
    """Return the interval of the score of pooled counts; ``None`` for fewer than two units.

    It shows chance over the units alone, not over training again.

    Args:
        counts: ``(units, labels, 5)``, as in :mod:`core.evaluation.rows`.
        statistic: the score.
        resamples: bootstrap resamples.
        seed: seed of the resampling; the same seed gives the same result.
    """
    table = np.asarray(counts, dtype=np.float64)
    units = len(table)
    if units < 2:
        return None
    scores = statistic(resampled(table, resamples, seed))
    tail = widened_tail(units)
    low, high = (float(bound) for bound in np.quantile(scores, [tail, 1 - tail]))
    return Interval(low, high, units)


def resampled(counts: Floats, resamples: int, seed: int) -> Floats:
    """Return the summed counts of each resample, ``(resamples, labels, 5)``.

    A resample of the units is a multinomial weight for each; the same seed weighs the units of another
    array of counts alike.
    """
    rng = np.random.default_rng(seed)
    units = len(counts)
    weights = rng.multinomial(units, np.full(units, 1 / units), size=resamples).astype(np.float64)
    return (weights @ counts.reshape(units, -1)).reshape(resamples, *counts.shape[1:])


def widened_tail(units: int) -> float:
    """Return the tail probability Φ(−√(n/(n−1)) t) of the widened interval, n = ``units`` ≥ 2."""
    quantile = student_quantile(0.5 + LEVEL / 2, units - 1)
    return NormalDist().cdf(-math.sqrt(units / (units - 1)) * quantile)
