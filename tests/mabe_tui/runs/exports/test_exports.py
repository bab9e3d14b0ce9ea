"""Exports have every value, with its step and its time."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import RunError, UserError
from core.run.events import FreeMetrics
from core.run.records import About
from core.run.rundir import RunDir
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import curve
from mabe_tui.runs.curves.panels import RunNumbers
from mabe_tui.runs.exports.export import export_run
from mabe_tui.runs.exports.exported import exported_curves
from mabe_tui.runs.exports.followed import FollowedExport
from mabe_tui.runs.old_logs.tfevents import read_tfevents
from mabe_tui.runs.store import RunEntry
from tests.mabe_tui.runs.telling import Telling
from tests.recorded import RECORDINGS, write


@pytest.fixture(scope="module")
def entry(tmp_path_factory: pytest.TempPathFactory) -> RunEntry:
    """A run whose losses become NaN."""
    recording = replace(RECORDINGS[6], epochs=12)
    return RunEntry(write(tmp_path_factory.mktemp("home"), recording))


@pytest.fixture
def numbers(entry: RunEntry) -> RunNumbers:
    return RunNumbers.read(entry, entry.id)


def test_every_curve_is_there_with_its_steps_and_times(numbers: RunNumbers) -> None:
    curves = {each.name: each for each in exported_curves(numbers)}
    assert {"train_loss", "validation_loss", "f1_macro", "cpu_percent"} <= curves.keys()
    one = curve(numbers.points, numbers.history, "f1_macro", Axis.STEP)
    assert np.array_equal(curves["f1_macro"].step, one.x)
    assert np.array_equal(curves["f1_macro"].value, one.y)
    assert np.array_equal(curves["f1_macro"].time, numbers.points.epochs["time"])
    assert np.isnan(curves["train_loss"].value).any()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_are_exact(entry: RunEntry, numbers: RunNumbers, tmp_path: Path, form: str) -> None:
    target = export_run(entry, form, tmp_path)  # type: ignore[arg-type]
    read = pd.read_csv if form == "csv" else pd.read_parquet
    table = read(target)
    since = pd.to_datetime(table["time"]) - pd.Timestamp(0, tz="UTC")
    times = since.dt.total_seconds()
    for each in exported_curves(numbers):
        mine = (table["name"] == each.name).to_numpy()
        assert np.array_equal(table["value"].to_numpy()[mine], each.value, equal_nan=True)
        assert np.array_equal(table["step"].to_numpy()[mine], each.step)
        assert np.allclose(times.to_numpy()[mine], each.time, atol=2e-6, rtol=0)
    with pytest.raises(UserError, match="there already; --force replaces it"):
        export_run(entry, form, tmp_path)  # type: ignore[arg-type]
    assert export_run(entry, form, tmp_path, force=True) == target  # type: ignore[arg-type]


def test_tensorboard_has_every_value(entry: RunEntry, numbers: RunNumbers, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    for force in (False, True):  # the second replaces the first
        folder = export_run(entry, "tensorboard", tmp_path, force)
    series = {each.name: each for each in read_tfevents(folder)}
    for each in exported_curves(numbers):
        found = series[each.name]
        assert found.step == each.step.tolist()
        assert found.time == each.time.tolist()
        value = each.value.astype(np.float32).astype(np.float64)
        assert np.array_equal(found.value, value, equal_nan=True)
    with pytest.raises(UserError, match="there already"):
        export_run(entry, "tensorboard", tmp_path)


def test_wandb_has_every_value(entry: RunEntry, numbers: RunNumbers, tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    from mabe_tui.runs.old_logs.wandb_log import read_wandb

    entry.run.write_about(About(tags=("a",)))
    folder = export_run(entry, "wandb-offline", tmp_path)
    assert folder.name.startswith("offline-run-")
    series = {each.name: each for each in read_wandb(folder)}
    for each in exported_curves(numbers):
        found = series[each.name]
        assert found.step == each.step.tolist()
        assert np.allclose(found.time, each.time, rtol=0, atol=1e-3)
        assert np.array_equal(found.value, each.value, equal_nan=True)
    with pytest.raises(UserError, match="there already"):
        export_run(entry, "wandb-offline", tmp_path)


@pytest.mark.parametrize(
    ("form", "package", "extra"),
    [("tensorboard", "tensorboardX", "tensorboard"), ("wandb-offline", "wandb", "wandb")],
)
def test_a_package_that_is_not_installed_is_named(
    entry: RunEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form, package, extra
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RunError, match=rf"not installed; `pip install 'mabe\[{extra}\]'`"):
        export_run(entry, form, tmp_path)


def test_a_run_that_has_measured_nothing_is_refused(entry: RunEntry, tmp_path: Path) -> None:
    run = RunDir(tmp_path / entry.id)
    run.write_request(entry.require_request())
    with pytest.raises(RunError, match="nothing was measured yet"):
        export_run(RunEntry(run), "csv", tmp_path / "out")


def test_a_live_run_is_written_as_it_reports_and_a_resume_hides_what_it_supersedes(
    entry: RunEntry, tmp_path: Path
) -> None:
    pytest.importorskip("tensorboardX")
    run = RunDir(tmp_path / entry.id)
    run.write_request(entry.require_request())
    told = Telling(run).begin("0001-aaaa").epoch(1)
    saved = told.saved
    folder = tmp_path / "tensorboard"
    followed = FollowedExport(RunEntry(run), folder)
    assert followed.update() > 0
    assert followed.update() == 0
    told.tell(FreeMetrics, step=5, values={"own": 1.0})
    told.epoch(2, loss=9.0)
    followed.update()
    told.resume("0002-bbbb", saved)
    told.tell(FreeMetrics, step=5, values={"own": math.inf})
    told.epoch(2, loss=0.25)
    followed.update()
    followed.close()
    series = {each.name: each for each in read_tfevents(folder)}
    losses = dict(zip(series["train_loss"].step, series["train_loss"].value, strict=True))
    assert losses == {step: 0.5 if step <= 4 else 0.25 for step in range(1, 9)}
    assert series["own"].value == [math.inf]
    assert series["validation_loss"].value == [0.5, 0.25]
