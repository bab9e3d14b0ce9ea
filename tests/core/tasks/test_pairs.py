"""A third-party task is trained, killed and resumed like a built-in one."""

import pyarrow.parquet as pq
import pytest
import torch

from core.config import registry
from core.evaluation.rows import mean
from core.evaluation.table import read_rows
from core.run.events import CheckpointSaved, DataReady, Finished, decode
from core.training.batch_size import enlarged, measure
from core.training.checkpoint import CheckpointStore
from core.training.distributed import SharedGroup
from core.training.identity import projected_history, weights_hash
from tests.toy import REGISTRY, new_run, write_registry
from tests.toy.task import PairsTask

GATED = "tests.toy.gated:SPEC"


def final_hash(run):
    return weights_hash(CheckpointStore(run).load("last").content["model"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory, job_server):
    """A run of six epochs, as a process of its own; the learning rate lets the error rise again."""
    path = tmp_path_factory.mktemp("pairs") / "runs" / "p1-20260101T000000-aaaa"
    settings = ("epochs=6", "learning_rate=0.2", "keep_predictions=true")
    run = new_run(path, overrides=[f"training.{each}" for each in settings])
    job = job_server.start(run.path, FAKE_NOTHING="1")
    said, errors = job.communicate()
    code = job.wait()
    job.close()
    assert (code, errors) == (0, ""), said
    return run


def test_the_registry_that_names_the_task_resolves(tmp_path):
    found = registry.load(write_registry(tmp_path))
    experiment = found.experiment("p2")
    assert (experiment.data.scenes, experiment.training.monitor) == (10, "mae")
    assert experiment.training.learning_rate == 0.002
    assert found.spec("p2").rises("mae") is False


def test_the_best_epoch_is_the_one_with_the_smallest_error(trained):
    history = trained.history()
    errors = [epoch.metrics["mae"] for epoch in history.epochs]
    finished = history.last(Finished)
    smallest = min(errors)
    assert errors[0] > smallest
    assert smallest != errors[-1]  # else the last would be the best whichever way it goes
    assert (finished.monitor, finished.best_metric) == ("mae", smallest)
    assert history.best_epoch("mae").epoch == finished.best_epoch == errors.index(smallest) + 1
    assert trained.read_pointer("best").metric == smallest
    best = [e for e in history.of(CheckpointSaved) if "best" in e.pointers]
    assert [e.metric for e in best] == sorted((e.metric for e in best), reverse=True)


def test_rows_of_the_best_epoch_give_its_error(trained):
    rows = read_rows(trained.evaluation_of("best"))
    assert rows.labels == ("brightness",)
    assert len(rows.units) == 2
    assert float(mean(rows.pooled)) == pytest.approx(trained.history().last(Finished).best_metric)


def test_the_data_are_counted_in_the_task_s_own_words(trained):
    ready = trained.history().last(DataReady)
    assert (ready.unit, ready.example, ready.falling) == ("scene", "pair", ("mae", "loss"))
    assert (ready.train_units, ready.validation_units, ready.train_examples) == (8, 2, 64)
    assert trained.read_request().resolved.validation_units == ("scene-4", "scene-6")


def test_predictions_of_the_best_epoch_give_its_error_too(trained):
    table = pq.read_table(trained.predictions).to_pandas()
    assert {*table["unit"]} == {"scene-4", "scene-6"}
    error = (table["prediction"] - table["label"]).abs().mean()
    assert error == pytest.approx(trained.history().last(Finished).best_metric, rel=1e-5)


def test_batches_of_two_tensors_are_shared_among_processes_and_enlarged(one_thread):
    experiment = registry.load(REGISTRY).experiment("p1")
    cpu = torch.device("cpu")
    task = PairsTask(experiment, cpu, seed=1)
    batch = next(task.train_batches(1))
    parts = [SharedGroup(rank, 2).part(batch) for rank in range(2)]
    for image, *halves in zip(batch.inputs, *(part.inputs for part in parts), strict=True):
        assert torch.equal(torch.stack(halves, dim=1).flatten(0, 1), image)
    larger = enlarged(batch, 20)
    assert torch.equal(larger.inputs[1][16:], batch.inputs[1][:4])
    assert [larger.size, larger.examples] == [20, 20]
    assert measure(task, experiment, cpu, 24) > 0


def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(tmp_path, spawn, gate):
    whole, cut = (
        new_run(tmp_path / "runs" / f"p1-20260101T000000-{name}", task=GATED)
        for name in ("aaaa", "bbbb")
    )
    gate.hold_after(2)
    job = spawn(cut.path, FAKE_NOTHING="1")
    saved = (e for e in map(decode, job.stdout) if isinstance(e, CheckpointSaved))
    assert [next(saved).epoch, next(saved).epoch] == [1, 2]
    job.kill()
    job.wait()
    gate.open()
    for run in (cut, whole):
        job = spawn(run.path, FAKE_NOTHING="1")
        assert job.communicate()[1] == ""
    assert len(cut.attempts()) == 2
    assert final_hash(cut) == final_hash(whole)
    assert projected_history(cut.history()) == projected_history(whole.history())
    assert [epoch.epoch for epoch in cut.history().epochs] == [1, 2, 3, 4]
