"""Fixtures for runs of a tiny task, which test training without data."""

import datetime as dt
import importlib.util
import warnings
from pathlib import Path

import msgspec
import pytest
import torch

from core.config.experiment import HardwareConfig
from core.job import main
from core.run.limits import Limits
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from core.training.checkpoint import CheckpointStore
from core.training.checkpoint_file import predicting_weights
from core.training.identity import history_hash, weights_hash
from core.training.stopping import StopReason
from tests.core.job_server import JobServer

FAKE_JOB = Path(__file__).with_name("fake_job.py")


@pytest.fixture(scope="session")
def fake():
    """The module `fake_job.py`: FakeTask, FakeModel, and `build`."""
    spec = importlib.util.spec_from_file_location("fake_job", FAKE_JOB)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def job_server(tmp_path_factory):
    server = JobServer(tmp_path_factory.mktemp("jobs"))
    yield server
    server.close()


@pytest.fixture
def spawn(job_server):
    """Start `fake_job.py` as a separate process that does not outlive the test."""
    jobs = []

    def start(*arguments, **environment):
        jobs.append(job_server.start(*arguments, **environment))
        return jobs[-1]

    yield start
    for job in jobs:
        job.close()


@pytest.fixture
def result_of():
    """Return what must be equal between identical runs: hashes of weights, average and history."""

    def hashes(run):
        content = CheckpointStore(run).load("last").content
        weights = weights_hash(content["model"]), weights_hash(predicting_weights(content))
        return *weights, history_hash(run.history())

    return hashes


@pytest.fixture
def one_thread():
    """Use one thread: small tensors do not benefit from more, and forked children must not inherit any."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def new_run(tmp_path):
    """Create a run folder of the fake task, or of a given experiment; keywords set training options."""

    def make(name="run", limits=None, experiment=None, **training):
        settings = {"epochs": 3, "learning_rate": 0.01, "save_every": 2, "gradient_clip": 1.0}
        run = RunDir(tmp_path / "runs" / f"{name}-20260101T000000-abcd")
        run.write_request(
            RunRequest(
                run=run.id,
                created=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
                launcher="local",
                seed=42,
                limits=limits or Limits(),
                experiment=experiment
                or BehaviourExperiment(
                    name="fake",
                    hardware=HardwareConfig(device="cpu"),
                    training=msgspec.convert(settings | training, BehaviourTrainingConfig),
                ),
            )
        )
        return run

    return make


@pytest.fixture
def stop_after(monkeypatch):
    """Ask jobs to stop at their n-th check of the time."""

    def arrange(polls, reason=None):
        left = polls

        def poll(self):
            nonlocal left
            left -= 1
            return (reason or StopReason("user", "SIGUSR1")) if left <= 0 else None

        monkeypatch.setattr("core.training.stopping.StopWatch.__call__", poll)

    return arrange


@pytest.fixture
def train(fake, one_thread, monkeypatch):
    """Run a job in this process without signal handling; return its exit code."""
    monkeypatch.setattr("core.training.stopping.StopWatch.install", lambda _: None)
    monkeypatch.setattr(
        "warnings.showwarning", warnings.showwarning
    )  # a job installs its own handlers

    def run(run_dir, task=None, build=None, arguments=()) -> int:
        def build_fake(request, cache, device, progress):
            return task or fake.FakeTask()

        return main([str(run_dir.path), *arguments], build=build or build_fake)

    return run
