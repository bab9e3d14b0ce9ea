"""Stopping, resuming and fetching, as shared by all front ends."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from core.errors import ConfigError, DataError, RunError
from core.run.limits import Limits
from core.run.rundir import RunDir
from mabe_tui.launch import local_launcher
from mabe_tui.launch.launcher import RunState, StopOutcome
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.runs.actions import control
from mabe_tui.runs.store import RunEntry
from tests.mabe_tui.tiny_run import synthetic_folder
from tests.waiting import wait_for

MakeRun = Callable[..., RunDir]


@pytest.fixture
def waiting(
    launcher: LocalLauncher, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> RunEntry:
    """A run that is under way until it is told to stop."""
    monkeypatch.setattr(local_launcher, "JOB_COMMAND", launcher._command)
    run = make_run(epochs=1, then="wait")
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) is RunState.RUNNING)
    return RunEntry(run)


def test_stop_and_go_on_with_other_limits(waiting: RunEntry, launcher: LocalLauncher) -> None:
    with pytest.raises(RunError, match="is running already; `mabe logs -f"):
        control.before_resume(waiting)
    assert control.stop(waiting) is StopOutcome.CLEAN
    assert control.stop(waiting) is StopOutcome.ENDED
    (waiting.run.path / "fake.json").write_text(json.dumps({"epochs": 2}))
    control.before_resume(waiting)
    handle = control.resume(waiting, seconds=600.0)
    assert handle.attempt == waiting.run.attempts()[-1]
    assert len(waiting.run.attempts()) == 2
    assert waiting.run.read_request().limits == Limits(seconds=600.0)
    wait_for(lambda: launcher.state(waiting.run) is RunState.FINISHED)


def test_nothing_starts_again_without_being_asked_to_once_its_checkpoints_are_gone(
    waiting: RunEntry, launcher: LocalLauncher
) -> None:
    control.stop(waiting)
    control.require_checkpoints(waiting)
    shutil.rmtree(waiting.run.checkpoints)
    (waiting.run.path / "fake.json").write_text(json.dumps({"epochs": 1}))
    with pytest.raises(RunError, match=r"were removed, .* `mabe resume v1-.* --from-scratch`"):
        control.resume(waiting)
    assert len(waiting.run.attempts()) == 1
    assert any("from the beginning" in change for change in control.before_resume(waiting))
    control.resume(waiting, from_scratch=True)
    wait_for(lambda: launcher.state(waiting.run) is RunState.FINISHED)


def test_data_that_were_moved_are_named(
    waiting: RunEntry, launcher: LocalLauncher, tmp_path: Path
) -> None:
    control.stop(waiting)
    run = waiting.run
    with pytest.raises(ConfigError, match=f"--data: {run.id} makes its own data"):
        control.before_resume(RunEntry(run), tmp_path)
    run.write_request(msgspec.structs.replace(run.read_request(), data=str(tmp_path / "gone")))
    with pytest.raises(DataError, match=rf"{tmp_path / 'gone'}.*--data DIR"):
        control.before_resume(RunEntry(run))
    data = synthetic_folder(tmp_path / "mice")
    (run.path / "fake.json").write_text(json.dumps({"epochs": 1}))
    control.before_resume(RunEntry(run), data)
    control.resume(RunEntry(run), data=data)
    assert run.read_request().data == str(data)
    assert len(run.attempts()) == 2
    wait_for(lambda: launcher.state(run) is RunState.FINISHED)


def test_there_is_nothing_to_go_on_with_in_an_imported_run(recorded_run: RunEntry) -> None:
    run = recorded_run.run
    run.write_request(msgspec.structs.replace(run.read_request(), imported=True))
    for go_on in (control.before_resume, control.resume):
        with pytest.raises(RunError, match=rf"{run.id} was imported .* `mabe run v5` starts a run"):
            go_on(RunEntry(run))
    assert len(run.attempts()) == 1


def test_fetching_from_this_computer_names_the_files(recorded_run: RunEntry) -> None:
    (best,) = control.pull(recorded_run)
    pointer = recorded_run.run.read_pointer("best")
    assert pointer is not None
    assert best == recorded_run.run.checkpoints / pointer.file
    assert best.exists()
    everything = control.pull(recorded_run, "all")
    assert len(everything) == len(set(everything))
    with pytest.raises(RunError, match="has no checkpoint 'epoch-99'; there is last, best, all"):
        control.pull(recorded_run, "epoch-99")


@pytest.fixture
def recorded_run(home: Path) -> RunEntry:
    """A finished run with checkpoints."""
    from tests.recorded import Recording, write

    return RunEntry(write(home, Recording(version="v5", name="bb42", epochs=6)))
