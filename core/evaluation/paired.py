"""Is checkpoint B better than checkpoint A? A paired bootstrap over the units that both were scored on.

It accounts for chance over the units, such as videos, alone. It says nothing about the versions of the two
checkpoints: another seed would give others (:mod:`core.evaluation.versions` accounts for that too).

Frames of one video are far from independent, so videos are resampled, and both sides get the same resample,
so that a hard video is hard for both. The interval is that of :mod:`core.evaluation.bootstrap`. On 1,500
simulated pairs of equal skill (the simulation of the tests) the 95 % interval excluded 0 this often, in
percent, plain and widened: 5 videos 17.5 and 8.7, 8 videos 12.0 and 6.5, 20 videos 7.3 and 5.7, 40 videos
6.1 and 4.9.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import DataError
from core.evaluation.bootstrap import LEVEL, resampled, widened_tail
from core.evaluation.rows import COLUMNS, Floats, Statistic, differing_units

FEWEST_UNITS = 5
"""With fewer units, the interval is shown without a verdict: the resamples are too few and alike."""


@dataclass(frozen=True)
class PairedResult:
    """The difference B − A of a statistic of the pooled counts, with its uncertainty.

    ``low`` and ``high`` bound the interval of coverage ``level``; both are None with one unit.
    ``probability_b_better`` is the share of resamples in which B wins, ties counting half; None with
    one unit. ``distinguishable``: the interval excludes 0 and there are at least
    :data:`FEWEST_UNITS` units.
    """

    difference: float
    low: float | None
    high: float | None
    probability_b_better: float | None
    units: int
    distinguishable: bool
    resamples: int
    level: float = LEVEL

    @property
    def trusted(self) -> bool:
        """Whether there are enough units for the interval to be reliable."""
        return self.units >= FEWEST_UNITS


def paired_bootstrap(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic,
    *,
    rises: bool = True,
    resamples: int = 10_000,
    seed: int = 0,
) -> PairedResult:
    """Compare two experiments on the same units.

    Args:
        a: ``(units, labels, 5)`` counts of A, as in :mod:`core.evaluation.rows`.
        b: the same units in the same order, scored by B.
        statistic: the score to compare.
        rises: whether a larger value of the statistic is better.
        resamples: bootstrap resamples.
        seed: seed of the resampling; the same seed gives the same result.

    Raises:
        DataError: there are no units, the shapes differ, or the two sides disagree about the truth,
            so they were not scored on the same frames.
    """
    counts_a, counts_b = _checked(a, b)
    units = len(counts_a)
    difference = float(statistic(counts_b.sum(axis=0)) - statistic(counts_a.sum(axis=0)))
    if units == 1:
        return PairedResult(difference, None, None, None, 1, False, 0)
    scores_a, scores_b = (
        statistic(resampled(counts, resamples, seed)) for counts in (counts_a, counts_b)
    )
    differences = scores_b - scores_a
    tail = widened_tail(units)
    low, high = (float(bound) for bound in np.quantile(differences, [tail, 1 - tail]))
    better = differences > 0 if rises else differences < 0
    wins = float(np.mean(better) + np.mean(differences == 0) / 2)
    excludes_zero = low > 0 or high < 0
    distinguishable = excludes_zero and units >= FEWEST_UNITS
    return PairedResult(difference, low, high, wins, units, distinguishable, resamples)


def _checked(a: ArrayLike, b: ArrayLike) -> tuple[Floats, Floats]:
    counts_a, counts_b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if counts_a.ndim != 3 or counts_a.shape[2] != len(COLUMNS) or 0 in counts_a.shape:
        raise DataError(f"expected (units, labels, 5) counts, got {counts_a.shape}")
    if counts_a.shape != counts_b.shape:
        raise DataError(
            f"A has {counts_a.shape} and B {counts_b.shape} (units, labels, 5) counts; "
            "compare runs on the same units and labels"
        )
    differs = differing_units(counts_a, counts_b)
    if differs.size:
        raise DataError(
            f"A and B count different truths in unit number {differs[0]} (from 0): "
            "the validation sets are not the same; evaluate both on one set first"
        )
    return counts_a, counts_b
