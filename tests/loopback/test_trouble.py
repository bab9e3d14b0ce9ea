"""Responses of Modal that are no outcome of a call: the run continues, and nothing of it is given up."""

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from grpclib import Status

from core.errors import RunError
from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.launch import unknown
from mabe_tui.launch.attempts import (
    QuietEnding,
    has_spoken,
    newest_attempt,
    read_quiet_ending,
    write_quiet_ending,
)
from mabe_tui.launch.launcher import Connection, RunState, StopOutcome
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal.handle import call_of, calls_of
from mabe_tui.launch.modal.place import ElsewhereError
from mabe_tui.launch.modal_app import RUNS_VOLUME
from mabe_tui.launch.modal_launcher import ModalLauncher
from mabe_tui.runs.actions import manage
from mabe_tui.runs.store import RunEntry
from tests.gate import Gate
from tests.loopback.caller import calling_as
from tests.loopback.conftest import Mabe, MakeRun
from tests.loopback.helpers import assert_complete, follow_to_the_end
from tests.loopback.plane import OTHER_TOKEN
from tests.loopback.server import LoopbackServer
from tests.loopback.trouble import SCENES, environment, play
from tests.waiting import wait_for

LONG = 100_000
"""Epochs of a run that goes on until it is stopped."""


def under_way(launcher: ModalLauncher, run: RunDir, gate: Gate | None = None) -> RunDir:
    """Launch a run that the gate holds after its first epoch, and wait until that is here."""
    if gate is not None:
        gate.hold_after(1)
    launcher.launch(run)
    with launcher.following(run):
        wait_for(lambda: bool(run.history().epochs))
    return run


@pytest.mark.parametrize("scene", SCENES)
def test_the_job_runs_on_and_its_events_end_complete(
    scene: str, server: LoopbackServer, home: Path, mabe: Mabe
) -> None:
    said = list[str]()
    with environment(server, home):
        play(scene, server, home, said.append)
    told = "\n".join(said)
    assert "lost" not in told
    assert ("unknown" in told) is (scene != "another environment")
    assert ("you are in" in told) is scene.startswith("another")
    assert "finished" in said[-2]
    assert said[-1].endswith("events of 1 call, byte for byte those of the volume")


def test_what_is_no_outcome_is_not_kept_and_holds_up_a_resume(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, gate: Gate
) -> None:
    run = under_way(launcher, make_run(epochs=3), gate)
    for status in (Status.RESOURCE_EXHAUSTED, Status.PERMISSION_DENIED, Status.NOT_FOUND):
        server.faults.refused_outputs = [status] * 1000
        assert launcher.state(run) is RunState.UNKNOWN
        assert unknown.reason_of(run)
        assert read_quiet_ending(run, newest_attempt(run) or "") is None
        with pytest.raises(RunError, match="nothing was started"):
            launcher.resume(run)
        with pytest.raises(RunError, match="nothing was removed"):
            manage.removal_of(RunEntry(run), whole=True)
        assert manage.removal_of(RunEntry(run), whole=True, force=True).paths == (run.path,)
        assert len(server.running()) == 1
        server.faults.refused_outputs = []
        modal_calls.forget_backoff()
        assert launcher.state(run) is RunState.RUNNING
    assert launcher.stop(run, grace=20) is StopOutcome.CLEAN
    assert_complete(run)


def test_a_stop_while_the_state_is_unknown_cancels_and_says_what_is_known(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    mabe: Mabe,
    monkeypatch: pytest.MonkeyPatch,
    gate: Gate,
) -> None:
    monkeypatch.setattr("mabe_tui.launch.modal.ending.KILL_SECONDS", 0.0)
    run = under_way(launcher, make_run(epochs=3), gate)
    server.faults.refused_outputs = [Status.PERMISSION_DENIED] * 1000
    said = mabe("stop", run.id, "--grace", "0").stderr
    assert "asked to stop; whether it has ended cannot be told now" in said
    wait_for(lambda: not server.running())
    server.faults.refused_outputs = server.faults.refused_outputs[:0]
    modal_calls.forget_backoff()
    assert launcher.state(run) is RunState.STOPPED


def test_a_run_that_an_older_version_gave_up_is_found_again(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, mabe: Mabe, gate: Gate
) -> None:
    run = under_way(launcher, make_run(epochs=3), gate)
    given_up = QuietEnding(RunState.LOST, "ResourceExhaustedError: rate limit exceeded")
    write_quiet_ending(run, newest_attempt(run) or "", given_up)
    assert launcher.state(run) is RunState.RUNNING
    assert [row["id"] for row in json.loads(mabe("ps", "--json").stdout)["runs"]] == [run.id]
    (row,) = json.loads(mabe("runs", "--json").stdout)
    assert row["state"] == "running"
    assert launcher.stop(run, grace=20) is StopOutcome.CLEAN


