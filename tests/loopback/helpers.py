"""Conditions that tests on the stand-in wait for, and invariants of every mirror."""

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import AnyStr

from core.config.experiment import HardwareConfig
from core.run.history import History, gaps
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment, BehaviourTrainingConfig
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.modal_app import RUNS_VOLUME
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.runs.launching.run_requests import new_request
from tests.loopback.fake_job import STEPS
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for


def fake_request(
    epochs: int = 2, timeout: int = 3600, retries: int = 3, **plan: object
) -> RunRequest:
    """Ask for a run of the fake job; ``plan`` tells it what to do."""
    hardware = HardwareConfig(gpu="H100", timeout_seconds=timeout, retries=retries)
    experiment = BehaviourExperiment(
        name="v1", training=BehaviourTrainingConfig(epochs=epochs), hardware=hardware
    )
    overrides = [f"fake.{name}={value}" for name, value in plan.items()]
    return new_request(experiment, "modal", overrides=overrides)


@contextmanager
def killed_at_the_end(client: "subprocess.Popen[AnyStr]") -> Iterator["subprocess.Popen[AnyStr]"]:
    """Kill a client that a failed test leaves behind: its app would be found by all later tests."""
    with client:
        try:
            yield client
        finally:
            client.kill()


def follow_to_the_end(launcher: ModalLauncher, run: RunDir) -> RunState:
    """Follow a run until nothing more can come from it; return how it ended."""
    with launcher.following(run):
        wait_for(lambda: not launcher.state(run).may_speak, 120)
    return launcher.state(run)


def assert_complete(run: RunDir) -> History:
    """Check the mirror: each event once, in order, without a gap; one epoch event an epoch."""
    events = [(event.attempt, event.seq) for event in run.events()]
    assert events == sorted(set(events))
    assert gaps(run.events()) == {}
    history = run.history()
    assert [e.epoch for e in history.epochs] == list(range(1, len(history.epochs) + 1))
    return history


def weights_after(epochs: int) -> bytes:
    """Return the weights that the fake job has after so many epochs without interruption."""
    weights = b"0"
    for _ in range(epochs * STEPS):
        weights = hashlib.sha256(weights).hexdigest().encode()
    return weights


def assert_mirrors_volume(server: LoopbackServer, run: RunDir) -> None:
    """Check that every attempt's event file is the volume's, byte for byte."""
    there = RunDir(server.cloud.volumes.named(RUNS_VOLUME) / run.id)
    assert run.attempts() == there.attempts()
    for attempt in run.attempts():
        assert run.events_path(attempt).read_bytes() == there.events_path(attempt).read_bytes()
