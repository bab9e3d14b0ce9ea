"""Failing commits of the real client: the run continues, its output arrives, and nothing is lost in the end.

Every class of exception is tested without a client in ``tests/mabe_tui/launch/test_modal_attempt.py``.
"""

from pathlib import Path

import pytest
from grpclib import Status

from core.run.rundir import RunDir
from mabe_tui.launch import recorder as recorder_module
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.modal_app import RUNS_VOLUME
from mabe_tui.launch.modal_launcher import ModalLauncher
from tests.loopback.conftest import Mabe, MakeRun
from tests.loopback.helpers import assert_complete, assert_mirrors_volume, follow_to_the_end
from tests.loopback.server import LoopbackServer
from tests.loopback.trouble import environment, play
from tests.waiting import wait_for

REFUSALS: list[Status | None] = [
    Status.RESOURCE_EXHAUSTED,
    Status.PERMISSION_DENIED,
    Status.NOT_FOUND,
    Status.FAILED_PRECONDITION,
    Status.INTERNAL,  # the client tries this and the next two again by itself
    Status.UNAVAILABLE,
    Status.DEADLINE_EXCEEDED,
    Status.UNAUTHENTICATED,
    Status.INVALID_ARGUMENT,
    Status.UNIMPLEMENTED,
]


def test_commits_that_are_refused_cost_no_event(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rewrites = 0
    write = recorder_module.write_bytes_atomically

    def counted(path: object, content: bytes) -> None:
        nonlocal rewrites
        rewrites += str(path).endswith("events.jsonl")
        write(path, content)  # type: ignore[arg-type] # handed on as it came

    monkeypatch.setattr(recorder_module, "write_bytes_atomically", counted)
    server.faults.commits_before_errors = 1
    server.faults.commit_errors = list(REFUSALS)
    run = make_run(epochs=12, seconds=0.02)
    handle = launcher.launch(run)
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    assert server.faults.commit_errors == []
    history = assert_complete(run)
    assert [epoch.epoch for epoch in history.epochs] == list(range(1, 13))
    assert_mirrors_volume(server, run)
    log = run.log_path(handle.attempt).read_text()
    # which refusals the job's own commits met: Modal's runtime commits as well, every few seconds
    assert "mabe: the volume could not be committed (" in log
    assert "mabe: the volume is committed again" in log
    assert len(server.cloud.calls[str(handle.reference["call_id"])].tasks) == 1
    assert rewrites < len(REFUSALS)


def test_a_job_that_finished_is_finished_though_nothing_holds_its_last_word(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=1)
    handle = launcher.launch(run)
    wait_for(server.cloud.calls[str(handle.reference["call_id"])].done.is_set)
    server.cloud.apps[str(handle.reference["app_id"])].log.entries.clear()
    there = RunDir(server.cloud.volumes.named(RUNS_VOLUME) / run.id).events_path(handle.attempt)
    there.write_bytes(b"".join(there.read_bytes().splitlines(keepends=True)[:3]))
    assert launcher.state(run) is RunState.FINISHED
    assert run.history().ending is None


def test_the_transcript_shows_it(server: LoopbackServer, home: Path, mabe: Mabe) -> None:
    del mabe  # which sets this process up
    said = list[str]()
    with environment(server, home):
        play("commit PERMISSION_DENIED", server, home, said.append)
    assert any("could not be committed (PermissionDeniedError: " in line for line in said)
    assert said[-1].endswith("events of 1 call, byte for byte those of the volume")
