"""The whole path on the stand-in: launch, follow, cuts, preemption, resume, pull."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.run.events import Finished, Resumed
from core.run.provenance import code_now
from mabe_tui.launch.attempts import attempt_ending
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.modal import pull as modal_pull
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.runs.summary.provenance import provenance_of
from tests.gate import Gate
from tests.loopback.conftest import MakeRun
from tests.loopback.helpers import assert_complete, follow_to_the_end, weights_after
from tests.loopback.server import LoopbackServer
from tests.waiting import wait_for


def test_launch_follow_finish_pull(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=3)
    server.faults.cut_streams_after = [5, 3]
    server.faults.split_messages = True
    handle = launcher.launch(run)
    assert str(handle.reference["app_id"]).startswith("ap-")
    assert str(handle.reference["call_id"]).startswith("fc-")
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    history = assert_complete(run)
    assert len(history.epochs) == 3
    recorded = provenance_of(run)
    assert recorded is not None
    assert (recorded.python, recorded.packages) == ("3.11", {"fake": "1"})
    assert recorded.code == code_now(run.read_request())[0], "as it is here, where it was started"
    log = run.log_path(handle.attempt).read_bytes().splitlines()
    assert [line for line in log if line.startswith(b"step ")] == [
        f"step {n} line 0 of attempt {handle.attempt}".encode() for n in range(1, 13)
    ]
    best = run.read_pointer("best")
    assert best is not None
    (path,) = modal_pull.pull(run, [best])
    content = path.read_bytes()
    there = server.cloud.volumes.named("mabe-runs") / run.id / "checkpoints" / best.file
    assert content == there.read_bytes()
    assert hashlib.sha256(content).hexdigest() == best.sha256


def test_the_machine_is_what_the_version_asks_for(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=1, timeout=5000, retries=2)
    handle = launcher.launch(run)
    call = server.cloud.calls[str(handle.reference["call_id"])]
    _, function = server.cloud.functions[call.function_id]
    assert (function.resources.gpu_config.gpu_type, function.resources.gpu_config.count) == (
        "H100",
        1,
    )
    assert function.resources.memory_mb == 4096
    assert function.resources.milli_cpu == 2000
    assert (function.timeout_secs, function.retry_policy.retries) == (5000, 2)
    assert function.single_use_containers
    assert {m.mount_path for m in function.volume_mounts} == {"/runs", "/vol"}
    commands = " ".join(line for lines in server.cloud.images.values() for line in lines)
    assert "torch==2." in commands
    assert "textual" not in commands
    assert follow_to_the_end(launcher, run) is RunState.FINISHED


def test_nothing_is_lost_between_two_preemptions_and_a_kill(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    """Durability and logic: the weights are those of a run that nothing ever happened to."""
    run = make_run(epochs=8)
    launcher.launch(run)
    with launcher.following(run):
        for epoch, trouble in ((2, server.preempt), (4, server.kill), (6, server.preempt)):
            gate.hold_after(epoch)
            before = len(run.attempts())
            wait_for(lambda epoch=epoch: len(run.history().epochs) >= epoch)  # type: ignore[misc]
            trouble()
            wait_for(lambda before=before: len(run.attempts()) > before)  # type: ignore[misc]
        gate.open()
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    history = assert_complete(run)
    assert len(history.epochs) == 8
    assert len(history.attempts) == 4
    saved = {e.from_attempt: e.from_seq for e in run.events() if isinstance(e, Resumed)}
    assert history.superseded
    assert all(event.seq > saved[event.attempt] for event in history.superseded)
    last = run.read_pointer("last")
    assert last is not None
    (path,) = modal_pull.pull(run, [last])
    assert path.read_bytes().startswith(weights_after(8))


@contextmanager
def cuts(server: LoopbackServer, seed: int) -> Iterator[None]:
    """Let twenty log streams break, each after a few entries."""
    choice = random.Random(seed)
    server.faults.cut_streams_after = [choice.randint(0, 10) for _ in range(20)]
    server.faults.repeat_entries = 3
    yield
    assert server.faults.cut_streams_after == []


@pytest.mark.slow
def test_transport_through_twenty_cuts_and_two_restarts(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    run = make_run(epochs=25, chatter=2)
    launcher.launch(run)
    with cuts(server, seed=1), launcher.following(run):
        for epochs in (2, 4):
            gate.hold_after(epochs)
            wait_for(lambda epochs=epochs: len(run.history().epochs) == epochs)  # type: ignore[misc]
            server.go_down()
            wait_for(lambda: launcher.state(run) is RunState.UNKNOWN)
            server.come_back()
        gate.open()
        wait_for(lambda: not launcher.state(run).may_speak)
    assert launcher.state(run) is RunState.FINISHED
    history = assert_complete(run)
    assert len(history.epochs) == 25
    assert history.last(Finished) is not None
    assert not history.superseded


def test_a_hole_is_filled_from_the_volume(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=2)
    handle = launcher.launch(run)
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    whole = run.events_path(handle.attempt).read_bytes()
    lines = whole.splitlines(keepends=True)
    run.events_path(handle.attempt).write_bytes(b"".join(lines[:3] + lines[7:]))
    server.cloud.apps[str(handle.reference["app_id"])].log.entries.clear()
    launcher.sync(run)
    assert run.events_path(handle.attempt).read_bytes() == whole
    assert_complete(run)


def test_whoever_only_glanced_has_all_of_the_log_at_the_end(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=3, seconds=0.05)
    handle = launcher.launch(run)
    while attempt_ending(run, handle.attempt) is None:
        launcher.sync(run, quick=True)
    wait_for(lambda: launcher.state(run) is RunState.FINISHED)
    launcher.sync(run, quick=True)  # now that its last commit is over
    log = server.cloud.volumes.named("mabe-runs") / run.id / "attempts" / handle.attempt / "log.txt"
    assert run.log_path(handle.attempt).read_bytes() == log.read_bytes()
    launcher.sync(run)  # which hears the plain lines for the first time
    assert run.log_path(handle.attempt).read_bytes() == log.read_bytes()
