"""How many more seeds or units would tell two versions apart, if their difference is as large as measured.

The variance of the difference (:mod:`core.evaluation.crossed`) has three parts, each of which shrinks with
the size of the study in its own way; with n_A and n_B seeds, V units and s = 1/n_A + 1/n_B it is ::

    σ²(unit × version) / V  +  σ²_interaction s / V  +  σ²_seed s

Estimates of the three are taken from the runs that are there: A − C, C and S² s − C, each over its divisor
and at least 0. A study of another size is expected to have the variance above, with Satterthwaite's degrees
of freedom, and to detect a true difference δ at 95 % confidence with the power 1 − β if ::

    |δ| > (t(0.975, f) + t(1 − β, f)) √variance

which is the usual approximation of the noncentral t distribution (Chow, Shao & Wang 2008, "Sample Size
Calculations in Clinical Research", chapter 3). It takes δ to be what was measured. A measured difference is
larger than the true one more often than not where it was picked because it was large, and two equal versions
have no number of seeds that tells them apart: :attr:`Plan.within_error` marks differences that equal versions
give in two of three cases.

Measured on made-up versions whose variances are known (400 studies each; the simulation of the tests): where
seeds are the larger part, studies of the planned size found the difference in 74 to 89 %, for 80 % planned;
where units are, in 65 to 85 %, since a pseudo-value stands for more than its own unit. Variances estimated
from two or three seeds are far less certain than that, so a plan is an order of magnitude.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.evaluation.bootstrap import LEVEL
from core.evaluation.crossed import SeedGroup, pooled_over_seeds, variance_of
from core.evaluation.paired import FEWEST_UNITS
from core.evaluation.student import student_quantile

POWER = 0.8
MOST_SEEDS = 100
MOST_UNITS = 10_000
ROUNDING = 1e-12
"""Smaller differences of scores are rounding."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The smallest studies that would detect a difference of the measured size with the power of a plan."""

    difference: float
    error: float
    """Standard error of the difference now."""
    each: int | None
    """Seeds of each side, if both have equally many; ``None`` if :data:`MOST_SEEDS` are not enough."""
    more_seeds: tuple[int, int] | None
    """Seeds of A and of B to add to those that are there; ``None`` as for ``each``."""
    more_units: int | None
    """Units to add, with the seeds that are there; ``None`` if none is enough."""
    power: float = POWER

    @property
    def is_tie(self) -> bool:
        """Whether the two score the same, so that there is nothing to detect."""
        return abs(self.difference) <= ROUNDING

    @property
    def within_error(self) -> bool:
        """Whether the difference is below its standard error, as that of two equal versions usually is."""
        return abs(self.difference) < self.error


@dataclass(frozen=True)
class Parts:
    """Estimated parts of the variance of a difference, for one seed and all the present units."""

    of_versions: float
    """σ²(unit × version) / V."""
    interaction: float
    """σ²_interaction / V."""
    spread: float
    """σ²_seed + σ²_interaction / V: the variance of a run's score over seeds."""
    units: int
    """V."""

    def detects(self, difference: float, seeds: tuple[int, int], units: int) -> bool:
        """Return whether a study of that size detects a true difference with the planned power."""
        if units < FEWEST_UNITS or min(seeds) < 1 or sum(seeds) < 3:
            return False
        share, scale = 1 / seeds[0] + 1 / seeds[1], self.units / units
        interaction = self.interaction * scale
        of_seeds = max(self.spread - self.interaction, 0.0)
        over_units = self.of_versions * scale + interaction * share
        total = over_units + of_seeds * share
        whole = of_seeds + interaction if scale != 1 else self.spread
        uncertain = over_units**2 / (units - 1) + (whole * share) ** 2 / (sum(seeds) - 2)
        if not uncertain:
            return abs(difference) > ROUNDING
        freedom = max(total**2 / uncertain, 1.0)
        factor = student_quantile(0.5 + LEVEL / 2, freedom) + student_quantile(POWER, freedom)
        return bool(abs(difference) > factor * total**0.5)


def parts_of(a: SeedGroup, b: SeedGroup, others: Sequence[SeedGroup] = ()) -> Parts:
    """Estimate the parts of the variance from the runs that are there.

    Args:
        a: one side, of two or more units.
        b: the other side, of the same units.
        others: further groups of runs, used only for the spread over seeds.

    Raises:
        ValueError: no group has several seeds.
    """
    found = variance_of(a, b, others)
    spread, interaction, _ = pooled_over_seeds((a, b, *others))
    share = 1 / a.seeds + 1 / b.seeds
    of_versions = max(float(found.over_units - interaction * share), 0.0)
    return Parts(of_versions, float(interaction), float(spread), a.units)


def plan_for(parts: Parts, difference: float, error: float, seeds: tuple[int, int]) -> Plan:
    """Return how much more it takes to tell two versions apart that are not told apart yet.

    Args:
        parts: of the variance of their difference.
        difference: the difference to detect, taken to be the true one.
        error: its standard error now.
        seeds: runs of A and of B that are there.
    """
    units, now = parts.units, seeds
    each = _least(lambda n: parts.detects(difference, (n, n), units), 2, MOST_SEEDS)
    reached = _least(
        lambda n: parts.detects(difference, (max(n, now[0]), max(n, now[1])), units),
        max(min(now) + 1, 2),
        MOST_SEEDS,
    )
    wanted = _least(lambda n: parts.detects(difference, now, n), units + 1, MOST_UNITS)
    return Plan(
        difference=difference,
        error=error,
        each=each,
        more_seeds=None
        if reached is None
        else (max(reached - now[0], 0), max(reached - now[1], 0)),
        more_units=None if wanted is None else wanted - units,
    )


def _least(is_enough: Callable[[int], bool], fewest: int, most: int) -> int | None:
    """Return the smallest number in a range that is enough, found by bisection; ``None`` if none is."""
    if fewest > most or not is_enough(most):
        return None
    while fewest < most:
        middle = (fewest + most) // 2
        fewest, most = (fewest, middle) if is_enough(middle) else (middle + 1, most)
    return fewest
