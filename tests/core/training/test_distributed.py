"""Two CPU processes connected by gloo train the same model as one process."""

import contextlib
import json
import os
import queue
import signal
import sys
from multiprocessing import Pipe, get_context
from types import SimpleNamespace

import psutil
import pytest
import torch

from core.config.experiment import HardwareConfig
from core.frames.batch import FrameBatch
from core.run.events import CheckpointSaved, Failed, Finished, Stopped, Warned
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from core.training import leader
from core.training.checkpoint import CheckpointStore
from core.training.distributed import SharedGroup
from core.training.leader import process_count
from tests.waiting import LONG

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def until(job, kind):
    """Read what a job prints up to an event of this kind."""
    return json.loads(next(line for line in job.stdout if line.startswith(f'{{"kind":"{kind}"')))


def follower_of(job):
    """The one child that follows; multiprocessing keeps a helper of its own beside it."""
    children = psutil.Process(job.pid).children()
    (follower,) = [each for each in children if "resource_tracker" not in " ".join(each.cmdline())]
    return follower


def test_two_processes_train_what_one_does(new_run, train, spawn, fake):
    """Without batch norm and dropout, over micro-batches, the last of them a single window."""
    settings = {"accumulation_steps": 3, "ema_decay": 0.9, "scheduler": "cosine"}
    one, two = new_run("one", **settings), new_run("two", processes=2, **settings)
    job = spawn(two.path, FAKE_PLAIN="1", FAKE_LAST="1")
    assert train(one, fake.FakeTask(plain=True, last=1)) == 0
    _, errors = job.communicate()
    assert (job.returncode, errors) == (0, "")
    for single, shared in zip(one.history().epochs, two.history().epochs, strict=True):
        assert shared.train_loss == pytest.approx(single.train_loss, rel=1e-5)
        assert shared.gradient_norm == pytest.approx(single.gradient_norm, rel=1e-4)
        assert shared.metrics == pytest.approx(single.metrics, rel=1e-5)
        assert shared.step == single.step
    contents = [CheckpointStore(run).load("last").content for run in (one, two)]
    assert [len(content["rng"]) for content in contents] == [1, 2]
    for name, tensor in contents[0]["model"].items():
        torch.testing.assert_close(contents[1]["model"][name], tensor, rtol=1e-4, atol=1e-6)


def test_whatever_dies_the_run_ends_as_if_nothing_had(new_run, spawn, result_of, gate, monkeypatch):
    """Each process has dropout of its own; killed leader, killed follower, a stop, then the end."""
    whole, cut = (new_run(name, processes=2, epochs=4) for name in ("whole", "cut"))
    monkeypatch.setenv("FAKE_FORK", "1")

    gate.hold_after(1)
    job = spawn(cut.path)
    until(job, "checkpoint_saved")
    follower = follower_of(job)
    job.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        follower.wait(timeout=LONG)

    gate.hold_after(2)
    job = spawn(cut.path)
    until(job, "checkpoint_saved")
    follower_of(job).kill()
    gate.open()
    job.communicate()
    failed = cut.history().ending
    assert isinstance(failed, Failed)
    assert failed.error.startswith("process 2 of 2 was killed (SIGKILL)")

    gate.hold_after(2)
    job = spawn(cut.path)
    until(job, "step")
    for process in (job.pid, follower_of(job).pid):  # as a terminal does
        os.kill(process, signal.SIGTERM)
    gate.open()
    job.communicate()
    assert isinstance(cut.history().ending, Stopped)

    undisturbed = spawn(whole.path)
    spawn(cut.path).communicate()
    undisturbed.communicate()
    assert isinstance(cut.history().ending, Finished)
    assert len(cut.attempts()) == 4
    assert result_of(cut) == result_of(whole)
    assert len(whole.history().of(CheckpointSaved)) == 4  # one process says and saves
    assert not cut.history().of(Warned)


def test_a_batch_is_shared_window_by_window():
    columns = torch.arange(5.0)[:, None].expand(5, 2)
    batch = FrameBatch(columns, columns, columns, examples=10, mixed=(columns, torch.tensor(0.3)))
    parts = [SharedGroup(rank, 2).part(batch) for rank in range(2)]
    assert [part.inputs[:, 0].tolist() for part in parts] == [[0, 2, 4], [1, 3]]
    assert [part.mixed[0][:, 0].tolist() for part in parts] == [[0, 2, 4], [1, 3]]
    assert all(part.mixed[1] == batch.mixed[1] for part in parts)
    assert len(SharedGroup(6, 7).part(batch).inputs) == 0


@pytest.mark.parametrize(
    ("device", "gpu", "asked", "count"),
    [
        (CPU, "H100:2", None, 1),
        (CPU, None, 3, 3),
        (CUDA, "H100:2", None, 2),
        (CUDA, "H100:8", None, 4),
        (CUDA, "H100", None, 1),
        (CUDA, None, None, 1),
        (CUDA, None, 4, 4),
    ],
)
def test_one_process_for_each_gpu(monkeypatch, device, gpu, asked, count):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    experiment = BehaviourExperiment(
        name="x",
        hardware=HardwareConfig(gpu=gpu),
        training=BehaviourTrainingConfig(processes=asked),
    )
    assert process_count(experiment, device) == count


def test_a_leader_that_hangs_with_a_dead_follower_gives_up(monkeypatch):
    """On a GPU an exchange with a dead process never ends: a thread says so, and ends the job."""
    monkeypatch.setattr(leader, "GRACE_SECONDS", 0.0)
    codes, said = queue.Queue(), queue.Queue()
    monkeypatch.setattr(leader, "os", SimpleNamespace(_exit=codes.put))
    process = get_context("spawn").Process(target=sys.exit, args=(3,))
    process.start()
    ours, theirs = Pipe(duplex=False)
    theirs.close()
    follower = leader._Follower(SimpleNamespace(rank=1, size=2), process, ours)
    leader._Watch([follower], said.put)
    assert said.get(timeout=LONG).startswith("process 2 of 2 ended with exit code 3")
    assert codes.get(timeout=LONG) == 1


def test_what_a_follower_said_last_is_told():
    ours, theirs = Pipe(duplex=False)
    theirs.send("DataError: the data are gone")
    follower = leader._Follower(SimpleNamespace(rank=2, size=4), SimpleNamespace(exitcode=1), ours)
    assert follower.cause_of_death() == "process 3 of 4 failed: DataError: the data are gone"
