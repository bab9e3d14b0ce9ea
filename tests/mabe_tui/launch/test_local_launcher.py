"""The life cycle of a local run, with a fake job."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import RunError, UserError
from core.run.events import Stopped
from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.launch import local_launcher, process
from mabe_tui.launch.launcher import RunState, StopOutcome
from mabe_tui.launch.local_launcher import LocalLauncher, job_environment
from tests.waiting import LONG, wait_for

MakeRun = Callable[..., RunDir]


def reach(launcher: LocalLauncher, run: RunDir, *states: RunState) -> RunState:
    wait_for(lambda: launcher.state(run) in states, problem=lambda: launcher.state(run).name)
    return launcher.state(run)


def told(run: RunDir, epochs: int) -> None:
    wait_for(lambda: len(run.history().epochs) == epochs)


def pid_of(run: RunDir) -> int:
    handle = run.read_handle()
    assert handle is not None
    return int(handle.reference["pid"])


@pytest.mark.parametrize(
    ("then", "state"),
    [("finish", RunState.FINISHED), ("fail", RunState.FAILED), ("vanish", RunState.LOST)],
)
def test_state_at_the_end(
    launcher: LocalLauncher, make_run: MakeRun, then: str, state: RunState
) -> None:
    run = make_run(then=then)
    handle = launcher.launch(run)
    assert reach(launcher, run, RunState.FINISHED, RunState.FAILED, RunState.LOST) is state
    assert handle.attempt == run.attempts()[0]
    assert run.read_handle() == handle


def test_queued_until_the_first_event(launcher: LocalLauncher, make_run: MakeRun) -> None:
    run = make_run(then="mute")
    assert launcher.state(run) is RunState.QUEUED
    launcher.launch(run)
    assert launcher.state(run) is RunState.QUEUED
    assert launcher.stop(run, grace=LONG) is StopOutcome.BEFORE_START
    assert launcher.state(run) is RunState.STOPPED


def test_stop_lets_the_job_end_by_itself(launcher: LocalLauncher, make_run: MakeRun) -> None:
    run = make_run(then="wait")
    launcher.launch(run)
    told(run, epochs=2)
    assert launcher.state(run) is RunState.RUNNING
    assert launcher.stop(run, grace=LONG) is StopOutcome.CLEAN
    assert isinstance(run.history().ending, Stopped)
    assert launcher.state(run) is RunState.STOPPED
    assert launcher.stop(run) is StopOutcome.ENDED


def test_stop_kills_a_job_that_does_not_listen(launcher: LocalLauncher, make_run: MakeRun) -> None:
    run = make_run(then="deaf")
    launcher.launch(run)
    told(run, epochs=2)
    assert launcher.stop(run, grace=0.0) is StopOutcome.KILLED
    assert launcher.state(run) is RunState.STOPPED


def test_stopping_while_it_was_asked_to(launcher: LocalLauncher, make_run: MakeRun) -> None:
    run = make_run(then="wait")
    handle = launcher.launch(run)
    told(run, epochs=2)
    run.request_stop(handle.attempt)
    assert launcher.state(run) is RunState.STOPPING


def test_killed_job_is_lost_and_can_be_resumed(launcher: LocalLauncher, make_run: MakeRun) -> None:
    run = make_run(then="wait")
    launcher.launch(run)
    told(run, epochs=2)
    with pytest.raises(RunError, match="is running already; `mabe logs -f"):
        launcher.resume(run)
    os.kill(pid_of(run), signal.SIGKILL)
    assert reach(launcher, run, RunState.LOST) is RunState.LOST
    (run.path / "fake.json").unlink()
    launcher.resume(run)
    assert reach(launcher, run, RunState.FINISHED) is RunState.FINISHED
    assert len(run.attempts()) == 2
    with pytest.raises(RunError, match="is finished"):
        launcher.resume(run)


def test_recycled_process_number_is_no_running_job(
    launcher: LocalLauncher, make_run: MakeRun
) -> None:
    run = make_run(then="vanish")
    handle = launcher.launch(run)
    reach(launcher, run, RunState.LOST)
    me = process.reference_to(os.getpid())
    assert me is not None
    stranger = {"pid": os.getpid(), "create_time": me.create_time - 5}
    run.write_handle(Handle(launcher="local", attempt=handle.attempt, reference=stranger))
    assert launcher.state(run) is RunState.LOST
    assert launcher.stop(run) is StopOutcome.ENDED
    assert not process.send(process.ProcessReference(os.getpid(), 1.0), signal.SIGKILL)


def test_clock_that_was_set_loses_no_run(launcher: LocalLauncher, make_run: MakeRun) -> None:
    run = make_run(then="wait")
    handle = launcher.launch(run)
    told(run, epochs=2)
    moved = handle.reference | {"create_time": float(handle.reference["create_time"]) + 3600}
    run.write_handle(Handle(launcher="local", attempt=handle.attempt, reference=moved))
    assert launcher.state(run) is RunState.RUNNING
    assert launcher.stop(run, grace=LONG) is StopOutcome.CLEAN


LAUNCH_AND_DIE = """
import os, signal, sys
from pathlib import Path
from core.run.rundir import RunDir
from mabe_tui.launch.local_launcher import LocalLauncher
LocalLauncher(sys.argv[2:]).launch(RunDir(Path(sys.argv[1])))
os.killpg(0, signal.{signal})
"""


@pytest.mark.parametrize("number", ["SIGKILL", "SIGHUP"])
def test_job_survives_the_one_who_started_it(
    launcher: LocalLauncher, make_run: MakeRun, number: str
) -> None:
    run = make_run(then="wait")
    command = [sys.executable, "-c", LAUNCH_AND_DIE.format(signal=number), str(run.path)]
    ended = subprocess.run(
        [*command, *launcher._command], start_new_session=True, env=job_environment(), check=False
    )
    assert ended.returncode == -getattr(signal, number)
    told(run, epochs=2)
    assert launcher.state(run) is RunState.RUNNING
    assert os.getsid(pid_of(run)) == pid_of(run)
    assert launcher.stop(run, grace=LONG) is StopOutcome.CLEAN


def test_found_without_a_handle(launcher: LocalLauncher, make_run: MakeRun) -> None:
    run = make_run(then="wait")
    launcher.launch(run)
    told(run, epochs=2)
    (run.path / "handle.toml").unlink()
    assert launcher.state(run) is RunState.RUNNING
    assert launcher.stop(run, grace=LONG) is StopOutcome.CLEAN


def test_claimed_attempt_without_a_handle_is_lost_after_a_while(
    launcher: LocalLauncher, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    run.claim_attempt()
    assert launcher.state(run) is RunState.QUEUED
    monkeypatch.setattr(local_launcher, "LAUNCH_SECONDS", -1.0)
    assert launcher.state(run) is RunState.LOST


def test_lines_go_on_after_the_cursor(launcher: LocalLauncher, make_run: MakeRun) -> None:
    run = make_run(then="vanish")
    for _ in range(2):
        launcher.launch(run)
        reach(launcher, run, RunState.LOST)
    lines = list(launcher.lines(run))
    assert {line.attempt for line in lines} == set(run.attempts())
    assert b"plain words" in b"".join(line.raw for line in lines)
    for number, line in enumerate(lines):
        assert list(launcher.lines(run, after=line.cursor)) == lines[number + 1 :]


def test_fetch_stays_inside_the_run(
    launcher: LocalLauncher, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    launcher.launch(run)
    reach(launcher, run, RunState.FINISHED)
    copy = launcher.fetch(run, "checkpoints/step-0000004.pt", tmp_path)
    assert copy.read_bytes() == b"weights"
    for path in ("../../secret", "checkpoints", "none.pt"):
        with pytest.raises(RunError, match="has no file"):
            launcher.fetch(run, path, tmp_path)


def test_program_that_is_not_there(make_run: MakeRun) -> None:
    with pytest.raises(RunError, match=r"cannot be started: .*No such file"):
        LocalLauncher(["/nonexistent/python"]).launch(make_run())


def test_no_job_is_left_that_nobody_could_reach(
    launcher: LocalLauncher, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise UserError("no space left")

    run = make_run(then="wait")
    monkeypatch.setattr(RunDir, "write_handle", full_disk)
    with pytest.raises(UserError, match="no space left"):
        launcher.launch(run)
    wait_for(lambda: not any(run.id in job.description for job in launcher.list_foreign([])))


def test_a_resume_that_cannot_start_leaves_the_run_as_it_was(
    launcher: LocalLauncher, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise UserError("no space left")

    run = make_run(then="fail")
    launcher.launch(run)
    reach(launcher, run, RunState.FAILED)
    monkeypatch.setattr(RunDir, "write_handle", full_disk)
    with pytest.raises(UserError, match="no space left"):
        launcher.resume(run)
    assert launcher.state(run) is RunState.FAILED
    assert len(run.attempts()) == 1


def test_foreign_jobs_are_those_of_no_known_handle(
    launcher: LocalLauncher, make_run: MakeRun
) -> None:
    run = make_run(then="wait")
    handle = launcher.launch(run)
    told(run, epochs=2)

    def mentions_run(known: list[Handle]) -> bool:
        return any(run.id in job.description for job in launcher.list_foreign(known))

    assert mentions_run([])
    assert not mentions_run([handle])


def test_environment_carries_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODAL_TOKEN_SECRET", "KAGGLE_KEY", "OPENAI_API_KEY", "DB_PASSWORD"):
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    environment = job_environment()
    assert "s3cret" not in environment.values()
    assert environment["OMP_NUM_THREADS"] == "1"
