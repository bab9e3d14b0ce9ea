"""One row per version: over seeds, next to the baseline, without trials and interrupted runs."""

from pathlib import Path

import pytest

from core.config.registry import Registry, default_path, load
from core.errors import RunError
from core.run.events import Failed, Stopped
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.comparison.compare import compare
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.experiments import ExperimentRow, experiment_rows
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record


@pytest.fixture
def registry() -> Registry:
    return load(default_path())


@pytest.fixture
def v6(registry: Registry) -> BehaviourExperiment:
    return registry.experiment("v6")


def row_of(
    home: Path, registry: Registry, version: str, baseline: str | None = None
) -> ExperimentRow:
    rows = experiment_rows(registry, Catalog(RunStore(home)).records(), baseline)
    return next(row for row in rows if row.version == version)


def test_versions_without_runs_are_listed(home: Path, registry: Registry) -> None:
    rows = experiment_rows(registry, Catalog(RunStore(home)).records(), "v5")
    assert tuple(row.version for row in rows) == registry.versions
    row = next(row for row in rows if row.version == "v6")
    assert (row.gpu, row.batch_size, row.input_size, row.reported) == (
        "H100", 384, 288, 0.4389,
    )  # fmt: skip
    assert (row.measured.primary, row.delta, row.last_run, row.runs, row.cost_usd) == (
        None, None, None, 0, None,
    )  # fmt: skip


def test_mean_over_the_seeds_that_finished(
    home: Path, registry: Registry, v6: BehaviourExperiment
) -> None:
    first = record(home, v6, (0.4, 0.3), seed=1, usd_per_hour=3.6)
    second = record(home, v6, (0.5,), seed=2, usd_per_hour=3.6)
    stopped = record(home, v6, (0.9,), seed=3, ending=Stopped)
    trial = record(home, v6, (0.8,), seed=4, tags=("tune:lr",), usd_per_hour=3.6)
    row = row_of(home, registry, "v6")
    assert row.measured.primary == pytest.approx(0.45)
    assert row.measured.std == pytest.approx(0.0707, abs=1e-4)
    assert row.measured.runs == (second.id, first.id)
    assert row.measured.left_out == (f"{stopped.id} (stopped)",)
    assert (row.runs, row.trials, row.alive) == (3, 1, 0)
    assert (row.last_run, row.last_state) == (stopped.id, RunState.STOPPED)
    costs = [run.cost_usd for run in Catalog(RunStore(home)).summaries()]
    assert row.cost_usd == pytest.approx(sum(cost for cost in costs if cost is not None))
    assert row.as_registered is True
    assert trial.id not in row.measured.runs


def test_the_figure_is_that_of_compare(
    home: Path, registry: Registry, v6: BehaviourExperiment
) -> None:
    for seed, scores in enumerate([(0.4, 0.3), (0.5,), (0.45, 0.6)]):
        record(home, v6, scores, seed=seed)
    record(home, v6, (0.1,), seed=9, ending=Failed)
    row = row_of(home, registry, "v6")
    side = compare(["v6", "v5"], RunStore(home), registry).sides[0]
    assert (row.measured.primary, row.measured.std) == (
        side.best_over_seeds["f1_macro"].mean,
        side.best_over_seeds["f1_macro"].std,
    )
    assert row.measured.runs == tuple(run.id for run in side.runs)


def test_a_failed_try_does_not_hide_what_is_known(
    home: Path, registry: Registry, v6: BehaviourExperiment
) -> None:
    known = record(home, v6, (0.4, 0.3))
    larger = registry.experiment("v6", ["training.batch_size=32"])
    failed = record(home, larger, (), seed=9, ending=Failed)
    row = row_of(home, registry, "v6")
    assert (row.measured.primary, row.measured.runs) == (pytest.approx(0.4), (known.id,))
    assert row.measured.left_out == (f"{failed.id} (failed)",)
    stopped = record(home, larger, (0.2,), ending=Stopped)
    measured = row_of(home, registry, "v6").measured
    assert measured.runs == (known.id,)
    assert measured.left_out == (f"{stopped.id} (stopped)", f"{failed.id} (failed)")


def test_an_imported_run_is_not_measured(
    home: Path, registry: Registry, v6: BehaviourExperiment
) -> None:
    imported = record(home, v6, (0.9,), imported=True)
    record(home, registry.experiment("v5"))
    row = row_of(home, registry, "v6")
    assert (row.measured.primary, row.runs, row.last_run) == (None, 1, imported.id)
    comparison = compare(["v6", "v5"], RunStore(home), registry)
    assert "v6 has no run here" in comparison.verdicts[0].sentence
    run = record(home, v6, (0.4,))
    record(home, v6, (0.8,), imported=True)
    row = row_of(home, registry, "v6")
    assert (row.measured.primary, row.last_run) == (0.4, run.id)
    assert compare(["v6", "v5"], RunStore(home), registry).sides[0].best["f1_macro"] == 0.4


def test_an_interrupted_run_is_not_finished(
    home: Path, registry: Registry, v6: BehaviourExperiment
) -> None:
    record(home, v6, (0.4, 0.3), ending=Stopped)
    measured = row_of(home, registry, "v6").measured
    assert (measured.primary, measured.std, measured.finished) == (0.4, None, False)


def test_other_settings_than_registered_are_told(home: Path, registry: Registry) -> None:
    overrides = ("training.epochs=20",)
    record(home, registry.experiment("v6", overrides), overrides=overrides)
    row = row_of(home, registry, "v6")
    assert row.as_registered is False
    assert row.measured.overrides == overrides


def test_delta_to_the_baseline(home: Path, registry: Registry, v6: BehaviourExperiment) -> None:
    run = record(home, registry.experiment("v5"), (0.3,))
    record(home, v6, (0.5,))
    record(home, registry.experiment("v7"), (0.5,), videos=("other",))
    assert row_of(home, registry, "v6", "v5").delta == pytest.approx(0.2)
    assert row_of(home, registry, "v6", run.id).delta == pytest.approx(0.2)
    assert row_of(home, registry, "v7", "v5").delta is None
    assert row_of(home, registry, "v5", "v5").is_baseline
    with pytest.raises(RunError, match="v5-gone: neither a run nor a version"):
        row_of(home, registry, "v6", "v5-gone")
