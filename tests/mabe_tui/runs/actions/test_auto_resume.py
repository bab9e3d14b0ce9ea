"""When a followed run is resumed automatically."""

from pathlib import Path

import msgspec
import pytest

from core.errors import RunError
from core.run.records import Handle
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment
from mabe_tui.launch.attempts import QuietEnding, write_quiet_ending
from mabe_tui.launch.launcher import RunState, Say, UnreachableError
from mabe_tui.runs.actions import control
from mabe_tui.runs.actions.auto_resume import AutoResume
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.store import RunEntry


@pytest.fixture
def resumed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names the runs that were resumed; nothing is started."""
    names: list[str] = []

    def resume(entry: RunEntry, say: Say) -> Handle:
        del say
        names.append(entry.id)
        return Handle(launcher="modal", attempt=f"000{len(names) + 1}-abcd", reference={})

    monkeypatch.setattr(control, "resume", resume)
    return names


def entry_of(folder: Path, launcher: str = "modal", imported: bool = False) -> RunEntry:
    request = new_request(BehaviourExperiment(name="v1"), launcher)
    run = RunDir(folder / "runs" / request.run)
    run.write_request(msgspec.structs.replace(request, imported=imported))
    write_quiet_ending(
        run, run.claim_attempt(), QuietEnding(RunState.LOST, "out of memory", "crashed")
    )
    return RunEntry(run)


def test_it_resumes_so_many_times_and_says_so(tmp_path: Path, resumed: list[str]) -> None:
    entry, said = entry_of(tmp_path), list[str]()
    again = AutoResume(entry, 2, said.append)
    assert [again.resume(RunState.LOST) for _ in range(3)] == [True, True, False]
    assert resumed == [entry.id] * 2
    assert f"{entry.id} died (out of memory); resuming it, time 1 of at most 2: this " in said[0]
    assert "its limits count all attempts" in said[1]


@pytest.mark.parametrize("state", [*RunState])
def test_only_what_nobody_meant_to_end_is_resumed(
    tmp_path: Path, resumed: list[str], state: RunState
) -> None:
    goes_on = AutoResume(entry_of(tmp_path), 1, lambda _: None).resume(state)
    assert goes_on == (state in (RunState.LOST, RunState.PREEMPTED))
    assert bool(resumed) == goes_on


def test_neither_an_interrupted_job_here_nor_an_imported_log(
    tmp_path: Path, resumed: list[str]
) -> None:
    here = AutoResume(entry_of(tmp_path, "local"), 1, lambda _: None)
    assert not here.resume(RunState.PREEMPTED)
    assert here.resume(RunState.LOST)
    imported = AutoResume(entry_of(tmp_path, imported=True), 1, lambda _: None)
    assert not imported.resume(RunState.LOST)
    assert len(resumed) == 1


def test_a_resume_that_is_refused_is_said_and_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Handle:
        raise RunError("its budget is used up")

    monkeypatch.setattr(control, "resume", refuse)
    entry, said = entry_of(tmp_path), list[str]()
    assert not AutoResume(entry, 3, said.append).resume(RunState.LOST)
    assert said[-1] == f"{entry.id} was not resumed: its budget is used up"


def test_a_resume_without_an_answer_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [UnreachableError("away"), UnreachableError("away"), None]

    def resume(entry: RunEntry, **_: object) -> Handle:
        if (answer := answers.pop(0)) is not None:
            raise answer
        return Handle(launcher="modal", attempt="0002-abcd", reference={})

    monkeypatch.setattr(control, "resume", resume)
    monkeypatch.setattr("mabe_tui.runs.actions.auto_resume.PAUSES", (0.0, 0.0, 0.0))
    entry, said = entry_of(tmp_path), list[str]()
    assert AutoResume(entry, 1, said.append).resume(RunState.LOST)
    assert answers == []
    assert said.count("away; trying again") == 1
