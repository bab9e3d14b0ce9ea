"""``mabe runs --watch``: a line for each change of state."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from core.run.events import Failed
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.cli.listing.runs_view import Listing, Narrowed
from mabe_tui.cli.listing.watch import _print_changes, change_line, changes
from mabe_tui.cli.session import Session
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.view_state import SavedView
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record
from tests.waiting import LONG, wait_for

NOW = dt.datetime(2026, 11, 21, 12, 30, 5, tzinfo=dt.UTC)


def test_first_what_goes_on_then_what_changes(home: Path) -> None:
    over = record(home, BehaviourExperiment(name="v1"), ending=Failed)
    (summary,) = Catalog(RunStore(home)).summaries()
    alive = msgspec.structs.replace(summary, id="v1-alive", state=RunState.RUNNING)
    assert [c.run.id for c in changes(None, [alive, summary], NOW)] == ["v1-alive"]
    before = {over.id: RunState.RUNNING}
    found = changes(before, [alive, summary], NOW)
    assert [(c.before, c.run.state) for c in found] == [
        (None, RunState.RUNNING),
        (RunState.RUNNING, RunState.FAILED),
    ]
    line = change_line(found[1])
    assert line.endswith(f"{over.id}  running → failed  epoch 3/100  best 0.3000  out of memory")
    assert changes({over.id: RunState.FAILED}, [summary], NOW) == []


class AfterTwoLooks(threading.Event):
    """Between the looks, something happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = [happens]

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        if self._happens:
            self._happens.pop()()
        else:
            self.set()
        return self.is_set()


def test_how_a_run_ends_is_told_though_only_running_ones_are_listed(
    home: Path,
    launcher: LocalLauncher,
    make_run: Callable[..., RunDir],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MABE_HOME", str(home))
    run = make_run(then="wait")
    launcher.launch(run)
    wait_for(lambda: len(run.history().epochs) == 2)
    running = Listing(Session(), SavedView(), Narrowed(frozenset({RunState.RUNNING})))
    _print_changes(running, AfterTwoLooks(lambda: launcher.stop(run, 30)), [], False)
    first, last = capsys.readouterr().out.splitlines()
    assert f"{run.id}  running  epoch 2" in first
    assert f"{run.id}  running → stopped" in last


@pytest.fixture
def watching(home: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start ``mabe runs --watch`` away from any terminal."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = "from mabe_tui.cli.main import run; run()"
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", command, "runs", "--watch", *arguments],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
                env=os.environ | {"MABE_HOME": str(home), "MABE_STATE": str(tmp_path / "state")},
            )
        )  # fmt: skip
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


def test_a_run_is_watched_to_its_end(
    watching: Callable[..., "subprocess.Popen[str]"],
    launcher: LocalLauncher,
    make_run: Callable[..., RunDir],
) -> None:
    run = make_run(then="wait")
    launcher.launch(run)
    wait_for(lambda: len(run.history().epochs) == 2)
    words, data = watching(), watching("--json")
    assert words.stdout is not None
    assert data.stdout is not None
    assert f"{run.id}  running  epoch 2/100" in words.stdout.readline()
    assert json.loads(data.stdout.readline())["before"] is None
    launcher.stop(run, 30)
    while "stopped" not in (line := words.stdout.readline()):
        assert "stopping" in line
    last = json.loads(data.stdout.readline())
    while last["run"]["state"] != "stopped":
        last = json.loads(data.stdout.readline())
    assert last["run"]["id"] == run.id
    words.send_signal(signal.SIGINT)
    assert words.wait(LONG) == 0
