"""Compare runs: their differing settings, their results, and whether the difference is significant.

Measurements of runs here and figures reported by old documents are separate in every field.
"""

from collections.abc import Sequence

import msgspec

from core.config.experiment import flatten
from core.config.registry import Registry
from core.config.task_spec import task_spec
from core.errors import ConfigError, DataError, MisuseError
from mabe_tui.runs.comparison.found import Found, find_side, kin_of, repeat_digest
from mabe_tui.runs.comparison.judgement import Verdict, WhichEpoch
from mabe_tui.runs.comparison.pooling import table_of
from mabe_tui.runs.comparison.settling import with_settling
from mabe_tui.runs.comparison.sides import Side, side_of
from mabe_tui.runs.comparison.verdict import Contender, empty_verdict, no_verdict, verdict_between
from mabe_tui.runs.comparison.yardstick import Yardstick, common_task, yardstick
from mabe_tui.runs.store import RunStore

HASH_LETTERS = 8
IMPORTED = " (imported)"
"""Marks the name of a side that was imported from an old log: its figures are claims."""

OF_A_RENTED_MACHINE = frozenset(
    f"hardware.{name}"
    for name in (
        "launcher",
        "gpu",
        "gpu_memory_gib",
        "region",
        "cloud",
        "memory_mib",
        "timeout_seconds",
        "app_name",
        "retries",
    )
)


class Setting(msgspec.Struct, frozen=True):
    """One setting that differs between sides."""

    key: str
    values: tuple[object, ...]
    missing: tuple[bool, ...]
    """Sides that do not have the key at all; their value is ``None`` too, which otherwise means unset."""
    took_part: bool = True
    """Whether any side's run can depend on it: settings for renting do not affect local runs."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `mabe compare` shows."""

    sides: tuple[Side, ...]
    settings: tuple[Setting, ...]
    verdicts: tuple[Verdict, ...]
    task: str
    """The task of all sides, as their experiments name it."""
    metric: str
    """The leading metric, which verdicts use."""
    metric_label: str
    rises: bool
    """Whether a larger value of the metric is better."""
    unreadable: tuple[str, ...] = ()
    """Why runs of a compared version cannot be read; these runs are skipped."""

    @property
    def by(self) -> Yardstick:
        """The metric and units of verdicts."""
        task = task_spec(self.task)
        return Yardstick(task, task.metric(self.metric) or task.primary_metric)


def comparison_of_sides(
    sides: tuple[Side, ...],
    verdicts: tuple[Verdict, ...],
    by: Yardstick,
    unreadable: tuple[str, ...] = (),
) -> Comparison:
    """Assemble a comparison."""
    return Comparison(
        sides=sides,
        settings=changed_settings(sides),
        verdicts=verdicts,
        task=sides[0].experiment.task,
        metric=by.metric.name,
        metric_label=by.metric.label,
        rises=by.metric.rises,
        unreadable=unreadable,
    )


def compare(
    names: Sequence[str],
    store: RunStore,
    registry: Registry,
    latest: bool = False,
    epoch: WhichEpoch = "best",
) -> Comparison:
    """Compare two or more versions or runs; the others are compared with the first.

    Args:
        names: ids of runs, or versions. A version stands for its latest run and the runs that differ from
            it in the seed alone.
        store: the runs.
        registry: the versions.
        latest: let a version stand for its latest run alone.
        epoch: the epoch of each run that verdicts use.

    Raises:
        MisuseError: fewer than two names are given.
        RunError, ConfigError: a name that is neither a run nor a version, one that cannot be read, two
            names of the same runs, or runs of different tasks.
    """
    if len(names) < 2:
        raise MisuseError("name two or more runs or versions, such as `mabe compare v5 v6`")
    found = [find_side(name, store, registry, latest) for name in names]
    _require_different(names, found)
    task = common_task([side.experiment for side in found])
    sides = tuple(side_of(label, each) for label, each in zip(_labels(found), found, strict=True))
    by = yardstick(task, (side.best for side in sides if not side.is_import))
    verdicts = tuple(
        _verdict((sides[0], side), (found[0], each), store, by, epoch)
        for side, each in zip(sides[1:], found[1:], strict=True)
    )
    unreadable = tuple(dict.fromkeys(problem for side in found for problem in side.unreadable))
    return comparison_of_sides(sides, verdicts, by, unreadable)


def _require_different(names: Sequence[str], found: Sequence[Found]) -> None:
    """Reject two names that mean the same.

    Raises:
        ConfigError: gives both names and their meaning.
    """
    meant: dict[tuple[str, ...], str] = {}
    for name, side in zip(names, found, strict=True):
        what = tuple(entry.id for entry in side.entries) or (side.experiment.name,)
        if what in meant:
            raise ConfigError(
                f"{meant[what]} and {name} are the same: {', '.join(what)};"
                " name two or more different ones"
            )
        meant[what] = name


def _labels(found: Sequence[Found]) -> list[str]:
    """Name each side by its version, or by its run if a version occurs twice."""
    versions = [side.experiment.name for side in found]
    shorts = [side.entries[0].short for side in found if side.entries]
    labels = [
        side.experiment.name
        if versions.count(side.experiment.name) < 2
        else _own_label(side, short=len(set(shorts)) == len(shorts))
        for side in found
    ]
    imported = [any(entry.is_import for entry in side.entries) for side in found]
    return [f"{label}{IMPORTED * is_it}" for label, is_it in zip(labels, imported, strict=True)]


