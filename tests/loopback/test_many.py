"""Many runs at once: requests to Modal, concurrency, and their outcome while nobody watches."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import modal.exception
import pytest

from core.errors import RunError
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState, StopOutcome
from mabe_tui.launch.modal import follow as modal_follow
from mabe_tui.launch.modal import spawn as modal_spawn
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.runs.launching.start import start_runs
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.hearing import Heard, hear_all
from tests.gate import Gate
from tests.loopback.conftest import MakeRun
from tests.loopback.helpers import assert_complete, follow_to_the_end
from tests.loopback.server import LoopbackServer
from tests.waiting import LONG, wait_for

QUEUED, RUNNING = RunState.QUEUED, RunState.RUNNING


def reach(launcher: ModalLauncher, runs: list[RunDir], *wanted: RunState) -> None:
    def states() -> list[RunState]:
        for run in runs:
            launcher.sync(run, quick=True)
        return [launcher.state(run) for run in runs]

    wait_for(lambda: states() == [*wanted])


def ids_of(runs: list[RunDir], name: str) -> list[object]:
    return [handle.reference[name] for run in runs if (handle := run.read_handle()) is not None]


def test_modal_keeps_to_so_many_at_a_time(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    runs = [make_run(epochs=1) for _ in range(4)]
    launcher.launch_all(runs, parallel=2)
    assert len(set(ids_of(runs, "app_id"))) == 1
    assert len(set(ids_of(runs, "call_id"))) == 4
    reach(launcher, runs, RUNNING, RUNNING, QUEUED, QUEUED)
    assert launcher.stop(runs[2], grace=LONG) is StopOutcome.BEFORE_START
    assert launcher.stop(runs[0], grace=LONG) is StopOutcome.CLEAN
    reach(launcher, runs, RunState.STOPPED, RUNNING, RunState.STOPPED, RUNNING)
    assert len(server.running()) == 2


def test_without_a_bound_all_run(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    runs = [make_run(epochs=1) for _ in range(3)]
    launcher.launch_all(runs)
    assert len(set(ids_of(runs, "app_id"))) == 3
    reach(launcher, runs, RUNNING, RUNNING, RUNNING)


def test_a_run_lives_on_where_only_the_last_call_of_an_app_does(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    """As the client warns of detached apps; so a run has an app of its own."""
    server.faults.only_last_call_lives = True
    runs = [make_run(epochs=1) for _ in range(3)]
    launcher.launch_all(runs)
    for run in runs:
        assert follow_to_the_end(launcher, run) is RunState.FINISHED


def test_one_that_dies_beside_others_is_noticed(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log of their app goes on, so that the end of a stream does not tell."""
    monkeypatch.setattr(modal_follow, "IDLE_SECONDS", 1.0)
    dies, goes_on = make_run(epochs=1, retries=0, then="crash"), make_run(retries=0, then="hang")
    launcher.launch_all([dies, goes_on])
    assert follow_to_the_end(launcher, dies) is RunState.LOST
    assert launcher.state(goes_on).is_alive


@pytest.fixture
def seeds(server: LoopbackServer, tmp_path: Path, gate: Gate) -> list[RunDir]:
    """Six seeds, two at a time, launched by a process that is killed as soon as it has told of them."""
    home = tmp_path / "home"
    command = ["run", "v1", "--on", "modal", "--seeds", "1,2,3,4,5,6", "--parallel", "2"]
    settings = ["--set", "training.epochs=2", "--set", "hardware.gpu=T4"]
    client = subprocess.Popen(
        [sys.executable, "-c", "from mabe_tui.cli.main import run; run()", *command, *settings],
        env=os.environ | server.client_environment() | {"MABE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert client.stdout is not None
    runs = [RunDir(home / "runs" / client.stdout.readline().strip()) for _ in range(6)]
    client.send_signal(signal.SIGKILL)
    client.wait()
    return runs


def test_all_seeds_run_with_the_laptop_shut(
    server: LoopbackServer, launcher: ModalLauncher, seeds: list[RunDir], gate: Gate
) -> None:
    at_a_time = 0

    def all_done() -> bool:
        nonlocal at_a_time
        at_a_time = max(at_a_time, len(server.running()))
        return all(call.done.is_set() for call in server.cloud.calls.values())

    wait_for(lambda: len(server.running()) == 2)
    gate.open()
    wait_for(all_done)
    assert at_a_time == 2
    for run in seeds:
        assert follow_to_the_end(launcher, run) is RunState.FINISHED
        assert len(assert_complete(run).epochs) == 2
    assert [run.read_request().seed for run in seeds] == [1, 2, 3, 4, 5, 6]


def test_a_launch_that_breaks_off_keeps_what_was_started(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    tmp_path: Path,
) -> None:
    requests = [make_run(epochs=1).read_request() for _ in range(3)]
    server.faults.calls_before_quota = 2
    with pytest.raises(RunError, match=r"spend limit reached.*; started before that: ") as caught:
        start_runs(tmp_path / "again", requests, launcher)
    assert "\n" not in str(caught.value)
    left = [RunDir(path) for path in sorted((tmp_path / "again" / "runs").iterdir())]
    assert len(left) == 2
    assert {run.id for run in left} < {request.run for request in requests}
    for run in left:
        assert follow_to_the_end(launcher, run) is RunState.FINISHED


def test_a_call_whose_answer_is_lost_is_cancelled_and_made_again_beside_the_others(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
    gate: Gate,
) -> None:
    declare, calls, said = modal_spawn._declare, list[str](), list[str]()

    def declared(*asked: Any) -> Any:
        app, function = declare(*asked)

        def spawn(*arguments: Any) -> Any:
            call = function.spawn(*arguments)
            calls.append(call.object_id)
            if len(calls) == 2:
                raise modal.exception.ConnectionError("cut")
            return call

        return app, Hooked(function, spawn)

    monkeypatch.setattr(modal_spawn, "_declare", declared)
    runs = [make_run(epochs=1) for _ in range(3)]
    launcher.launch_all(runs, parallel=3, say=said.append)
    first, lost, again, third = calls
    assert ids_of(runs, "call_id") == [first, again, third]
    wait_for(server.cloud.calls[lost].done.is_set)
    assert not any(server.cloud.calls[each].done.is_set() for each in (first, again, third))
    (words,) = said
    assert words.startswith(f"{runs[1].id}: the answer to its call was lost (Modal does not answer")
    assert words.endswith(f"; {lost} was cancelled, and it is called again")
    gate.open()
    for run in runs:
        assert follow_to_the_end(launcher, run) is RunState.FINISHED


class Hooked:
    """A function whose calls a test answers."""

    def __init__(self, function: Any, spawn: Any) -> None:
        self.function, self.spawn = function, spawn

    @property
    def object_id(self) -> str:
        return str(self.function.object_id)


def test_one_glance_tells_what_runs(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    """The first words of a run reach this computer by the very glance that is to say how it is."""
    run = make_run(then="hang")
    launcher.launch(run)
    last = server.cloud.volumes.named("mabe-runs") / run.id / "checkpoints" / "last.json"
    wait_for(last.exists)
    (heard,) = hear_all([RunEntry(run)])
    assert heard == Heard(RUNNING)
    assert run.history().epochs
