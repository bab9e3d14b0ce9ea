"""The history of the versions: what each changed, what was reported and measured, what it took."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from core.config.registry import Registry
from mabe_tui.runs.format.settings import differences, spell
from mabe_tui.runs.listing.experiments import experiment_rows
from mabe_tui.runs.listing.record import RunRecord

HOUR = 3600
INDENT = "  "
CHANGE = "; "
"""Separator of changes."""
NOT_CHANGES = (
    "title",
    "notes",
    "status",
    "extends",
    "name",
    "reported",
    "assumed",
    "group",
    "tune",
)
"""Keys that describe a version and do not change what it learns."""
MOVED = ("hardware",)
"""Sections that say where it runs: named last."""


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version in its lineage. ``None``: unknown, or no run."""

    version: str
    extends: str | None
    depth: int
    """Number of ancestors."""
    status: str
    title: str
    task: str
    metric: str
    """The task's primary metric; the next four are its values and how it is read."""
    metric_label: str
    metric_rises: bool
    reported: float | None
    measured: float | None
    """At the best epoch, averaged over the seeds, as in `mabe list --measured`."""
    std: float | None
    seeds: int
    finished: bool
    hours: float | None
    """Of one of the measured runs, on average; so are the dollars."""
    cost_usd: float | None
    reported_hours: float | None
    reported_cost_usd: float | None
    changed: dict[str, tuple[str, str]]
    """Settings that differ from the parent's: before and now, as a registry would spell them."""

    @property
    def changed_keys(self) -> list[str]:
        """The changed settings, those of the machine last."""
        return sorted(self.changed, key=lambda key: key.partition(".")[0] in MOVED)

    @property
    def changes(self) -> str:
        """What the version changed, in one line."""
        return CHANGE.join(f"{key} {' → '.join(self.changed[key])}" for key in self.changed_keys)


def history_rows(registry: Registry, records: Sequence[RunRecord]) -> list[HistoryRow]:
    """Return a row for each version: parents before their children, else in the registry's order.

    Args:
        registry: the versions.
        records: of all runs, newest first.

    Raises:
        ConfigError: a version cannot be resolved.
    """
    rows = {row.version: row for row in experiment_rows(registry, records)}
    by_id = {record.id: record.summary for record in records}
    found = []
    for version, depth in _in_lineage({name: row.extends for name, row in rows.items()}):
        row, experiment = rows[version], registry.experiment(version)
        claims = msgspec.structs.asdict(experiment.reported) if experiment.reported else {}
        runs = [by_id[name] for name in row.measured.runs if name in by_id]
        found.append(
            HistoryRow(
                version=version,
                extends=row.extends,
                depth=depth,
                status=row.status,
                title=row.title,
                task=row.task,
                metric=row.metric,
                metric_label=row.metric_label,
                metric_rises=row.metric_rises,
                reported=row.reported,
                measured=row.measured.primary,
                std=row.measured.std,
                seeds=len(row.measured.runs),
                finished=row.measured.finished,
                hours=_mean([_hours(run.elapsed_seconds) for run in runs]),
                cost_usd=_mean([run.cost_usd for run in runs]),
                reported_hours=claims.get("hours"),
                reported_cost_usd=claims.get("cost_usd"),
                changed=_changed(registry, version, row.extends),
            )
        )
    return found


def of_lineage(rows: Sequence[HistoryRow], version: str) -> list[HistoryRow]:
    """Return a version, its ancestors and its descendants.

    Args:
        rows: of all versions, parents before their children.
        version: one of them.
    """
    parents = {row.version: row.extends for row in rows}
    kept, one = {version}, parents[version]
    while one is not None:
        kept.add(one)
        one = parents.get(one)
    below = {version}
    for row in rows:
        if row.extends in below:
            below.add(row.version)
    return [row for row in rows if row.version in kept | below]


def _in_lineage(parents: Mapping[str, str | None]) -> Iterator[tuple[str, int]]:
    """Yield versions and depths, each parent followed by its children."""

    def below(parent: str | None, depth: int, seen: Collection[str]) -> Iterator[tuple[str, int]]:
        for version, of in parents.items():
            if of == parent and version not in seen:
                yield version, depth
                yield from below(version, depth + 1, {*seen, version})

    yield from below(None, 0, frozenset())


def _changed(registry: Registry, version: str, parent: str | None) -> dict[str, tuple[str, str]]:
    if parent is None:
        return {}
    pairs = differences(registry.experiment(parent), registry.experiment(version))
    return {
        key: (spell(before), spell(now))
        for key, before, now in pairs
        if key.partition(".")[0] not in NOT_CHANGES
    }


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / HOUR


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def history_cells(row: HistoryRow) -> dict[str, object]:
    """Return a version as cells of a table, by header; ``None`` where there is nothing."""
    measured = None
    if row.measured is not None:
        spread = f" ± {row.std:.4f} ({row.seeds})" if row.std is not None else ""
        measured = f"{row.measured:.4f}{spread}" + ("" if row.finished else "…")
    return {
        "version": f"{INDENT * row.depth}{row.version}",
        "status": row.status,
        "metric": row.metric_label,
        "reported": None if row.reported is None else f"{row.reported:.4f}",
        "measured": measured,
        "hours": _beside(row.hours, row.reported_hours, "{:.2f}"),
        "cost": _beside(row.cost_usd, row.reported_cost_usd, "${:.2f}"),
        "changed": row.changes or None,
    }


def _beside(measured: float | None, reported: float | None, form: str) -> str | None:
    """Return a measured figure, and a reported one in brackets."""
    words = [] if measured is None else [form.format(measured)]
    words += [] if reported is None else [f"({form.format(reported)})"]
    return " ".join(words) or None
