"""Queued local runs with limited concurrency and nobody watching."""

import os
import signal
from collections.abc import Callable

from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState, StopOutcome
from mabe_tui.launch.local_launcher import LocalLauncher
from tests.waiting import LONG, wait_for

MakeRun = Callable[..., RunDir]
QUEUED, RUNNING = RunState.QUEUED, RunState.RUNNING


def reach(launcher: LocalLauncher, runs: list[RunDir], *wanted: RunState) -> None:
    wait_for(
        lambda: [launcher.state(run) for run in runs] == [*wanted],
        problem=lambda: str([launcher.state(run) for run in runs]),
    )


def pid_of(run: RunDir) -> int:
    handle = run.read_handle()
    assert handle is not None
    return int(handle.reference["pid"])


def test_one_at_a_time_unless_told_otherwise(launcher: LocalLauncher, make_run: MakeRun) -> None:
    runs = [make_run(then="wait") for _ in range(3)]
    launcher.launch_all(runs)
    pids = [pid_of(run) for run in runs]
    reach(launcher, runs, RUNNING, QUEUED, QUEUED)
    launcher.stop(runs[0], LONG)
    reach(launcher, runs, RunState.STOPPED, RUNNING, QUEUED)
    os.kill(pids[1], signal.SIGKILL)  # who dies without a word gives up its place as well
    reach(launcher, runs, RunState.STOPPED, RunState.LOST, RUNNING)
    assert [pid_of(run) for run in runs] == pids
    launcher.stop(runs[2], LONG)


def test_so_many_at_a_time_in_order(launcher: LocalLauncher, make_run: MakeRun) -> None:
    runs = [make_run(then="wait") for _ in range(4)]
    launcher.launch_all(runs, parallel=2)
    reach(launcher, runs, RUNNING, RUNNING, QUEUED, QUEUED)
    launcher.stop(runs[1], LONG)
    reach(launcher, runs, RUNNING, RunState.STOPPED, RUNNING, QUEUED)
    for run in (runs[3], runs[0], runs[2]):
        launcher.stop(run, LONG)


def test_one_that_waits_can_be_stopped_and_resumed(
    launcher: LocalLauncher, make_run: MakeRun
) -> None:
    runs = [make_run(then="wait") for _ in range(2)]
    launcher.launch_all(runs)
    reach(launcher, runs, RUNNING, QUEUED)
    assert launcher.stop(runs[1], LONG) is StopOutcome.BEFORE_START
    reach(launcher, runs, RUNNING, RunState.STOPPED)
    launcher.resume(runs[1])
    reach(launcher, runs, RUNNING, RUNNING)
    for run in runs:
        launcher.stop(run, LONG)


def test_those_that_wait_are_no_foreign_jobs(launcher: LocalLauncher, make_run: MakeRun) -> None:
    runs = [make_run(then="wait") for _ in range(2)]
    launcher.launch_all(runs)
    handles = [handle for run in runs if (handle := run.read_handle()) is not None]
    assert launcher.list_foreign(handles) == []
    assert {job.reference for job in launcher.list_foreign([])} >= {
        f"pid {pid_of(run)}" for run in runs
    }
    for run in reversed(runs):
        launcher.stop(run, LONG)
