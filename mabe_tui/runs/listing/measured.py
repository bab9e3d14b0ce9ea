"""The result of a version or a run as one figure, and its difference from others."""

from collections.abc import Mapping, Sequence

import msgspec

from core.errors import RunError
from core.evaluation.spread import mean_std
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.fold_metrics import with_folds_pooled
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.seeds import over_seeds, own_runs
from mabe_tui.runs.summary.metric_limits import most_possible
from mabe_tui.runs.tasks import find_spec


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The leading metric at the best epoch, averaged over the seeds that `mabe compare` would take.

    These are the latest run and those that differ from it in the seed alone: finished, one per seed. If none
    has finished, it is the latest run alone. Trials of `mabe tune` count only if there is nothing else;
    imported runs never do.
    """

    name: str
    """A version, or a run's id."""
    task: str | None = None
    """``None`` if there is no run."""
    metric: str | None = None
    """The leading metric: the task's primary one, or its substitute if validation lacks some labels."""
    metric_label: str | None = None
    rises: bool = True
    """Whether a larger score is better."""
    score: float | None = None
    """Mean of ``metric``; ``None`` if no epoch has ended."""
    score_std: float | None = None
    """Sample standard deviation (n − 1); ``None`` for a single run."""
    primary: float | None = None
    """Mean of the task's primary metric, if that is not ``metric``."""
    std: float | None = None
    """Standard deviation of ``primary``, as ``score_std``."""
    at_most: float | None = None
    """Upper bound of ``primary``, if validation lacks some labels; see :func:`most_possible`."""
    runs: tuple[str, ...] = ()
    """Ids, one per seed, newest first; the runs of all folds are represented by the newest."""
    folds: tuple[tuple[str, ...], ...] = ()
    """If the members are runs of all folds: their ids, one group for each of ``runs``. They are measured as
    one, on every unit once."""
    finished: bool = False
    """If ``False``, this is the best so far of a run that is live or was interrupted."""
    left_out: tuple[str, ...] = ()
    """Unfinished runs that are newer or have further seeds, with their states."""
    preset: str | None = None
    overrides: tuple[str, ...] = ()
    """Overrides of the newest run: it is not quite the version as registered."""
    scored_on: str | None = None
    """See :class:`~mabe_tui.runs.listing.record.RunRecord`."""
    validation_source: str | None = None


def measured_version(version: str, records: Sequence[RunRecord]) -> Measured:
    """Summarise a version from its runs.

    Args:
        version: its name.
        records: of all runs, newest first.
    """
    own = [r for r in records if r.summary.version == version and not r.summary.imported]
    readable = [r for r in own if r.alike]
    if not readable:
        return Measured(name=version)
    records, pooled, incomplete = with_folds_pooled(own_runs(readable))
    found = over_seeds(records)
    return _measured(version, found.members, (*found.left_out, *incomplete), pooled)


def measured_name(name: str, records: Sequence[RunRecord]) -> Measured:
    """Summarise a version that has runs, or the run with that id.

    Raises:
        RunError: there is neither.
    """
    if any(record.summary.version == name for record in records):
        return measured_version(name, records)
    run = next((record for record in records if record.id == name), None)
    if run is None:
        raise RunError(f"{name}: neither a run nor a version that has one; choose another baseline")
    return measured_run(run)


def delta(one: Measured, baseline: Measured) -> float | None:
    """Return the difference from a baseline in the primary metric.

    ``None`` if it is meaningless: other validation data, another task, nothing measured.
    """
    return _difference(one.primary, baseline.primary, one, baseline)


def score_delta(one: Measured, baseline: Measured) -> float | None:
    """Return the difference in the metric that leads on both sides, else in the primary one."""
    if one.metric != baseline.metric:
        return delta(one, baseline)
    return _difference(one.score, baseline.score, one, baseline)


def is_gain(difference: float, rises: bool) -> bool:
    """Return whether a difference from a baseline is an improvement."""
    return difference > 0 if rises else difference < 0


def _difference(
    value: float | None, other: float | None, one: Measured, baseline: Measured
) -> float | None:
    if value is None or other is None or one.task != baseline.task:
        return None
    return value - other if _scored_alike(one, baseline) else None


def measured_run(record: RunRecord) -> Measured:
    """Summarise one run."""
    return _measured(record.id, [record])


def _measured(
    name: str,
    members: Sequence[RunRecord],
    left_out: tuple[str, ...] = (),
    pooled: Mapping[str, tuple[str, ...]] | None = None,
) -> Measured:
    newest = members[0]
    leading, spec = newest.summary.metric or "", find_spec(newest.summary.task)
    score, score_std = _over_members(members, leading)
    primary, std = (score, score_std) if spec is None else _over_members(members, spec.primary)
    is_mean_over_all = spec is not None and spec.primary_where_absent is not None
    return Measured(
        name=name,
        task=newest.summary.task,
        metric=newest.summary.metric,
        metric_label=newest.summary.metric_label,
        rises=newest.summary.metric_rises,
        score=score,
        score_std=score_std,
        primary=primary,
        std=std,
        at_most=most_possible(newest.best) if is_mean_over_all else None,
        runs=tuple(record.id for record in members),
        finished=newest.state is RunState.FINISHED,
        left_out=left_out,
        folds=tuple(pooled[each.id] for each in members if each.id in pooled) if pooled else (),
        preset=newest.summary.preset,
        overrides=newest.summary.overrides,
        scored_on=newest.scored_on,
        validation_source=newest.validation_source,
    )


def _over_members(members: Sequence[RunRecord], metric: str) -> tuple[float | None, float | None]:
    values = [record.best[metric] for record in members if metric in record.best]
    return mean_std(values) if values else (None, None)


def _scored_alike(one: Measured, other: Measured) -> bool:
    """Return whether both were measured on the same videos; if that is unknown, on the same ids."""
    if one.validation_source and other.validation_source:
        return one.validation_source == other.validation_source
    return one.scored_on is not None and one.scored_on == other.scored_on
