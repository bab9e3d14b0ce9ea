"""The variance of a difference between two versions, over units and seeds as crossed random effects.

A unit is whatever a task calls one; here it is a video. All runs are scored on the same videos, and each
side has its own seeds. Jackknife pseudo-values over the videos (Efron & Stein 1981) make a run's score a mean
over videos::

    Y[s, v] = V θ[s] − (V − 1) θ[s without v]  ≈  μ + seed[s] + video[v] + interaction[s, v]

and the difference of the two sides' means has the variance ::

    σ²(video × version) / V  +  (σ²_seed + σ²_interaction / V) (1/n_A + 1/n_B)

Three mean squares estimate it, by the usual analysis of variance of a crossed design (Searle, Casella &
McCulloch 1992, chapter 4; for the bootstrap's view of it, Owen 2007, "The pigeonhole bootstrap"):

- ``A``, the jackknife variance of the difference, over videos; its expectation holds the interaction too;
- ``B = S² (1/n_A + 1/n_B)``, S² the variance of θ over the seeds of a side; its expectation holds the
  interaction too;
- ``C``, the interaction's own part, σ²_interaction / V (1/n_A + 1/n_B), from the residuals of Y.

A + B counts the interaction twice: it rejects the equality of equal versions in 1 %, not the nominal 5 %.
The variance used is ``A + max(B − C, 0)``; it is never below A, which alone is valid if seeds do not differ.
Its degrees of freedom are Satterthwaite's (1946), with f those of S²::

    (A + max(B − C, 0))² / (A²/(V − 1) + B²/f + C²/(f (V − 1)))

The full B is in the denominator, not B − C: a B that is small by chance would otherwise make its
own uncertainty look small. If B ≤ C, only A is left, with its V − 1.

S² and the interaction are pooled over both sides, and over further groups of runs if given: with 2 to 6
seeds, each side's own estimate is too uncertain, and with equal numbers pooling does not change B. With
unequal numbers B is the larger of the pooled and the separate form, s²_A/n_A + s²_B/n_B.

Measured (`tests/bench/bench_verdict.py`; figures in docs/performance.md): equal versions are found different
in 3 to 7 % for 5 to 40 videos and 3 to 6 seeds per side, in 3 to 8 % with 2. It is inaccurate for:

- 2 seeds whose scores are far from normal, or videos of very unequal length: 7 to 9.5 %;
- scores near the ceiling on 5 to 12 videos: 1.5 to 4 %;
- seeds that differ by no more than the interaction makes them: about 3 %, since max(B − C, 0) errs upwards;
- best epochs, picked on the videos they are scored on, where seeds hardly differ: 0 to 3 %;
- 2 seeds against 6: 2 to 6 %;
- one version's seeds spread three times as far: 5 to 11 % with equal numbers, 16 % with 2 of them against 6
  narrow ones, 1 % the other way round: two seeds do not show how far they spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.rows import Floats, Statistic


@dataclass(frozen=True)
class SeedGroup:
    """Reduced data of one side's runs; all arrays have the same leading shape."""

    seeds: int
    score: Floats
    """``(...)`` mean score over the seeds."""
    values: Floats
    """``(..., units)`` pseudo-values, averaged over the seeds."""
    spread: Floats
    """``(...)`` variance of the score over the seeds (n − 1); 0 for one seed."""
    interaction: Floats
    """``(...)`` estimate of σ²_interaction / units; 0 for one seed."""

    @property
    def units(self) -> int:
        """Number of units that every run was scored on."""
        return int(self.values.shape[-1])


@dataclass(frozen=True)
class Variance:
    """The variance of the difference of two sides, in its parts; arrays of one leading shape."""

    difference: Floats
    over_units: Floats
    """A in the module docstring."""
    over_seeds: Floats
    """max(B − C, 0): the contribution of the seeds."""
    freedom: Floats
    """Degrees of freedom of the sum."""
    seed_sd: Floats
    """Standard deviation of a run's score over seeds, pooled: √S²."""
    seed_freedom: int

    @property
    def total(self) -> Floats:
        """The total variance."""
        return self.over_units + self.over_seeds


def group_of(counts: Floats, statistic: Statistic) -> SeedGroup:
    """Reduce the counts of one side's runs to the input of the analysis.

    Args:
        counts: ``(..., seeds, units, labels, 5)``, as in :mod:`core.evaluation.rows`.
        statistic: the function that scores the counts.
    """
    seeds, units = counts.shape[-4:-2]
    total = counts.sum(axis=-3, keepdims=True)
    score = statistic(total)[..., 0]
    without = statistic(total - counts)
    pseudo = units * score[..., None] - (units - 1) * without
    values = pseudo.mean(axis=-2)
    if seeds == 1:
        nothing = np.zeros(score.shape[:-1])
        return SeedGroup(1, score[..., 0], values, nothing, nothing)
    interaction = np.zeros(score.shape[:-1])
    if units > 1:
        residual = (
            pseudo
            - pseudo.mean(axis=-1, keepdims=True)
            - (values - values.mean(axis=-1, keepdims=True))[..., None, :]
        )
        interaction = (residual**2).sum(axis=(-2, -1)) / ((seeds - 1) * (units - 1) * units)
    return SeedGroup(seeds, score.mean(axis=-1), values, score.var(axis=-1, ddof=1), interaction)


def pooled_over_seeds(groups: Sequence[SeedGroup]) -> tuple[Floats, Floats, int]:
    """Pool the spread and the interaction of groups of runs, by their degrees of freedom.

    Returns:
        ``(...)`` pooled spread, ``(...)`` pooled interaction, and the degrees of freedom.

    Raises:
        ValueError: no group has several seeds.
    """
    known = sum(group.seeds - 1 for group in groups)
    if not known:
        raise ValueError("no group of runs has several seeds")
    spread: Floats = np.add.reduce([(g.seeds - 1) * g.spread for g in groups]) / known
    interaction: Floats = np.add.reduce([(g.seeds - 1) * g.interaction for g in groups]) / known
    return spread, interaction, known


def variance_of(a: SeedGroup, b: SeedGroup, others: Sequence[SeedGroup] = ()) -> Variance:
    """Estimate the variance of the difference of two sides; see the module docstring.

    Args:
        a: one side, of two or more units.
        b: the other side, of the same units.
        others: further groups of runs, used only for the spread over seeds.

    Raises:
        ValueError: no group has several seeds.
    """
    spread, interaction, known = pooled_over_seeds((a, b, *others))
    units, share = a.units, 1 / a.seeds + 1 / b.seeds
    over_units = (b.values - a.values).var(axis=-1, ddof=1) / units
    pooled, twice = spread * share, interaction * share
    if a.seeds > 1 and b.seeds > 1:
        pooled = np.maximum(pooled, a.spread / a.seeds + b.spread / b.seeds)
    over_seeds = np.maximum(pooled - twice, 0)
    uncertain = np.where(over_seeds > 0, pooled**2 / known + twice**2 / (known * (units - 1)), 0.0)
    uncertain = uncertain + over_units**2 / (units - 1)
    total = over_units + over_seeds
    most = known + units - 1.0
    freedom = np.divide(total**2, uncertain, out=np.full(total.shape, most), where=uncertain > 0)
    fewest = min(known, units - 1)
    return Variance(
        b.score - a.score,
        over_units,
        over_seeds,
        np.clip(freedom, fewest, most),
        np.sqrt(spread),
        known,
    )
