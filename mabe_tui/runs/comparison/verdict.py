"""What can be said of one side of a comparison against another.

A verdict about *versions* counts the luck of the videos and of the seeds; it needs several seeds of at least
one version, or a spread over seeds that other runs show. With one seed a side and nothing else, there is one
about the two *checkpoints*, which counts the luck of the videos alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from core.errors import DataError
from mabe_tui.runs.comparison.verdict_words import CheckpointWords, VersionWords
from mabe_tui.runs.comparison.version_tables import (
    compare_tables_of_versions,
    informing_kin,
    read_table,
    require_scored_alike,
)

if TYPE_CHECKING:  # numpy and pyarrow: only a verdict needs them
    from core.evaluation.table import Confusions

About = Literal["versions", "checkpoints"]
WhichEpoch = Literal["best", "last"]
BOOTSTRAP = "paired bootstrap over videos, widened for few"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of the second side against the first."""

    first: str
    second: str
    sentence: str
    metric: str = "f1_macro"
    """Of the pooled validation frames, at each run's best epoch, or at its last."""
    difference: float | None = None
    """Second minus first, of the means over each side's runs."""
    low: float | None = None
    high: float | None = None
    """Bounds of the 95 % interval, by ``method``."""
    probability_second_better: float | None = None
    videos: int | None = None
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
    """With one run a side: whether these two differ on the videos, whatever other seeds would do."""
    seed_sd: float | None = None
    """Standard deviation of a run's score over seeds, pooled over all groups of runs that show it."""
    seed_degrees_of_freedom: int | None = None
    seed_sd_from: tuple[str, ...] = ()
    """Versions whose runs show it."""
    error_over_videos: float | None = None
    """The part of the standard error of ``difference`` that the videos bring."""
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


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One side of a verdict: its runs, and what else shows how far its seeds spread."""

    name: str
    """What it is called in the comparison."""
    version: str
    settings: tuple[str, str, str]
    """The same for two sides only if they differ in nothing but the seed."""
    runs: tuple[str, ...]
    """Ids of its runs, one a seed."""
    tables: tuple[Path, ...]
    """The evaluation table of each."""
    named_as_runs: bool
    """Whether a run was named, not a version."""
    source: str | None = None
    """``validation_source`` of :class:`~core.run.rundir.Resolved`."""
    kin: tuple[Path, ...] = ()
    """Tables of all runs that repeat its one run with other seeds, that one included."""

    @property
    def alone(self) -> bool:
        """Whether there is one run only, so that its own spread over seeds is not known."""
        return len(self.runs) == 1


def verdict_between(first: Contender, second: Contender, epoch: WhichEpoch) -> Verdict:
    """Hold the second side against the first.

    Raises:
        DataError: they were not scored on the same frames, share a run, or a table cannot be read.
    """
    if shared := [run for run in second.runs if run in first.runs]:
        raise DataError(f"both sides hold {', '.join(shared)}; name runs that only one of them has")
    one, *others = [read_table(path) for path in first.tables]
    against = [read_table(path) for path in second.tables]
    for run, table in zip(first.runs[1:], others, strict=True):
        require_scored_alike(one, table, (first.runs[0], run))
    for table in against:
        require_scored_alike(one, table, (first.name, second.name))
    require_same_source(first.source, second.source)
    empty = Verdict(
        first=first.name,
        second=second.name,
        sentence="",
        first_seeds=len(first.runs),
        second_seeds=len(second.runs),
        epoch=epoch,
    )
    both_alone = first.alone and second.alone
    checkpoints = checkpoint_verdict(empty, one, against[0]) if both_alone else None
    if first.settings == second.settings and checkpoints is not None:
        words = _words_of_checkpoints(checkpoints, first, second)
        return msgspec.structs.replace(checkpoints, sentence=words.of_one_version(first.version))
    found = _version_verdict(empty, first, second, checkpoints)
    if found is not None:
        return found
    if checkpoints is None:
        raise DataError("no group of runs shows how far seeds spread")  # both_alone otherwise
    asked = checkpoints.distinguishable if first.named_as_runs and second.named_as_runs else None
    sentence = _words_of_checkpoints(checkpoints, first, second).of_two_versions()
    return msgspec.structs.replace(checkpoints, sentence=sentence, distinguishable=asked)


def checkpoint_verdict(empty: Verdict, one: "Confusions", other: "Confusions") -> Verdict:
    """Bootstrap the difference of two checkpoints over their videos; the sentence is of these alone.

    Args:
        empty: what the two are called.
        one: counts of the first's videos.
        other: of the second's, the same videos and frames.
    """
    from core.evaluation.paired import paired_bootstrap

    result = paired_bootstrap(one.counts, other.reordered(one.videos).counts)
    found = msgspec.structs.replace(
        empty,
        difference=result.difference,
        low=result.low,
        high=result.high,
        probability_second_better=result.probability_b_better,
        videos=result.videos,
        distinguishable=result.distinguishable,
        about="checkpoints",
        checkpoints_differ=result.distinguishable,
        method=BOOTSTRAP,
    )
    return msgspec.structs.replace(found, sentence=CheckpointWords(found).alone())


def _words_of_checkpoints(found: Verdict, first: Contender, second: Contender) -> CheckpointWords:
    return CheckpointWords(found, (first.version, second.version))


def _version_verdict(
    empty: Verdict, first: Contender, second: Contender, checkpoints: Verdict | None
) -> Verdict | None:
    """Count seeds and videos; ``None`` where nothing shows how far seeds spread."""
    kin = [informing_kin(side.tables, side.kin) for side in (first, second)]
    result = compare_tables_of_versions(first.tables, second.tables, kin)
    if result.distinguishable is None:
        return None
    shown = [
        side for side, found in zip((first, second), kin, strict=True) if found or not side.alone
    ]
    found = msgspec.structs.replace(
        empty,
        difference=result.difference,
        low=result.low,
        high=result.high,
        probability_second_better=result.probability_b_better,
        videos=result.videos,
        distinguishable=result.distinguishable,
        about="versions",
        checkpoints_differ=checkpoints.checkpoints_differ if checkpoints else None,
        seed_sd=result.seed_sd,
        seed_degrees_of_freedom=result.seed_freedom,
        seed_sd_from=tuple(dict.fromkeys(side.version for side in shown)),
        error_over_videos=result.error_over_videos,
        error_over_seeds=result.error_over_seeds,
        degrees_of_freedom=result.freedom,
        seeds_needed=result.seeds_needed,
        method=result.method,
    )
    return msgspec.structs.replace(found, sentence=VersionWords(found).sentence())


def require_same_source(one: str | None, other: str | None) -> None:
    """Refuse validation videos that have the same ids and are not the same.

    Args:
        one: ``validation_source`` of :class:`~core.run.rundir.Resolved`; where one is not known, the videos'
            ids and labels have to do.
        other: of the other side.

    Raises:
        DataError: their content differs.
    """
    if one is not None and other is not None and one != other:
        raise DataError(
            "their validation videos have the same ids, but other content: tracking or annotations"
            " differ; run both on the same data"
        )


def no_verdict(empty: Verdict, reason: str) -> Verdict:
    """Return a verdict that says why there is none."""
    sentence = f"{empty.second} − {empty.first}: no verdict: {reason}"
    return msgspec.structs.replace(empty, sentence=sentence)
