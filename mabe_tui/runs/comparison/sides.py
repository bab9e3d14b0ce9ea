"""The sides of a comparison: a run, a version without runs, or a version's runs over several seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec

from core.config.experiment import Experiment
from core.config.registry import Registry
from core.config.reported import Reported
from core.errors import ConfigError, RunError
from core.evaluation.spread import mean_std
from core.run.history import History
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.comparison.pooling import pooled_metrics, source_of
from mabe_tui.runs.listing.folds import fold_group, fold_sets
from mabe_tui.runs.listing.seeds import data_digest, over_seeds, own_runs, request_digest
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import LAST, RunEntry, RunStore
from mabe_tui.runs.summary.run_summary import RunSummary, state_of, summary_of


class EpochCurve(msgspec.Struct, frozen=True, kw_only=True):
    """One value per epoch, without superseded epochs."""

    epoch: tuple[int, ...] = ()
    train_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    monitor: tuple[float, ...] = ()
    """Values of the monitored metric; NaN if it was not measured."""


class Spread(msgspec.Struct, frozen=True):
    """A metric over several seeds."""

    mean: float
    std: float
    """Sample standard deviation (n − 1)."""

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.std:.4f}"


class CurveOverSeeds(msgspec.Struct, frozen=True, kw_only=True):
    """Mean and deviation of each epoch over several seeds, for the epochs that all of them have."""

    epoch: tuple[int, ...]
    train_loss: tuple[Spread, ...]
    validation_loss: tuple[Spread, ...]
    monitor: tuple[Spread, ...]
    """Values of the monitored metric; NaN if a seed has not measured it."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison. With several seeds, scalar fields describe the newest run."""

    name: str
    """Name in this comparison: its version, or its run if versions repeat."""
    experiment: Experiment
    seed: int
    summary: RunSummary | None = None
    best_epoch: int | None = None
    best: dict[str, float] = {}
    """Metrics of the epoch with the best monitored value."""
    last: dict[str, float] = {}
    """Metrics of the last epoch."""
    curve: EpochCurve = EpochCurve()
    reported: Reported | None = None
    """Results that the original documents report for this version: not measured here."""
    runs: tuple[RunSummary, ...] = ()
    """All runs that this side stands for, newest first: one per seed."""
    seeds: tuple[int, ...] = ()
    """Seeds of ``runs``, in their order."""
    best_over_seeds: dict[str, Spread] = {}
    """Mean of ``best``, if there are several seeds."""
    last_over_seeds: dict[str, Spread] = {}
    curve_over_seeds: CurveOverSeeds | None = None
    """Mean of ``curve``, if there are several seeds; ends where the first of them ends."""
    left_out: tuple[str, ...] = ()
    """Unfinished runs that are newer or have further seeds, with their states."""
    folds: int | None = None
    """If each of ``runs`` represents the runs of all folds: the number of folds. ``best`` and ``last`` then
    cover the units of all folds; the curves belong to the run that represents them."""
    fold_runs: tuple[str, ...] = ()
    """Ids of the runs of all folds and seeds, if there are folds."""
    checkpoint: str | None = None
    """The one checkpoint that is compared, if not the run: ``best`` then holds its evaluation."""
    validation_source: str | None = None
    """See :class:`~core.run.request.Resolved`: equal only for the same validation videos."""

    @property
    def is_import(self) -> bool:
        """Whether its run was imported from an old log: all its figures are claims, none was measured."""
        return self.summary is not None and self.summary.imported


