"""What is found of one side against another, as data; the sentences about it are made elsewhere."""

from typing import Literal

import msgspec

About = Literal["versions", "checkpoints"]
WhichEpoch = Literal["best", "last"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of the second side against the first."""

    first: str
    second: str
    sentence: str
    metric: str
    """The leading metric: of the pooled validation examples, at each run's best epoch, or at its last."""
    metric_label: str
    """As it is called in tables."""
    rises: bool
    """Whether a larger value of the metric is better."""
    difference: float | None = None
    """Second minus first, of the means over each side's runs."""
    low: float | None = None
    high: float | None = None
    """Bounds of the 95 % interval, by ``method``."""
    probability_second_better: float | None = None
    videos: int | None = None
    """Units that both were scored on, whatever the task calls them."""
    distinguishable: bool | None = None
    """Whether the sides are told apart; ``None`` where nothing can be said of what was asked about."""
    first_seeds: int = 0
    """Runs on the first side."""
    second_seeds: int = 0
    about: About | None = None
    """What the interval is of: with one seed a side and no known spread, of these two checkpoints alone."""
    epoch: WhichEpoch | None = None
    """Of which epoch of each run; ``None`` of checkpoints that were named themselves."""
    checkpoints_differ: bool | None = None
    """With one run a side: whether these two differ on the units, whatever other seeds would do."""
    seed_sd: float | None = None
    """Standard deviation of a run's score over seeds, pooled over all groups of runs that show it."""
    seed_degrees_of_freedom: int | None = None
    seed_sd_from: tuple[str, ...] = ()
    """Versions whose runs show it."""
    error_over_videos: float | None = None
    """The part of the standard error of ``difference`` that the units bring."""
    error_over_seeds: float | None = None
    """The part that the seeds add; the squares of both add up to the whole's."""
    degrees_of_freedom: float | None = None
    """Of the standard error."""
    seeds_needed: int | None = None
    """Seeds a side that would tell a true difference of this size in 80 % of cases, where that is known."""
    method: str | None = None

    @property
    def told_apart(self) -> bool:
        """Whether one side is better for all that is known: only then may it look better anywhere."""
        return self.distinguishable is True

    @property
    def better(self) -> str:
        """The side with the better score, whether or not the two are told apart."""
        return self.second if self.gain > 0 else self.first

    @property
    def gain(self) -> float:
        """How much better the second side is: positive where it is, whichever way the metric goes."""
        difference = self.difference or 0.0
        return difference if self.rises else -difference
