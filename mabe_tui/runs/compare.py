"""Runs side by side: what was set differently, what came out, and whether the difference is real.

What a run here measured and what an old document reports are kept apart in every field.
"""

import math
from collections.abc import Sequence

import msgspec

from core.errors import ConfigError, DataError, RunError
from core.events import Epoch
from core.experiment import Experiment, Reported, flatten
from core.history import History
from core.registry import Registry
from mabe_tui.runs.reading import thin_history
from mabe_tui.runs.store import LAST, RunEntry, RunStore
from mabe_tui.runs.view import RunSummary, summary_of


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One value an epoch, of the history that counts."""

    epoch: tuple[int, ...] = ()
    train_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    monitor: tuple[float, ...] = ()
    """Of the monitored metric; NaN where it was not measured."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the things compared: a run, or a version that has none yet."""

    name: str
    """What it is called in this comparison: its version, or its run where versions repeat."""
    experiment: Experiment
    seed: int
    summary: RunSummary | None = None
    best_epoch: int | None = None
    best: dict[str, float] = {}
    """Metrics of the epoch with the best monitored value."""
    last: dict[str, float] = {}
    """Metrics of the last epoch."""
    curve: Curve = Curve()
    reported: Reported | None = None
    """What the original documents claim of this version: not measured here."""


class Setting(msgspec.Struct, frozen=True):
    """One setting that is not the same on all sides."""

    key: str
    values: tuple[object, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of the second side against the first."""

    first: str
    second: str
    sentence: str
    metric: str = "f1_macro"
    """Of the pooled validation frames, at each side's best checkpoint."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    """Bounds of the 95 % interval."""
    probability_second_better: float | None = None
    videos: int | None = None
    distinguishable: bool | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything `mabe compare` shows."""

    sides: tuple[Side, ...]
    settings: tuple[Setting, ...]
    verdicts: tuple[Verdict, ...]


def compare(names: Sequence[str], store: RunStore, registry: Registry) -> Comparison:
    """Compare versions or runs, two or more; the first is what the others are held against.

    Raises:
        RunError, ConfigError: a name that is neither a run nor a version, or one that cannot be read.
    """
    if len(names) < 2:
        raise RunError("name two or more runs or versions, such as `mabe compare v5 v6`")
    found = [_found(name, store, registry) for name in names]
    sides = tuple(
        _side(label, entry, experiment)
        for label, (entry, experiment) in zip(_labels(found), found, strict=True)
    )
    entries = [entry for entry, _ in found]
    verdicts = tuple(
        _verdict(sides[0], entries[0], side, entry)
        for side, entry in zip(sides[1:], entries[1:], strict=True)
    )
    return Comparison(sides=sides, settings=changed_settings(sides), verdicts=verdicts)


def _found(name: str, store: RunStore, registry: Registry) -> tuple[RunEntry | None, Experiment]:
    """Find a run, or else the version of that name."""
    try:
        entry = store.find(name)
    except RunError as no_run:
        if name == LAST or name not in registry.versions:
            raise ConfigError(f"{no_run}; versions are {', '.join(registry.versions)}") from None
        return None, registry.experiment(name)
    return entry, entry.require_request().experiment


def _labels(found: Sequence[tuple[RunEntry | None, Experiment]]) -> list[str]:
    """Call each side by its version, or by its run where a version comes twice."""
    versions = [experiment.name for _, experiment in found]
    return [
        entry.id if entry is not None and versions.count(experiment.name) > 1 else experiment.name
        for entry, experiment in found
    ]


def _side(name: str, entry: RunEntry | None, experiment: Experiment) -> Side:
    if entry is None:
        return Side(
            name=name,
            experiment=experiment,
            seed=experiment.training.seed,
            reported=experiment.reported,
        )
    history = thin_history(entry.run)
    monitor = experiment.training.monitor
    best = history.best_epoch(monitor)
    return Side(
        name=name,
        experiment=experiment,
        seed=entry.require_request().seed,
        summary=summary_of(entry),
        best_epoch=best.epoch if best else None,
        best=best.metrics if best else {},
        last=history.epochs[-1].metrics if history.epochs else {},
        curve=_curve(history, monitor),
        reported=experiment.reported,
    )


def _curve(history: History, monitor: str) -> Curve:
    epochs: list[Epoch] = history.epochs
    return Curve(
        epoch=tuple(epoch.epoch for epoch in epochs),
        train_loss=tuple(epoch.train_loss for epoch in epochs),
        validation_loss=tuple(epoch.metrics.get("loss", math.nan) for epoch in epochs),
        monitor=tuple(epoch.metrics.get(monitor, math.nan) for epoch in epochs),
    )


def changed_settings(sides: Sequence[Side]) -> tuple[Setting, ...]:
    """Give the settings, seed included, that are not the same on all sides."""
    tables = [{**flatten(side.experiment), "seed": side.seed} for side in sides]
    keys = dict.fromkeys(key for table in tables for key in table if key != "training.seed")
    rows = [Setting(key, tuple(table.get(key) for table in tables)) for key in keys]
    return tuple(row for row in rows if any(value != row.values[0] for value in row.values))


def _verdict(
    first: Side, first_entry: RunEntry | None, second: Side, second_entry: RunEntry | None
) -> Verdict:
    """Hold the second side against the first, or say why that cannot be done."""
    reason = _no_verdict(first, second)
    if reason is None and first_entry is not None and second_entry is not None:
        try:
            return _bootstrap(first, first_entry, second, second_entry)
        except DataError as error:
            reason = str(error)
    return Verdict(
        first=first.name,
        second=second.name,
        sentence=f"{second.name} − {first.name}: no verdict: {reason}",
    )


def _no_verdict(first: Side, second: Side) -> str | None:
    for side in (first, second):
        if side.summary is None:
            return f"{side.name} has no run here (`mabe run {side.name}`)"
        if side.best_epoch is None:
            return f"{side.summary.id} has not completed an epoch ({side.summary.state})"
    if first.experiment.classes != second.experiment.classes:
        return "they do not learn the same classes"
    return None


def _bootstrap(first: Side, first_entry: RunEntry, second: Side, second_entry: RunEntry) -> Verdict:
    from core.evaluation.paired import paired_bootstrap, verdict
    from core.evaluation.table import read_confusions

    one, other = (
        read_confusions(entry.run.evaluation_table) for entry in (first_entry, second_entry)
    )
    if set(one.videos) != set(other.videos):
        shared = len(set(one.videos) & set(other.videos))
        raise DataError(
            f"their validation sets differ ({len(one.videos)} and {len(other.videos)} videos,"
            f" {shared} in common); give both the same data and data.split_seed"
        )
    result = paired_bootstrap(one.counts, other.reordered(one.videos).counts)
    return Verdict(
        first=first.name,
        second=second.name,
        sentence=verdict(result, first.name, second.name),
        difference=result.difference,
        low=result.low,
        high=result.high,
        probability_second_better=result.probability_b_better,
        videos=result.videos,
        distinguishable=result.distinguishable,
    )
