"""Every fault of Modal or of the connection to it, and its effect on the run."""

import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import modal.exception
import pytest
from modal._resolver import Resolver

from core.errors import RunError, UserError
from core.run.events import Failed, Stopped
from core.run.rundir import RunDir
from mabe_tui.launch.attempts import read_quiet_ending
from mabe_tui.launch.launcher import (
    CONNECTED,
    Connection,
    RunState,
    StopOutcome,
    UnreachableError,
)
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal import follow as modal_follow
from mabe_tui.launch.modal import spawn as modal_spawn
from mabe_tui.launch.modal.handle import Call, Place
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.launch.recorder import writing
from tests.gate import Gate
from tests.loopback.conftest import MakeRun
from tests.loopback.helpers import assert_complete, follow_to_the_end
from tests.loopback.server import LoopbackServer
from tests.waiting import LONG, Bound, wait_for

AT_ONCE = 30.0
"""Seconds of a quiet machine; the client by itself takes 74 to give up."""


def refused(launcher: ModalLauncher, run: RunDir) -> str:
    """Launch, expect a refusal at once, and give its one line; nothing of the attempt is left."""
    modal_client.forget_probe()
    at_once = Bound(AT_ONCE)
    with pytest.raises(UserError) as caught:
        launcher.launch(run)
    assert not at_once.is_over
    assert run.attempts() == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ── before there is a run ─────────────────────────────────────────────────────────────────────


def test_no_credentials(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MODAL_TOKEN_ID")
    said = refused(launcher, make_run())
    assert "modal token new" in said
    assert "--on local" in said


def test_wrong_token(server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun) -> None:
    server.faults.wrong_token = True
    said = refused(launcher, make_run())
    assert "refuses the credentials" in said
    assert "modal token new" in said


def test_refused_connection(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    server.go_down()
    said = refused(launcher, make_run())
    assert "cannot be reached" in said
    assert "--on local" in said


def test_quota_exceeded(server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun) -> None:
    server.faults.quota_exceeded = True
    said = refused(launcher, make_run())
    assert "spend limit reached" in said
    assert "--on local" in said


def test_code_that_is_changed_while_it_is_sent(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Resolver, "build_start", 0.0)  # before every file was written
    said = refused(launcher, make_run())
    assert ".py was changed while the code was being sent to Modal; nothing was started" in said
    assert "give the same command again" in said


def cut() -> None:
    raise modal.exception.ConnectionError("cut")


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("happens", [cut, interrupt])
def test_a_call_whose_answer_did_not_come_is_not_left_running(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[], None],
) -> None:
    declare = modal_spawn._declare

    def declared(*asked: Any) -> Any:
        app, function = declare(*asked)

        def spawn(*arguments: Any) -> None:
            function.spawn(*arguments)
            happens()

        return app, SimpleNamespace(spawn=spawn)

    monkeypatch.setattr(modal_spawn, "_declare", declared)
    run = make_run()
    with pytest.raises((KeyboardInterrupt, UnreachableError)):
        launcher.launch(run)
    assert run.attempts() == []
    assert run.read_handle() is None
    wait_for(lambda: not server.running())
    assert all(app.stopped for app in server.cloud.apps.values())


def test_an_app_that_cannot_be_stopped_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(app: Call) -> None:
        tried.append(app.app_id)
        raise UnreachableError("Modal does not answer")

    monkeypatch.setattr(modal_spawn.modal_apps, "stop_app", refuse)
    said: list[str] = []
    app = Call(id="", app_id="ap-1", app_name="v1", calls_in_app=1, place=Place())
    modal_spawn._stop_orphan(app, said.append)
    assert tried == ["ap-1"] * modal_spawn.STOP_TRIES
    assert len(said) == 1
    assert "`modal app stop ap-1` ends it" in said[0]


# ── while it runs ─────────────────────────────────────────────────────────────────────────────


def test_state_is_unknown_while_modal_cannot_be_reached(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    run = make_run(epochs=1)
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) in (RunState.QUEUED, RunState.RUNNING))
    server.go_down()
    modal_client.forget_probe()
    assert launcher.state(run) is RunState.UNKNOWN
    with pytest.raises(RunError, match="may be running"):
        launcher.resume(run)
    with pytest.raises(UnreachableError):
        launcher.stop(run)
    server.come_back()
    modal_client.forget_probe()
    assert launcher.stop(run, grace=LONG) in (StopOutcome.CLEAN, StopOutcome.BEFORE_START)


