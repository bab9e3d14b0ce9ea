"""What a version or a run came to, as one figure, and how far others are from it."""

from collections.abc import Sequence

import msgspec

from core.errors import RunError
from core.evaluation.spread import mean_std
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.fields import METRIC
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.seeds import over_seeds, own_runs
from mabe_tui.runs.summary.metric_limits import most_possible


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Macro F1 at the best epoch, averaged over the seeds: the runs that `mabe compare` would take.

    These are the latest run and those that differ from it in nothing but the seed, finished, one a seed.
    Where none is finished, the latest run alone. Trials of `mabe tune` count where there is nothing else;
    imported runs never do.
    """

    name: str
    """A version, or a run's id."""
    f1_macro: float | None = None
    """Mean; ``None`` where no epoch is over."""
    std: float | None = None
    """Of the sample (n − 1); ``None`` for a single run."""
    at_most: float | None = None
    """What it cannot pass, where the validation videos lack classes; see :func:`most_possible`."""
    runs: tuple[str, ...] = ()
    """Ids, one a seed, newest first."""
    finished: bool = False
    """Otherwise it is the best so far of a run that goes on or was interrupted."""
    left_out: tuple[str, ...] = ()
    """Newer runs, and those of further seeds, that are not finished, and how they are."""
    preset: str | None = None
    overrides: tuple[str, ...] = ()
    """With these the newest of them was run: not quite the version as it is registered."""
    scored_on: str | None = None
    """See :class:`~mabe_tui.runs.listing.record.RunRecord`."""
    validation_source: str | None = None


def measured_version(version: str, records: Sequence[RunRecord]) -> Measured:
    """Sum up a version from its runs.

    Args:
        version: its name.
        records: of all runs, newest first.
    """
    own = [r for r in records if r.summary.version == version and not r.summary.imported]
    readable = [r for r in own if r.alike]
    if not readable:
        return Measured(name=version)
    found = over_seeds(own_runs(readable))
    return _measured(version, found.members, found.left_out)


def measured_name(name: str, records: Sequence[RunRecord]) -> Measured:
    """Sum up what a name stands for: a version that has runs, or the run of that id.

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
    """Give how much better one is; ``None`` where that says nothing: other validation videos, none."""
    if one.f1_macro is None or baseline.f1_macro is None or not _scored_alike(one, baseline):
        return None
    return one.f1_macro - baseline.f1_macro


def measured_run(record: RunRecord) -> Measured:
    """Sum up one run."""
    return _measured(record.id, [record])


def _measured(name: str, members: Sequence[RunRecord], left_out: tuple[str, ...] = ()) -> Measured:
    newest = members[0]
    values = [record.best[METRIC] for record in members if METRIC in record.best]
    mean, std = mean_std(values) if values else (None, None)
    return Measured(
        name=name,
        f1_macro=mean,
        std=std,
        at_most=most_possible(newest.best),
        runs=tuple(record.id for record in members),
        finished=newest.state is RunState.FINISHED,
        left_out=left_out,
        preset=newest.summary.preset,
        overrides=newest.summary.overrides,
        scored_on=newest.scored_on,
        validation_source=newest.validation_source,
    )


def _scored_alike(one: Measured, other: Measured) -> bool:
    """Return whether both were measured on the same videos; where that is not known, on the same ids."""
    if one.validation_source and other.validation_source:
        return one.validation_source == other.validation_source
    return one.scored_on is not None and one.scored_on == other.scored_on