@dataclass(frozen=True)
class Found:
    """The meaning of a name: an experiment, and its runs, newest first, one per seed."""

    experiment: Experiment
    entries: tuple[RunEntry, ...] = ()
    left_out: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Why runs of the version cannot be read; these runs are skipped."""
    is_run: bool = False
    """Whether the name is that of a run, not a version."""
    folds: Mapping[str, tuple[RunEntry, ...]] = field(default_factory=dict)
    """Id of an entry → the runs of all folds that it represents, in the order of folds."""

    def runs_of(self, entry: RunEntry) -> tuple[RunEntry, ...]:
        """Return the runs whose rows an entry represents: itself, or those of all folds."""
        return self.folds.get(entry.id, (entry,))


def find_side(name: str, store: RunStore, registry: Registry, latest: bool) -> Found:
    """Find a run, the runs of a version, or else the bare version of that name.

    Args:
        name: the name as typed.
        store: the runs.
        registry: the versions.
        latest: let a version stand for its latest run alone, ignoring other seeds.

    Raises:
        ConfigError: neither a run nor a version.
        RunError: the run cannot be read.
    """
    try:
        entry = store.find(name)
    except RunError as no_run:
        if name == LAST or name not in registry.versions:
            raise ConfigError(f"{no_run}; versions are {', '.join(registry.versions)}") from None
        return Found(registry.experiment(name))
    if name != entry.version:
        return Found(entry.require_request().experiment, (entry,), is_run=True)
    of_version = [e for e in store.entries() if e.version == name and not e.is_import]
    own = _own_runs(of_version)
    problems = tuple(entry.problem for entry in of_version if entry.problem is not None)
    if len(problems) == len(of_version) and name in registry.versions:  # none can be read
        return Found(registry.experiment(name), unreadable=problems)
    found = Found(own[0].require_request().experiment, (own[0],)) if latest else _over_seeds(own)
    return replace(found, unreadable=problems)


@dataclass(frozen=True)
class _Candidate:
    """A run that may be one of several seeds; its state is read only if needed."""

    entry: RunEntry

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def seed(self) -> int:
        return self.entry.require_request().seed

    @cached_property
    def state(self) -> RunState:
        return state_of(self.entry)

    @property
    def alike(self) -> str:
        return request_digest(self.entry.require_request())

    @property
    def folds(self) -> int | None:
        return self.entry.require_request().experiment.data.folds

    @property
    def fold(self) -> int | None:
        return self.entry.require_request().experiment.data.fold

    @cached_property
    def fold_group(self) -> str:
        return fold_group(self.entry.require_request())

    @property
    def data(self) -> str:
        return data_digest(self.entry.require_request())

    @property
    def validates(self) -> bool:
        return self.entry.require_request().experiment.data.validates

    @property
    def is_trial(self) -> bool:
        return self.entry.is_trial


def _own_runs(runs: Sequence[RunEntry]) -> Sequence[RunEntry]:
    """Return the readable runs; trials of a study only if there is nothing else."""
    readable = [_Candidate(entry) for entry in runs if entry.request is not None]
    return [run.entry for run in own_runs(readable)] or runs


def _over_seeds(runs: Sequence[RunEntry]) -> Found:
    sets, incomplete = fold_sets([_Candidate(entry) for entry in runs])
    found = over_seeds(sets)
    entries = tuple(each.newest.entry for each in found.members)
    folds = {each.id: tuple(run.entry for run in each.runs) for each in found.members}
    return Found(
        entries[0].require_request().experiment,
        entries,
        (*found.left_out, *incomplete),
        folds={run: each for run, each in folds.items() if len(each) > 1},
    )


def repeat_digest(entry: RunEntry) -> tuple[str, str, str]:
    """Return a key that two runs share only if they have the same version, data and settings but the seed."""
    candidate = _Candidate(entry)
    return entry.version, candidate.alike, candidate.data


def kin_of(entry: RunEntry, store: RunStore) -> tuple[RunEntry, ...]:
    """Return the finished runs that repeat a run with other seeds, and the run itself if it has finished.

    They show the spread over its version's seeds. The newest run of each seed counts; for the run's own seed,
    the run itself counts.
    """
    digest, own = repeat_digest(entry), _Candidate(entry)
    kept: dict[int, _Candidate] = {}
    for each in [own, *map(_Candidate, store.entries())]:
        if each.entry.version != entry.version or each.entry.request is None:
            continue  # the name is enough, without reading the run
        if each.entry.is_import or repeat_digest(each.entry) != digest:
            continue
        if each.seed not in kept and each.state is RunState.FINISHED:
            kept[each.seed] = each
    return tuple(each.entry for each in kept.values())


def mean_over_runs(side: Side, field: str) -> float | None:
    """Return the mean of a field of ``RunSummary`` over the runs that have it."""
    known = [value for run in side.runs if (value := getattr(run, field)) is not None]
    return sum(known) / len(known) if known else None


def side_of(name: str, found: Found) -> Side:
    """Read all data of one side."""
    experiment = found.experiment
    if not found.entries:
        return Side(
            name=name,
            experiment=experiment,
            seed=experiment.training.seed,
            reported=experiment.reported,
        )
    monitor = experiment.training.monitor
    histories = [thin_history(entry.run) for entry in found.entries]
    bests = [history.best_epoch(monitor) for history in histories]
    best = [epoch.metrics if epoch else {} for epoch in bests]
    last = [history.epochs[-1].metrics if history.epochs else {} for history in histories]
    for place, entry in enumerate(found.entries):
        if entry.id in found.folds:
            best[place] = pooled_metrics(found.runs_of(entry), "best")
            last[place] = pooled_metrics(found.runs_of(entry), "last")
    runs = tuple(summary_of(entry) for entry in found.entries)
    seeds = tuple(entry.require_request().seed for entry in found.entries)
    curves = [_curve(history, monitor) for history in histories]
    return Side(
        name=name,
        experiment=experiment,
        seed=seeds[0],
        summary=runs[0],
        best_epoch=bests[0].epoch if bests[0] else None,
        best=best[0],
        last=last[0],
        curve=curves[0],
        reported=experiment.reported,
        runs=runs,
        seeds=seeds,
        best_over_seeds=_spreads(best),
        last_over_seeds=_spreads(last),
        curve_over_seeds=_curve_over_seeds(curves),
        left_out=found.left_out,
        folds=experiment.data.folds if found.folds else None,
        fold_runs=tuple(run.id for each in found.folds.values() for run in each),
        validation_source=source_of(found.runs_of(found.entries[0])),
    )


def _spreads(tables: Sequence[dict[str, float]]) -> dict[str, Spread]:
    """Average the numeric metrics of all runs; empty if there is one run only."""
    if len(tables) < 2:
        return {}
    shared = [key for key in tables[0] if all(math.isfinite(t.get(key, math.nan)) for t in tables)]
    return {key: _spread([table[key] for table in tables]) for key in shared}


def _spread(values: Sequence[float]) -> Spread:
    """Average two or more values; NaN if one is NaN."""
    if not all(map(math.isfinite, values)):
        return Spread(math.nan, math.nan)
    mean, std = mean_std(values)
    return Spread(mean, math.nan if std is None else std)


def _curve_over_seeds(curves: Sequence[EpochCurve]) -> CurveOverSeeds | None:
    if len(curves) < 2:
        return None
    epochs = sorted(set.intersection(*(set(curve.epoch) for curve in curves)))

    def over_seeds(name: str) -> tuple[Spread, ...]:
        tables = [dict(zip(c.epoch, getattr(c, name), strict=True)) for c in curves]
        return tuple(_spread([table[epoch] for table in tables]) for epoch in epochs)

    return CurveOverSeeds(
        epoch=tuple(epochs),
        train_loss=over_seeds("train_loss"),
        validation_loss=over_seeds("validation_loss"),
        monitor=over_seeds("monitor"),
    )


def _curve(history: History, monitor: str) -> EpochCurve:
    epochs = history.epochs
    return EpochCurve(
        epoch=tuple(epoch.epoch for epoch in epochs),
        train_loss=tuple(epoch.train_loss for epoch in epochs),
        validation_loss=tuple(epoch.metrics.get("loss", math.nan) for epoch in epochs),
        monitor=tuple(epoch.metrics.get(monitor, math.nan) for epoch in epochs),
    )
