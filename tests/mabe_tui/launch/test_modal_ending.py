"""Stopping a run whose earlier calls cannot be queried, without Modal."""

from collections.abc import Callable

import pytest

from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import RunState, StopOutcome, UnreachableError
from mabe_tui.launch.modal import ending
from mabe_tui.launch.modal.calls import CallOutcome, CallState
from mabe_tui.launch.modal.handle import NAME, Call, reference_of


@pytest.fixture
def started_twice(make_run: Callable[[], RunDir]) -> RunDir:
    run = make_run()
    for call_id in ("fc-first", "fc-second"):
        reference = reference_of(Call(id=call_id, app_id="ap-x"))
        run.write_handle(Handle(launcher=NAME, attempt=run.claim_attempt(), reference=reference))
    return run


@pytest.fixture
def cancelled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first call is not found; every other is running until it is cancelled."""
    ids = list[str]()

    def ask(_run: RunDir, call: Call, _patience: float = 0.0) -> CallState:
        if call.id == "fc-first":
            raise UnreachableError("Modal does not find its call")
        return CallState(CallOutcome.RUNNING)

    monkeypatch.setattr(ending, "state_of_call", ask)
    monkeypatch.setattr(ending.modal_calls, "cancel", lambda call_id, **_: ids.append(call_id))
    monkeypatch.setattr(ending, "_fetch_final_events", lambda *_: True)
    monkeypatch.setattr(ending.modal_apps, "stop_if_over", lambda _: True)
    return ids


@pytest.mark.parametrize("found", [RunState.RUNNING, RunState.STOPPED])
def test_an_earlier_call_that_cannot_be_reached_is_cancelled_and_named(
    started_twice: RunDir,
    cancelled: list[str],
    monkeypatch: pytest.MonkeyPatch,
    found: RunState,
) -> None:
    monkeypatch.setattr(ending, "_is_over", lambda call: call.id == "fc-second")
    with pytest.raises(UnreachableError, match=r"fc-first of earlier starts .* `mabe stop v1-"):
        ending.stop(started_twice, found, grace=0.0)
    assert "fc-first" in cancelled
    assert ("fc-second" in cancelled) is (found is RunState.RUNNING)


def test_nothing_is_said_of_it_once_it_is_over(
    started_twice: RunDir, cancelled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "_is_over", lambda call: call.id in cancelled)
    assert ending.stop(started_twice, RunState.STOPPED, grace=0.0) is StopOutcome.ENDED
    assert cancelled == ["fc-first"]
