"""The verdict on one side of a comparison against another.

A verdict about *versions* accounts for chance over the units (videos, say) and the seeds. It needs several
seeds of at least one version, or a spread over seeds known from other runs. With one seed per side and no
such spread, the verdict is about the two *checkpoints* and accounts for the units alone.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from core.errors import DataError
from mabe_tui.runs.comparison.judgement import About, Settling, Verdict, WhichEpoch
from mabe_tui.runs.comparison.verdict_words import CheckpointWords, VersionWords
from mabe_tui.runs.comparison.version_tables import (
    Table,
    compare_tables_of_versions,
    informing_kin,
    read_table,
    require_scored_alike,
)
from mabe_tui.runs.comparison.yardstick import Yardstick

if TYPE_CHECKING:  # numpy and pyarrow: needed for verdicts only
    from core.evaluation.paired import PairedResult
    from core.evaluation.rows import Rows
    from core.evaluation.versions import VersionResult

BOOTSTRAP = "paired bootstrap over {units}, widened for few"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One side of a verdict: its runs, and other runs that show its spread over seeds."""

    name: str
    """Name in the comparison."""
    version: str
    settings: tuple[str, str, str]
    """Digest that two sides share only if they differ in nothing but the seed."""
    runs: tuple[str, ...]
    """Ids of its runs, one per seed."""
    tables: tuple[Table, ...]
    """The evaluation table of each."""
    named_as_runs: bool
    """Whether the name is that of a run, not a version."""
    source: str | None = None
    """``validation_source`` of :class:`~core.run.request.Resolved`."""
    combined: bool = False
    """Whether its runs are made of others, and so have no seeds of their own."""
    kin: tuple[Table, ...] = ()
    """Tables of all runs that repeat its one run with other seeds, that one included."""

    @property
    def alone(self) -> bool:
        """Whether there is one run only, so that its own spread over seeds is unknown."""
        return len(self.runs) == 1


def empty_verdict(
    by: Yardstick,
    names: tuple[str, str],
    seeds: tuple[int, int],
    epoch: WhichEpoch | None = None,
) -> Verdict:
    """Return a verdict with the names of what is compared, and no outcome."""
    return Verdict(
        first=names[0],
        second=names[1],
        sentence="",
        metric=by.metric.name,
        metric_label=by.metric.label,
        rises=by.metric.rises,
        first_seeds=seeds[0],
        second_seeds=seeds[1],
        epoch=epoch,
    )


def verdict_between(
    first: Contender, second: Contender, by: Yardstick, epoch: WhichEpoch
) -> Verdict:
    """Compare the second side with the first.

    Raises:
        DataError: they were not scored on the same examples, share a run, a table cannot be read, or rows do
            not hold the metric.
    """
    if shared := [run for run in second.runs if run in first.runs]:
        raise DataError(f"both sides hold {', '.join(shared)}; name runs that only one of them has")
    one, *others = [read_table(path) for path in first.tables]
    against = [read_table(path) for path in second.tables]
    for run, table in zip(first.runs[1:], others, strict=True):
        require_scored_alike(one, table, (first.runs[0], run), by)
    for table in against:
        require_scored_alike(one, table, (first.name, second.name), by)
    require_same_source(first.source, second.source, by)
    names, seeds = (first.name, second.name), (len(first.runs), len(second.runs))
    empty = empty_verdict(by, names, seeds, epoch)
    both_alone = first.alone and second.alone
    checkpoints = checkpoint_verdict(empty, one, against[0], by) if both_alone else None
    if first.settings == second.settings and checkpoints is not None:
        words = CheckpointWords(checkpoints, by, (first.version, second.version))
        return msgspec.structs.replace(checkpoints, sentence=words.of_one_version(first.version))
    found = _version_verdict(empty, (first, second), checkpoints, by)
    if found is not None:
        return found
    if checkpoints is None:
        raise DataError("no group of runs shows how far seeds spread")  # both_alone otherwise
    asked = checkpoints.distinguishable if first.named_as_runs and second.named_as_runs else None
    combined = first.combined or second.combined
    words = CheckpointWords(checkpoints, by, (first.version, second.version), combined)
    return msgspec.structs.replace(
        checkpoints, sentence=words.of_two_versions(), distinguishable=asked
    )


