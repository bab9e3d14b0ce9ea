"""Fixtures for the command line with fake jobs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from core.run.rundir import RunDir
from mabe_tui.launch import local_launcher
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from tests.command_line import mabe, on_terminal
from tests.waiting import wait_for

FAKE_JOB = Path(__file__).resolve().parents[1] / "fake_job.py"
Mabe = Callable[..., Result]


@pytest.fixture
def invoke(
    home: Path, launcher: LocalLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Mabe:
    """Run a command in this process; user errors are raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MABE_HOME", str(home))
    monkeypatch.delenv("MABE_REGISTRY", raising=False)
    monkeypatch.setattr(local_launcher, "JOB_COMMAND", launcher._command)
    return mabe


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Direct the output of commands to a terminal of 80 columns."""
    on_terminal(monkeypatch, 80)


@pytest.fixture
def finished(launcher: LocalLauncher, make_run: Callable[..., RunDir]) -> RunDir:
    """A finished run of three epochs."""
    run = make_run(epochs=3)
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) is RunState.FINISHED)
    return run
