"""One row per version of the registry: its description, its reported result, and its runs."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import msgspec

from core.config.registry import Registry
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.measured import (
    Measured,
    delta,
    measured_name,
    measured_version,
    score_delta,
)
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.registered import VersionRow, by_group, version_row, version_table
from mabe_tui.runs.listing.seeds import settings_digest
from mabe_tui.runs.tasks import common_label


class ExperimentRow(VersionRow, frozen=True, kw_only=True):
    """A version of the registry and the results of its runs. ``None``: unknown, or no run.

    Used by the home screen and ``mabe list --measured``.
    """

    measured: Measured
    as_registered: bool | None = None
    """Whether the measured runs had the settings that the registry has now, apart from the seed."""
    delta: float | None = None
    """Difference from the baseline in the primary metric; ``None`` if they were scored on different data."""
    score_delta: float | None = None
    """Difference from the baseline in the leading metric."""
    told_apart: bool | None = None
    """Whether ``score_delta`` exceeds chance, over data and seeds; ``None`` if unknown."""
    is_baseline: bool = False
    runs: int = 0
    """Number of runs in any state, without trials."""
    trials: int = 0
    alive: int = 0
    """Runs and trials that are queued, running or stopping."""
    queued: int = 0
    """Those of them that have not started."""
    last_run: str | None = None
    """The newest run; a trial or an imported one only if there is nothing else."""
    last_state: RunState | None = None
    last_created: dt.datetime | None = None
    cost_usd: float | None = None
    """Cost of all its runs and trials, where the price is known."""


class KnownDistinctions(Protocol):
    """Known significance of differences from a baseline.

    Implemented by :class:`mabe_tui.runs.comparison.told_apart.Distinctions`.
    """

    def known(self, name: str, baseline: Measured | None) -> bool | None:
        """Return whether a version differs significantly from a baseline; ``None`` if unknown."""
        ...


class ExperimentCache:
    """Cache of resolved versions per registry object, for a screen that is redrawn often."""

    def __init__(self) -> None:
        self._registry: Registry | None = None
        self._found: dict[str, tuple[ExperimentRow, str]] = {}

    def get(self, registry: Registry, version: str) -> tuple[ExperimentRow, str]:
        """Return the description of a version, and the digest of its settings.

        Raises:
            ConfigError: it cannot be resolved.
        """
        if registry is not self._registry:
            self._registry, self._found = registry, {}
        if version not in self._found:
            experiment = registry.experiment(version)
            row = ExperimentRow(
                **msgspec.structs.asdict(version_row(experiment)), measured=Measured(name=version)
            )
            self._found[version] = row, settings_digest(experiment)
        return self._found[version]


def shared_label(rows: Sequence[ExperimentRow]) -> str | None:
    """Return the label of the metric that all scores of a table have in common, if they have one."""
    scored = [row for row in rows if row.reported is not None or row.measured.score is not None]
    return common_label(row.metric_label for row in scored or rows)


def experiment_rows(
    registry: Registry,
    records: Sequence[RunRecord],
    baseline: str | None = None,
    cache: ExperimentCache | None = None,
    distinctions: KnownDistinctions | None = None,
) -> list[ExperimentRow]:
    """Return a row for each version, in the order of the registry, with those of a group together.

    Args:
        registry: the versions.
        records: of all runs, newest first.
        baseline: a version or a run that all are compared with.
        cache: keeps the resolved versions for the next call.
        distinctions: knows which differences from the baseline are significant.

    Raises:
        ConfigError: a version cannot be resolved.
        RunError: the baseline is neither a version nor a run.
    """
    held = baseline_of(baseline, registry, records)
    cache = cache or ExperimentCache()
    by_version: dict[str, list[RunRecord]] = {version: [] for version in registry.versions}
    for record in records:
        by_version.setdefault(record.summary.version, []).append(record)
    rows = [
        _row(*cache.get(registry, version), by_version[version], held, version == baseline)
        for version in registry.versions
    ]
    rows = by_group(rows)
    return rows if distinctions is None else with_told_apart(rows, held, distinctions)


def experiment_table(row: ExperimentRow) -> dict[str, object]:
    """Return a version for JSON, with the mean of the primary metric under that metric's name."""
    measured = msgspec.structs.asdict(row.measured)
    by_name = {row.metric if key == "primary" else key: value for key, value in measured.items()}
    return version_table(row) | {"measured": by_name}


def with_told_apart(
    rows: Sequence[ExperimentRow], baseline: Measured | None, distinctions: KnownDistinctions
) -> list[ExperimentRow]:
    """Return the rows with the known significance of their differences from the baseline."""
    return [
        msgspec.structs.replace(row, told_apart=distinctions.known(row.version, baseline))
        for row in rows
    ]


def baseline_of(
    name: str | None, registry: Registry, records: Sequence[RunRecord]
) -> Measured | None:
    """Summarise the baseline; ``None`` if there is none.

    Raises:
        RunError: it is neither a version nor a run.
    """
    if name is None:
        return None
    if name in registry.versions:  # it may have no run yet
        return measured_version(name, records)
    return measured_name(name, records)


def _row(
    registered: ExperimentRow,
    settings: str,
    own: Sequence[RunRecord],
    baseline: Measured | None,
    is_baseline: bool,
) -> ExperimentRow:
    measured = measured_version(registered.version, own)
    runs = [record for record in own if not record.is_trial]
    last = next(iter([run for run in runs if not run.summary.imported] or runs or own), None)
    costs = [r.summary.cost_usd for r in own if r.summary.cost_usd is not None]
    newest = next((record for record in own if record.id in measured.runs), None)
    return msgspec.structs.replace(
        registered,
        measured=measured,
        as_registered=newest.alike == settings if newest else None,
        delta=delta(measured, baseline) if baseline is not None else None,
        score_delta=score_delta(measured, baseline) if baseline is not None else None,
        is_baseline=is_baseline,
        runs=len(runs),
        trials=len(own) - len(runs),
        alive=sum(record.state.is_alive for record in own),
        queued=sum(record.state is RunState.QUEUED for record in own),
        last_run=last.id if last else None,
        last_state=last.state if last else None,
        last_created=last.summary.created if last else None,
        cost_usd=sum(costs) if costs else None,
    )