def test_whoever_follows_is_told_that_modal_is_away_and_that_it_is_back(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    run = make_run(epochs=2)
    gate.hold_after(1)
    launcher.launch(run)
    told = list[Connection]()
    with launcher.following(run, told.append):
        wait_for(lambda: bool(run.history().epochs))
        server.go_down()
        wait_for(lambda: len(told) > 1)
        server.come_back()
        wait_for(lambda: told[-1] == CONNECTED)
    assert all("cannot be reached" in each.problem for each in told[:-1])
    assert all(each.retry_at is not None for each in told[:-1])
    launcher.stop(run, grace=LONG)


def test_a_run_that_ended_unheard_is_not_taken_for_lost(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a laptop has slept: the call is over, and its last word is still to be fetched."""
    monkeypatch.setattr(modal_follow, "MOST_LOCK_SECONDS", 0.1)
    run = make_run(epochs=2)
    handle = launcher.launch(run)
    call = server.cloud.calls[str(handle.reference["call_id"])]
    wait_for(call.done.is_set)
    with writing(run):  # a follower that waits for another try
        assert launcher.state(run) is RunState.UNKNOWN
    server.go_down()
    modal_client.forget_probe()
    assert launcher.state(run) is RunState.UNKNOWN
    server.come_back()
    modal_client.forget_probe()
    assert launcher.state(run) is RunState.FINISHED
    assert len(assert_complete(run).epochs) == 2


def test_a_training_error_is_not_retried(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=1, then="fail")
    handle = launcher.launch(run)
    assert follow_to_the_end(launcher, run) is RunState.FAILED
    assert isinstance(run.history().ending, Failed)
    assert len(server.cloud.calls[str(handle.reference["call_id"])].tasks) == 1


def test_a_job_that_dies_without_a_word_is_tried_again_then_lost(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=1, retries=1, then="crash")
    handle = launcher.launch(run)
    assert follow_to_the_end(launcher, run) is RunState.LOST
    assert len(server.cloud.calls[str(handle.reference["call_id"])].tasks) == 2
    attempt = run.attempts()[-1]
    said = read_quiet_ending(run, attempt)
    assert said is not None
    assert "died without a word (exit code -9)" in said.reason
    assert_complete(run)


def test_time_out_is_lost_and_can_be_resumed(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=3, retries=0, then="hang")
    launcher.launch(run)
    with launcher.following(run):
        wait_for(lambda: len(run.history().epochs) == 3)
        server.time_out()
    assert follow_to_the_end(launcher, run) is RunState.LOST
    said = read_quiet_ending(run, run.attempts()[-1])
    assert said is not None
    assert "time-out" in said.reason
    assert len(assert_complete(run).epochs) == 3
    again = launcher.resume(run)
    assert again.attempt.startswith("0002-")
    assert launcher.stop(run, grace=0.1) in (StopOutcome.KILLED, StopOutcome.BEFORE_START)


def test_stopped_run_saves_and_is_resumed(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    run = make_run(epochs=4)
    gate.hold_after(2)
    launcher.launch(run)
    with launcher.following(run):
        wait_for(lambda: len(run.history().epochs) >= 2)
        with pytest.raises(RunError, match="already; `mabe logs -f"):
            launcher.resume(run)
        assert launcher.stop(run, grace=LONG) is StopOutcome.CLEAN
    assert launcher.state(run) is RunState.STOPPED
    assert isinstance(run.history().ending, Stopped)
    assert launcher.stop(run) is StopOutcome.ENDED
    gate.open()
    launcher.resume(run)
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    assert len(assert_complete(run).epochs) == 4


def test_stopped_before_a_machine_was_found(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    server.faults.no_capacity = True
    run = make_run()
    launcher.launch(run)
    assert launcher.state(run) is RunState.QUEUED
    assert launcher.stop(run, grace=5) is StopOutcome.BEFORE_START
    assert launcher.state(run) is RunState.STOPPED


def test_a_deaf_job_is_killed(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    run = make_run(epochs=1, then="hang")
    launcher.launch(run)
    with launcher.following(run):
        wait_for(lambda: len(run.history().epochs) == 1)
        assert launcher.stop(run, grace=0.5) is StopOutcome.KILLED
    assert launcher.state(run) is RunState.STOPPED
    wait_for(lambda: not server.running())


def test_apps_that_no_run_knows_are_named(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    run = make_run(epochs=1)
    handle = launcher.launch(run)
    assert [job.reference for job in launcher.list_foreign([])] == [handle.reference["app_id"]]
    assert launcher.list_foreign([handle]) == []
    launcher.stop(run, grace=LONG)
