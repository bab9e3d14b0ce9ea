"""Choosing a GPU by runs, probes and documents, never by a guess."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from core.config.registry import default_path, load
from core.tasks.behaviour.settings import BehaviourExperiment
from core.training.probe_report import ProbeReport
from mabe_tui.runs.launching.gpu_table import GpuRow, gpu_table
from mabe_tui.runs.launching.probes import KeptProbe, keep_probe, kept_probes, torch_version
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)


@pytest.fixture
def v6() -> BehaviourExperiment:
    return load(default_path()).experiment("v6")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))


def report(batch: int = 192, step: float | None = 0.5, torch: str | None = None) -> ProbeReport:
    return ProbeReport(
        version="v6", device="cuda", device_name="NVIDIA A10", torch=torch or torch_version(),
        memory_bytes=1, largest=200, is_bound=False, batch_size=batch, accumulation_steps=2,
        step_seconds=step, seconds=30, readings=(),
    )  # fmt: skip


def row(home: Path, experiment: BehaviourExperiment, gpu: str) -> GpuRow:
    return next(r for r in gpu_table(RunStore(home), experiment, 10).rows if r.gpu == gpu)


def test_without_a_run_or_a_probe_only_the_documents_say_something(
    tmp_path: Path, v6: BehaviourExperiment
) -> None:
    table = gpu_table(RunStore(tmp_path), v6)
    assert table.windows is None
    known = {r.gpu: r.seconds_per_epoch for r in table.rows if r.seconds_per_epoch}
    assert {gpu: (figure.value, figure.source) for gpu, figure in known.items()} == {
        "H100": (50.0, "reported")
    }
    assert (table.cheapest, table.fastest) == ("H100", "H100")
    v1 = load(default_path()).experiment("v1")
    assert gpu_table(RunStore(tmp_path), v1).cheapest is None
    assert gpu_table(RunStore(tmp_path), v1).windows == 2960  # of made-up data


def test_a_run_on_that_gpu_goes_before_a_probe_and_this_before_the_documents(
    tmp_path: Path, v6: BehaviourExperiment
) -> None:
    keep_probe(v6, KeptProbe(gpu="A10", time=NOW, report=report()))
    assert row(tmp_path, v6, "A10").seconds_per_epoch is None  # how many steps is not known
    assert row(tmp_path, v6, "A10").largest_batch is not None
    run = record(tmp_path, v6, launcher="modal")
    windows = run.history().data
    assert windows is not None
    found = row(tmp_path, v6, "A10")
    assert found.seconds_per_epoch is not None
    updates = -(-windows.train_samples // 384)
    assert (found.seconds_per_epoch.value, found.seconds_per_epoch.source) == (updates, "probed")
    events = run.events_path(run.attempts()[0])
    text = events.read_text()
    events.write_text(text.replace('"device_name":"x"', '"device_name":"NVIDIA A10"'))
    found = row(tmp_path, v6, "A10")
    assert found.seconds_per_epoch is not None
    assert found.hours is not None
    assert (found.seconds_per_epoch.source, found.seconds_per_epoch.by) == ("measured", run.id)
    assert found.usd is not None
    assert found.usd.value == pytest.approx(found.hours.value * (found.usd_per_hour or 0))


def test_a_probe_is_of_its_settings_and_torch_alone(
    tmp_path: Path, v6: BehaviourExperiment
) -> None:
    keep_probe(v6, KeptProbe(gpu="A10", time=NOW, report=report()))
    keep_probe(v6, KeptProbe(gpu="T4", time=NOW, report=report(torch="1.0")))
    assert set(kept_probes(v6)) == {"A10"}
    training = msgspec.structs.replace(v6.training, seed=7, epochs=3)
    assert set(kept_probes(msgspec.structs.replace(v6, training=training))) == {"A10"}
    model = msgspec.structs.replace(v6.model, hidden_size=8)
    assert kept_probes(msgspec.structs.replace(v6, model=model)) == {}
