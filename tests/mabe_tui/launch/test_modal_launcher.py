"""Run states as reported by the Modal launcher, without Modal."""

import pytest

from core.errors import RunError
from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.launch.attempts import read_quiet_ending
from mabe_tui.launch.launcher import RunState, UnreachableError
from mabe_tui.launch.launching import is_being_launched, launching
from mabe_tui.launch.modal import apps, calls, ending, follow, lookup
from mabe_tui.launch.modal.calls import CallOutcome, CallState
from mabe_tui.launch.modal.handle import NAME, Call, reference_of
from mabe_tui.launch.modal_launcher import ModalLauncher


@pytest.fixture
def silent(make_run, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """A run whose call has returned, and of which nothing was heard."""
    run: RunDir = make_run()
    reference = reference_of(Call(id="fc-x", app_id="ap-x"))
    run.write_handle(Handle(launcher=NAME, attempt=run.claim_attempt(), reference=reference))
    monkeypatch.setattr(lookup, "state_of_call", lambda *_: CallState(CallOutcome.RETURNED))
    monkeypatch.setattr(follow, "catch_up", lambda *_: True)
    monkeypatch.setattr(apps, "stop_if_over", lambda _: True)
    return run


def test_no_answer_about_what_a_call_returned_is_not_taken_for_an_end(
    silent: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> str:
        raise UnreachableError("Modal is asked too often")

    monkeypatch.setattr(calls, "returned", refuse)
    assert ModalLauncher().state(silent) is RunState.UNKNOWN
    assert read_quiet_ending(silent, silent.attempts()[-1]) is None
    monkeypatch.setattr(calls, "returned", lambda _: "finished")
    assert ModalLauncher().state(silent) is RunState.FINISHED


def test_a_call_that_returned_without_a_word_is_lost(
    silent: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "returned", lambda _: "")
    assert ModalLauncher().state(silent) is RunState.LOST


def test_a_run_whose_image_is_being_built_is_queued_however_long_that_takes(
    make_run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mabe_tui.launch.modal_launcher.LAUNCH_SECONDS", 0.0)
    run = make_run()
    with launching([run]):
        assert ModalLauncher().state(run) is RunState.QUEUED
        with pytest.raises(RunError, match="is being started"):
            ending.stop(run, RunState.QUEUED, 0.0)
        with pytest.raises(RunError, match="is queued"):
            ModalLauncher().resume(run)
    assert ModalLauncher().state(run) is RunState.LOST


def test_one_command_at_a_time_starts_a_run(make_run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mabe_tui.launch.launching.SECONDS", 0.0)
    run = make_run()
    assert not is_being_launched(run)
    with launching([run]):
        assert is_being_launched(run)
        with pytest.raises(RunError, match="by another command"), launching([run]):
            pass
    assert not is_being_launched(run)