def checkpoint_verdict(
    empty: Verdict,
    one: "Rows",
    other: "Rows",
    by: Yardstick,
    versions: tuple[str, str] = ("", ""),
) -> Verdict:
    """Bootstrap the difference of two checkpoints over their units; the sentence covers these alone.

    Args:
        empty: a verdict with the names of the two.
        one: counts of the first's units.
        other: counts of the second's: the same units and examples.
        by: the metric and its task.
        versions: names of their versions, if the sentence is to say that it does not judge these.

    Raises:
        DataError: rows do not hold the metric.
    """
    from core.evaluation.paired import paired_bootstrap

    against = other.reordered(one.units).counts
    statistic = by.statistic(one.labels)
    result = paired_bootstrap(one.counts, against, statistic, rises=by.metric.rises)
    found = _with_outcome(
        empty,
        result,
        about="checkpoints",
        checkpoints_differ=result.distinguishable,
        method=BOOTSTRAP.format(units=by.unit.many),
    )
    return msgspec.structs.replace(found, sentence=CheckpointWords(found, by, versions).alone())


def _version_verdict(
    empty: Verdict,
    sides: tuple[Contender, Contender],
    checkpoints: Verdict | None,
    by: Yardstick,
) -> Verdict | None:
    """Account for seeds and units; ``None`` if no runs show the spread over seeds."""
    kin = [informing_kin(side.tables, side.kin, by) for side in sides]
    result = compare_tables_of_versions(sides[0].tables, sides[1].tables, by, kin)
    if result.distinguishable is None:
        return None
    shown = [side for side, found in zip(sides, kin, strict=True) if found or not side.alone]
    found = _with_outcome(
        empty,
        result,
        about="versions",
        checkpoints_differ=checkpoints.checkpoints_differ if checkpoints else None,
        seed_sd=result.seed_sd,
        seed_degrees_of_freedom=result.seed_freedom,
        seed_sd_from=tuple(dict.fromkeys(side.version for side in shown)),
        error_over_videos=result.error_over_units,
        error_over_seeds=result.error_over_seeds,
        degrees_of_freedom=result.freedom,
        seeds_needed=result.seeds_needed,
        method=result.method,
        settling=_settling(result),
    )
    return msgspec.structs.replace(found, sentence=VersionWords(found, by).sentence())


def _settling(result: "VersionResult") -> Settling | None:
    """Return what a plan says, without its cost."""
    plan = result.plan
    if plan is None:
        return None
    return Settling(
        power=plan.power,
        error=plan.error,
        more_seeds=plan.more_seeds,
        more_videos=plan.more_units,
    )


def _with_outcome(
    empty: Verdict, result: "PairedResult | VersionResult", about: About, **more: Any
) -> Verdict:
    """Fill in the fields common to every kind of comparison.

    Raises:
        DataError: the metric is not a number on one of the sides.
    """
    if not math.isfinite(result.difference):
        raise DataError(f"{empty.metric} is not a number on one of the sides")
    return msgspec.structs.replace(
        empty,
        difference=result.difference,
        low=result.low,
        high=result.high,
        probability_second_better=result.probability_b_better,
        videos=result.units,
        distinguishable=result.distinguishable,
        about=about,
        **more,
    )


def require_same_source(one: str | None, other: str | None, by: Yardstick) -> None:
    """Reject validation units that have the same ids but different content.

    Args:
        one: ``validation_source`` of :class:`~core.run.request.Resolved`; if one is unknown, the units' ids
            and labels decide.
        other: that of the other side.
        by: the metric and its task.

    Raises:
        DataError: their content differs.
    """
    if one is not None and other is not None and one != other:
        raise DataError(
            f"their validation {by.unit.many} have the same ids, but other content: inputs or labels"
            " differ; run both on the same data"
        )


def no_verdict(empty: Verdict, reason: str) -> Verdict:
    """Return a verdict that says why there is no answer."""
    sentence = f"{empty.second} − {empty.first}: no verdict: {reason}"
    return msgspec.structs.replace(empty, sentence=sentence)