def _own_label(side: Found, short: bool) -> str:
    if len(side.entries) != 1:
        return side.experiment.name
    return side.entries[0].short if short else side.entries[0].id


def changed_settings(sides: Sequence[Side]) -> tuple[Setting, ...]:
    """Return the settings, data and seeds included, that differ between sides."""
    data = _data(sides)
    tables = [
        {**where, **flatten(side.experiment), **_seeds(side)}
        for side, where in zip(sides, data, strict=True)
    ]
    pooled = any(side.folds is not None for side in sides)
    hidden = {"training.seed", *(["data.fold"] if pooled else [])}  # all folds are meant
    keys = dict.fromkeys(key for table in tables for key in table if key not in hidden)
    rows = [
        Setting(key, tuple(t.get(key) for t in tables), tuple(key not in t for t in tables))
        for key in keys
    ]
    changed = [row for row in rows if not (_alike(row.values) and _alike(row.missing))]
    if all(side.summary is not None and side.summary.launcher == "local" for side in sides):
        changed = [
            msgspec.structs.replace(row, took_part=row.key not in OF_A_RENTED_MACHINE)
            for row in changed
        ]
        changed.sort(key=lambda row: not row.took_part)
    return tuple(changed)


def _alike(values: Sequence[object]) -> bool:
    """Return whether all values are the same, where ``False`` is not 0 and ``True`` is not 1."""
    return all(value == values[0] and type(value) is type(values[0]) for value in values)


def _data(sides: Sequence[Side]) -> list[dict[str, object]]:
    """Return the data of each side that has a run; nothing if all were scored on the same videos.

    Folders of one name that hold different videos are distinguished by the first letters of their hash.
    """
    with_runs = [side for side in sides if side.summary is not None]
    sources = {side.validation_source for side in with_runs}
    if None not in sources and len(sources) == 1:
        return [{} for _ in sides]
    folders = {side.summary.data for side in with_runs if side.summary}
    alike = len(folders) < len(sources - {None})
    return [
        {"data": _with_hash(side) if alike else side.summary.data} if side.summary else {}
        for side in sides
    ]


def _with_hash(side: Side) -> str | None:
    folder = side.summary.data if side.summary else None
    if side.validation_source is None:
        return folder
    return f"{folder or 'made'} ({side.validation_source[:HASH_LETTERS]})"


def _seeds(side: Side) -> dict[str, object]:
    """Return the seed or seeds of a side; nothing if a log does not state them."""
    if side.is_import:
        return {}
    return {"seed": sorted(side.seeds) if len(side.seeds) > 1 else side.seed}


def _verdict(
    sides: tuple[Side, Side],
    found: tuple[Found, Found],
    store: RunStore,
    by: Yardstick,
    epoch: WhichEpoch,
) -> Verdict:
    """Compare the second side with the first, or say why that is not possible."""
    reason = _no_verdict(sides, by)
    if reason is None:
        try:
            first, second = (
                _contender(side, each, store, epoch)
                for side, each in zip(sides, found, strict=True)
            )
            found_verdict = verdict_between(first, second, by, epoch)
            return with_settling(found_verdict, sides, found, store, by)
        except DataError as error:
            reason = str(error)
    names, seeds = (sides[0].name, sides[1].name), (len(sides[0].runs), len(sides[1].runs))
    return no_verdict(empty_verdict(by, names, seeds), reason)


def _no_verdict(sides: tuple[Side, Side], by: Yardstick) -> str | None:
    for side in sides:
        if side.summary is None:
            return f"{side.name} has no run here to compare (`mabe run {side.name}`)"
        if side.is_import:
            return (
                f"{side.summary.id} was imported from a log, which claims figures and has no evaluation"
                f" by {by.unit.one} to be tested"
            )
        if not side.experiment.data.validates:
            nothing = side.experiment.data.validation_fraction == 0
            how = " (data.validation_fraction = 0)" if nothing else ""
            folds = ", its epochs from its folds" if side.summary.epochs_from else ""
            return f"{side.name} trains on everything{how}{folds}, and is not measured"
        if side.best_epoch is None:
            return f"{side.summary.id} has not completed an epoch ({side.summary.state})"
    first, second = (by.task.labels(side.experiment) for side in sides)
    if first != second:
        return f"they do not learn the same {by.task.label.many}"
    return None


def _contender(side: Side, found: Found, store: RunStore, epoch: WhichEpoch) -> Contender:
    """Collect the data that a verdict needs from one side that has runs.

    Raises:
        DataError: a run has no table of that epoch.
    """
    for entry in (run for each in found.entries for run in found.runs_of(each)):
        table = entry.run.evaluation_of(epoch)
        if epoch == "last" and not table.exists() and entry.run.evaluation_of("best").exists():
            raise DataError(
                f"{entry.id} kept no table of its last epoch: an earlier mabe trained it;"
                f" `mabe compare {' '.join(f'{e.id}@last' for e in found.entries)} …` measures last"
                " checkpoints again"
            )
    newest = found.entries[0]
    kin = kin_of(newest, store) if len(found.entries) == 1 and not found.folds else ()
    return Contender(
        name=side.name,
        version=side.experiment.name,
        settings=repeat_digest(newest),
        runs=tuple(entry.id for entry in found.entries),
        tables=tuple(table_of(found.runs_of(entry), epoch) for entry in found.entries),
        named_as_runs=found.is_run,
        source=side.validation_source,
        combined=newest.require_request().is_combined,
        kin=tuple(t for e in kin if (t := e.run.evaluation_of(epoch)).exists()),
    )