def test_a_newer_start_wins_and_both_can_be_stopped(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun
) -> None:
    """As after a version that started a second container for a run that was alive."""
    run = under_way(launcher, make_run(epochs=LONG, seconds=0.02))
    launcher.launch(run)
    first, second = calls_of(run)
    first_call = server.cloud.calls[first.id]
    with launcher.following(run):
        wait_for(first_call.done.is_set)  # its job found the newer attempt and ended by itself
        wait_for(lambda: has_spoken(run, run.attempts()[-1]))
        assert not server.cloud.calls[second.id].done.is_set()
    pointer = json.loads(
        (server.cloud.volumes.named("mabe-runs") / run.id / "checkpoints/last.json").read_bytes()
    )
    assert launcher.stop(run, grace=20) is StopOutcome.CLEAN
    assert pointer["attempt"] in run.attempts()
    assert len(run.read_handles()) == 2
    wait_for(lambda: not server.running())  # a process ends after its call


def test_of_two_computers_that_resume_one_run_the_newest_claim_wins_and_both_know(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, mabe: Mabe, tmp_path: Path
) -> None:
    mine = under_way(launcher, make_run(epochs=LONG, seconds=0.02))
    assert launcher.stop(mine, grace=20) is StopOutcome.CLEAN
    other = RunDir(shutil.copytree(mine.path, tmp_path / "other" / "runs" / mine.id))
    there, told = RunDir(server.cloud.volumes.named(RUNS_VOLUME) / mine.id), list[Connection]()
    launcher.launch(mine)
    wait_for(lambda: len(there.attempts()) == 2)
    with launcher.following(mine, told.append):
        launcher.launch(other)
        (*_, first), (*_, second) = calls_of(mine), calls_of(other)
        wait_for(server.cloud.calls[first.id].done.is_set)
        wait_for(lambda: call_of(mine) != first and has_spoken(mine, mine.attempts()[-1]))
        newer = "a newer attempt of it was started elsewhere"
        wait_for(lambda: any(newer in each.notice for each in told))
    assert not server.cloud.calls[second.id].done.is_set()
    shown = json.loads(mabe("status", "--json").stdout)
    assert (shown["state"], shown["call_id"]) == ("running", second.id)
    launcher.sync(other)
    assert mine.attempts() == there.attempts()
    assert mine.attempts()[-1] == other.attempts()[-1]
    with pytest.raises(RunError, match="is running already"):
        launcher.resume(mine)
    assert launcher.stop(mine, grace=20) is StopOutcome.CLEAN
    assert server.cloud.calls[second.id].done.is_set()
    launcher.sync(other)
    assert launcher.state(other) is RunState.STOPPED


def test_a_copy_of_a_run_finds_out_that_it_goes_on_elsewhere(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    tmp_path: Path,
    gate: Gate,
) -> None:
    mine = under_way(launcher, make_run(epochs=3), gate)
    assert launcher.stop(mine, grace=20) is StopOutcome.CLEAN
    other = RunDir(shutil.copytree(mine.path, tmp_path / "other" / "runs" / mine.id))
    launcher.resume(mine)
    with launcher.following(mine):
        wait_for(lambda: has_spoken(mine, mine.attempts()[-1]))
    with pytest.raises(RunError, match=r"is (running|queued) already"):
        launcher.resume(other)
    assert len(other.attempts()) == 2
    assert launcher.stop(other, grace=20) in (StopOutcome.CLEAN, StopOutcome.BEFORE_START)


def test_a_resume_ends_the_earlier_call_first(
    server: LoopbackServer,
    launcher: ModalLauncher,
    make_run: MakeRun,
    monkeypatch: pytest.MonkeyPatch,
    gate: Gate,
) -> None:
    """Whatever is believed of the run here: its call goes on, so it is cancelled before another begins."""
    monkeypatch.setattr("mabe_tui.launch.modal.ending.WIND_DOWN_SECONDS", 0.0)
    run = under_way(launcher, make_run(epochs=3), gate)
    lost = QuietEnding(RunState.LOST, "made up", "crashed")
    write_quiet_ending(run, newest_attempt(run) or "", lost)
    assert launcher.state(run) is RunState.LOST
    launcher.resume(run)
    first, _ = calls_of(run)
    assert server.cloud.calls[first.id].done.is_set()
    wait_for(lambda: len(server.running()) == 1)
    assert launcher.stop(run, grace=20) in (StopOutcome.CLEAN, StopOutcome.BEFORE_START)


