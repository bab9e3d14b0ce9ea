"""The whole path on the stand-in: launch, follow, cuts, preemption, resume, pull."""

import hashlib
import time
from collections.abc import Callable

from core.events import Epoch, Resumed
from core.history import History, gaps
from core.rundir import RunDir
from mabe_tui.launch import modal_volume
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.modal_launcher import ModalLauncher
from tests.loopback.conftest import MakeRun
from tests.loopback.server import LoopbackServer

SECONDS = 30.0


def wait_for(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def follow_to_the_end(launcher: ModalLauncher, run: RunDir, seconds: float = SECONDS) -> RunState:
    with launcher.following(run):
        wait_for(lambda: not launcher.state(run).may_speak, seconds)
    return launcher.state(run)


def events_of(run: RunDir) -> list[tuple[str, int]]:
    """Every event line that the mirror holds, in its order, repetitions and all."""
    return [(event.attempt, event.seq) for event in run.events()]


def assert_complete(run: RunDir) -> History:
    """Each event once, in order, without a gap; one epoch event an epoch."""
    events = events_of(run)
    assert events == sorted(set(events))
    assert gaps(run.events()) == {}
    history = run.history()
    assert [e.epoch for e in history.epochs] == list(range(1, len(history.epochs) + 1))
    return history


def test_launch_follow_finish_pull(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=3)
    server.faults.cut_streams_after = [5, 3]
    server.faults.split_messages = True
    began = time.monotonic()
    handle = launcher.launch(run)
    assert time.monotonic() - began < 5
    assert str(handle.reference["app_id"]).startswith("ap-")
    assert str(handle.reference["call_id"]).startswith("fc-")
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    history = assert_complete(run)
    assert len(history.epochs) == 3
    log = run.log_path(handle.attempt).read_bytes().splitlines()
    assert [line for line in log if line.startswith(b"step ")] == [
        f"step {n} line 0 of attempt {handle.attempt}".encode() for n in range(1, 13)
    ]
    best = run.read_pointer("best")
    assert best is not None
    (path,) = modal_volume.pull(run, [best])
    content = path.read_bytes()
    there = server.cloud.volumes.named("mabe-runs") / run.id / "checkpoints" / best.file
    assert content == there.read_bytes()
    assert hashlib.sha256(content).hexdigest() == best.sha256


def test_preempted_runs_go_on_from_the_volume(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=4, seconds=0.1)
    launcher.launch(run)
    with launcher.following(run):
        wait_for(lambda: len(run.history().epochs) == 2)
        server.preempt()
        wait_for(lambda: len(run.attempts()) == 2)
        wait_for(lambda: run.history().last(Resumed) is not None)
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    history = assert_complete(run)
    resumed = history.last(Resumed)
    assert resumed is not None
    assert resumed.from_attempt == run.attempts()[0]
    assert len(history.of(Epoch)) == 4
