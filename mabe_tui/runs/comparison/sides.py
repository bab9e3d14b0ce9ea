"""The sides of a comparison: a run, a version without runs, or a version's runs over several seeds."""

import math
from collections.abc import Sequence

import msgspec

from core.config.experiment import Experiment
from core.config.reported import Reported
from core.evaluation.spread import mean_std
from core.run.history import History
from mabe_tui.runs.comparison.found import Found
from mabe_tui.runs.comparison.pooling import pooled_metrics, source_of
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.summary.run_summary import RunSummary, summary_of


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
