"""Is version B better than version A? A comparison that accounts for chance over units and seeds.

A run's score is a statistic of the counts of all validation units pooled, such as macro F1 of the frames of
all videos; a version's score is the mean over its runs, one per seed. It is the expected score of one
more run, it is the figure that listings show, and its expectation does not depend on the number of seeds.
(Macro F1 of counts averaged over the seeds does: it is the score of a mixture of the runs, which changes with
their number.)

For how the variance of the difference is estimated, from what sources, and when it is inaccurate, see
:mod:`core.evaluation.crossed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from core.errors import DataError
from core.evaluation.bootstrap import LEVEL
from core.evaluation.crossed import group_of, variance_of
from core.evaluation.paired import FEWEST_UNITS
from core.evaluation.planning import ROUNDING, Plan, parts_of, plan_for
from core.evaluation.rows import COLUMNS, Floats, Statistic, differing_units
from core.evaluation.student import student_cdf, student_quantile

METHOD = "crossed variance components, Student's t"


@dataclass(frozen=True, kw_only=True)
class VersionResult:
    """The difference B − A of the mean scores of two versions, with its uncertainty.

    ``distinguishable`` is ``None`` if nothing can be said about the versions, because no group of runs shows
    the spread over seeds: then ``low``, ``high`` and the fields they are based on are ``None`` as well. With
    fewer than :data:`~core.evaluation.paired.FEWEST_UNITS` units, there is an interval, and it is ``False``.
    """

    difference: float
    distinguishable: bool | None
    units: int
    seeds: tuple[int, int]
    """Number of runs of A and of B."""
    low: float | None = None
    high: float | None = None
    probability_b_better: float | None = None
    """Student's distribution function at difference / standard error, from the side of the better version:
    0.5 if both are equal."""
    freedom: float | None = None
    seed_sd: float | None = None
    """Standard deviation of single runs over seeds: pooled over every group that has several."""
    seed_freedom: int = 0
    """Degrees of freedom of ``seed_sd``."""
    error_over_units: float | None = None
    """Contribution of the units (with the interaction) to the standard error of the difference."""
    error_over_seeds: float | None = None
    """Contribution of the seeds to the standard error of the difference."""
    plan: Plan | None = None
    """What it would take to detect a true difference of this size; ``None`` if it is already detected, or if
    nothing is known about the seeds."""
    level: float = LEVEL
    method: str = METHOD

    @property
    def seeds_needed(self) -> int | None:
        """Seeds per side that would detect a true difference of this size in 80 % of cases.

        ``None`` if it is already detected, if 100 are not enough, or if it is unknown.
        """
        return self.plan.each if self.plan is not None else None

    @property
    def told_apart(self) -> bool:
        """Whether one is significantly better than the other."""
        return self.distinguishable is True

    @property
    def trusted(self) -> bool:
        """Whether there are enough units for the interval to be reliable."""
        return self.units >= FEWEST_UNITS


def compare_versions(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic,
    others: Sequence[ArrayLike] = (),
    *,
    rises: bool = True,
) -> VersionResult:
    """Compare two versions by the counts of their runs on the same units.

    Takes about a millisecond. If a side has one run, its spread over seeds is assumed to be that of the other
    groups; if every group has one run, there is no verdict.

    Args:
        a: ``(seeds, units, labels, 5)`` counts of A's runs, as in :mod:`core.evaluation.rows`.
        b: the same units in the same order, B's runs.
        statistic: the score to compare.
        others: further groups of runs that differ in the seed alone, on the same units in the same order;
            used only for the spread over seeds.
        rises: whether a larger value of the statistic is better.

    Raises:
        DataError: there are no units or runs, the shapes differ, or two runs disagree about the truth.
    """
    counts = [np.asarray(group, dtype=np.float64) for group in (a, b, *others)]
    _require_one_truth(counts)
    side_a, side_b, *rest = (group_of(each, statistic) for each in counts)
    units, seeds = side_a.units, (side_a.seeds, side_b.seeds)
    difference = float(side_b.score - side_a.score)
    known = sum(group.seeds - 1 for group in (side_a, side_b, *rest))
    if units == 1 or not known:
        unknown = False if known else None
        return VersionResult(
            difference=difference, distinguishable=unknown, units=units, seeds=seeds
        )
    found = variance_of(side_a, side_b, rest)
    error, freedom = float(np.sqrt(found.total)), float(found.freedom)
    half = student_quantile(0.5 + LEVEL / 2, freedom) * error
    told_apart = abs(difference) > half + ROUNDING and units >= FEWEST_UNITS
    parts = parts_of(side_a, side_b, rest)
    return VersionResult(
        difference=difference,
        distinguishable=told_apart,
        units=units,
        seeds=seeds,
        low=difference - half,
        high=difference + half,
        probability_b_better=_probability_positive(
            difference if rises else -difference, error, freedom
        ),
        freedom=freedom,
        seed_sd=float(found.seed_sd),
        seed_freedom=found.seed_freedom,
        error_over_units=float(np.sqrt(found.over_units)),
        error_over_seeds=float(np.sqrt(found.over_seeds)),
        plan=None if told_apart else plan_for(parts, difference, error, seeds),
    )


def _probability_positive(difference: float, error: float, freedom: float) -> float:
    if abs(difference) <= ROUNDING:
        return 0.5
    if error <= ROUNDING:
        return float(difference > 0)
    return student_cdf(difference / error, freedom)


def _require_one_truth(groups: Sequence[Floats]) -> None:
    for counts in groups:
        if counts.ndim != 4 or counts.shape[3] != len(COLUMNS) or 0 in counts.shape:
            raise DataError(f"expected (seeds, units, labels, 5) counts, got {counts.shape}")
    first = groups[0]
    for counts in groups:
        if counts.shape[1:] != first.shape[1:]:
            raise DataError(
                f"{first.shape[1:]} and {counts.shape[1:]} (units, labels, 5) counts; compare"
                " runs on the same units and labels"
            )
        differs = differing_units(counts, first[0])
        if differs.size:
            raise DataError(
                f"runs count different truths in unit number {differs[0]} (from 0): the"
                " validation sets are not the same; evaluate all on one set first"
            )