def test_checkpoints_that_are_gone_from_the_volume_are_not_gone_on_from(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, mabe: Mabe, gate: Gate
) -> None:
    """Though their pointers are here still."""
    run = under_way(launcher, make_run(epochs=2), gate)
    assert launcher.stop(run, grace=20) is StopOutcome.CLEAN
    shutil.rmtree(server.cloud.volumes.named(RUNS_VOLUME) / run.id)
    assert run.read_pointer("last") is not None
    with pytest.raises(RunError, match=r"checkpoints of .* were removed"):
        mabe("resume", "-d", run.id)
    assert len(run.attempts()) == 1
    gate.open()
    said = mabe("resume", "-d", run.id, "--from-scratch").stderr
    assert "were removed where it ran: it starts again" in said
    assert follow_to_the_end(launcher, run) is RunState.FINISHED


def test_another_workspace_is_named_and_changes_nothing(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, mabe: Mabe, gate: Gate
) -> None:
    run = under_way(launcher, make_run(epochs=3), gate)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with calling_as(OTHER_TOKEN):
        words = (
            f"run {run.id} is in workspace loopback, environment main; you are in workspace other"
        )
        shown = json.loads(mabe("status", "--json").stdout)
        assert shown["state"] == "unknown"
        assert words in shown["problem"]
        for command in ("resume", "pull", "sync", "rm --all --yes"):
            with pytest.raises(RunError) as refused:
                mabe(*command.split(), run.id) if command != "rm --all --yes" else mabe(
                    "rm", "--all", "--yes", run.id
                )
            assert words in str(refused.value)
        assert words in mabe("stop", run.id).stderr
        assert words in mabe("logs", run.id).stderr
        with pytest.raises(ElsewhereError):
            mabe("logs", "-f", run.id)
    after = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert {p: c for p, c in after.items() if not p.name.endswith(".lock")} == {
        p: c for p, c in before.items() if not p.name.endswith(".lock")
    }
    assert not any("other" in name for name in server.cloud.volumes.ids)
    assert launcher.stop(run, grace=20) is StopOutcome.CLEAN


def test_another_environment_of_the_workspace_is_read_and_not_started_in(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, mabe: Mabe, gate: Gate
) -> None:
    gate.open()
    run = make_run(epochs=1)
    launcher.launch(run)
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    stopped = under_way(launcher, make_run(epochs=3), gate)
    with calling_as(environment="dev"):
        assert mabe("pull", run.id, "last").exit_code == 0
        assert launcher.state(stopped) is RunState.RUNNING
        assert launcher.stop(stopped, grace=20) is StopOutcome.CLEAN
        with pytest.raises(
            RunError, match=r"you are in workspace loopback, environment dev; MODAL_E"
        ):
            mabe("resume", "-d", stopped.id)
        assert mabe("data", "ls", "--json").stdout == "[]\n"
    assert not any("dev" in name for name in server.cloud.volumes.ids)
    assert len(calls_of(stopped)) == 1


def test_status_says_where_a_run_is(
    server: LoopbackServer, launcher: ModalLauncher, make_run: MakeRun, mabe: Mabe
) -> None:
    run = make_run(epochs=1)
    handle = launcher.launch(run)
    assert follow_to_the_end(launcher, run) is RunState.FINISHED
    url = f"https://modal.com/apps/loopback/main/{handle.reference['app_id']}"
    shown = mabe("status").stdout
    assert f"workspace    loopback\nenvironment  main\napp page     {url}" in shown
    row = json.loads(mabe("status", "--json").stdout)
    assert (row["workspace"], row["environment"], row["app_url"]) == ("loopback", "main", url)
    # A handle of an older version names no place, and is read as before.
    old = {name: handle.reference[name] for name in ("app_id", "call_id", "app_name")}
    run.write_handle(Handle(launcher="modal", attempt=handle.attempt, reference=old))
    shown_old = json.loads(mabe("status", "--json").stdout)
    assert (shown_old["state"], shown_old["call_id"]) == ("finished", old["call_id"])
    assert "app_url" not in shown_old
    assert msgspec.structs.asdict(calls_of(run)[0].place) == {
        "server": "", "workspace": "", "environment": "",
    }  # fmt: skip
