"""The verdict on two sides as data; the sentences are generated elsewhere."""

from typing import Literal

import msgspec

About = Literal["versions", "checkpoints"]
WhichEpoch = Literal["best", "last"]


class Settling(msgspec.Struct, frozen=True, kw_only=True):
    """How much more it would take to tell the two apart, if their difference is as large as measured."""

    sentence: str = ""
    power: float
    """The share of studies of that size that would find a difference of this size."""
    error: float | None = None
    """Standard error of the difference now; ``None`` if it is not known."""
    more_seeds: tuple[int, int] | None = None
    """Further seeds of the first and the second side; ``None`` if no number up to 100 a side is enough."""
    more_videos: int | None = None
    """Further validation units, with the seeds that are there; ``None`` if 10,000 are not enough."""
    seconds: float | None = None
    """Hours of all these seeds, in seconds, from what the sides' runs took; ``None`` if unknown."""
    cost_usd: float | None = None
    """What these seeds would cost, from what the sides' runs cost; ``None`` if unknown or free."""
    seeds: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    """Seeds that the runs of the two sides' versions have not used yet, as many as are needed."""
    commands: tuple[str, ...] = ()
    """The commands that train these seeds."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on the second side compared with the first."""

    first: str
    second: str
    sentence: str
    metric: str
    """The leading metric, over the pooled validation examples, at each run's best epoch or its last."""
    metric_label: str
    """Its name in tables."""
    rises: bool
    """Whether a larger value of the metric is better."""
    difference: float | None = None
    """Second minus first, of the means over each side's runs."""
    low: float | None = None
    high: float | None = None
    """Bounds of the 95 % interval, by ``method``."""
    probability_second_better: float | None = None
    videos: int | None = None
    """Number of units that both were scored on, in the task's unit."""
    distinguishable: bool | None = None
    """Whether the sides differ significantly; ``None`` if there is no answer to that question."""
    first_seeds: int = 0
    """Number of runs on the first side."""
    second_seeds: int = 0
    about: About | None = None
    """Scope of the interval: with one seed per side and no known spread, these two checkpoints alone."""
    epoch: WhichEpoch | None = None
    """The epoch of each run; ``None`` for checkpoints that were named explicitly."""
    checkpoints_differ: bool | None = None
    """With one run per side: whether these two differ on the units, regardless of other seeds."""
    seed_sd: float | None = None
    """Standard deviation of a run's score over seeds, pooled over all groups of runs with several seeds."""
    seed_degrees_of_freedom: int | None = None
    seed_sd_from: tuple[str, ...] = ()
    """Versions whose runs contribute to it."""
    error_over_videos: float | None = None
    """Contribution of the units to the standard error of ``difference``."""
    error_over_seeds: float | None = None
    """Contribution of the seeds; the squares of both add up to the square of the total."""
    degrees_of_freedom: float | None = None
    """Degrees of freedom of the standard error."""
    seeds_needed: int | None = None
    """Seeds per side that would detect a true difference of this size in 80 % of cases, if known."""
    method: str | None = None
    settling: Settling | None = None
    """What it would take to tell the two apart; ``None`` if they are, or if that is unknown."""

    @property
    def told_apart(self) -> bool:
        """Whether one side is significantly better: only then may it be highlighted as better."""
        return self.distinguishable is True

    @property
    def better(self) -> str:
        """The side with the better score, whether or not the difference is significant."""
        return self.second if self.gain > 0 else self.first

    @property
    def gain(self) -> float:
        """How much better the second side is; positive if it is better, whatever the metric's direction."""
        difference = self.difference or 0.0
        return difference if self.rises else -difference
