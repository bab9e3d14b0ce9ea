"""Handling of calls that Modal does not find, without Modal."""

import os
import time
from collections.abc import Callable

import pytest

from core.run.records import Handle
from core.run.rundir import RunDir
from mabe_tui.launch.launcher import UnreachableError
from mabe_tui.launch.modal import lookup
from mabe_tui.launch.modal.calls import CallOutcome, UnknownCallError
from mabe_tui.launch.modal.handle import NAME, Call, Place, call_of, calls_of, reference_of
from mabe_tui.launch.modal.lookup import FORGOTTEN_AFTER_SECONDS, state_of_call

HERE = Place(server="s", workspace="acme", environment="main")
MakeRun = Callable[..., RunDir]
Launched = Callable[[Place], tuple[RunDir, Call]]


@pytest.fixture(autouse=True)
def _nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object) -> None:
        raise UnknownCallError("Modal: not found")

    monkeypatch.setattr(lookup.modal_calls, "state", ask)
    monkeypatch.setattr("mabe_tui.launch.modal.lookup.here", lambda: HERE)
    monkeypatch.setattr("mabe_tui.launch.modal.place.here", lambda: HERE)


@pytest.fixture
def launched(make_run: MakeRun) -> Launched:
    """A run that was launched at a place, two hours ago."""

    def launch(place: Place) -> tuple[RunDir, Call]:
        run = make_run()
        call = Call(id="fc-x", app_id="ap-x", app_name="mabe", place=place)
        attempt = run.claim_attempt()
        run.write_handle(Handle(launcher=NAME, attempt=attempt, reference=reference_of(call)))
        then = time.time() - 2 * FORGOTTEN_AFTER_SECONDS
        for path in (run.attempt_folder(attempt), run.path / "handle.toml"):
            os.utime(path, (then, then))
        assert call_of(run) == call
        return run, call

    return launch


def app(monkeypatch: pytest.MonkeyPatch, is_over: bool | None) -> None:
    monkeypatch.setattr(lookup.modal_calls, "app_is_over", lambda _: is_over)


@pytest.mark.parametrize("is_over", [True, None])
def test_a_call_is_forgotten_where_its_app_is_gone_too(
    is_over: bool | None, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    app(monkeypatch, is_over)
    assert state_of_call(*launched(HERE)).outcome is CallOutcome.FORGOTTEN


def test_not_while_its_app_is_alive(launched: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    app(monkeypatch, False)
    with pytest.raises(UnreachableError, match="its app ap-x is alive"):
        state_of_call(*launched(HERE))


def test_not_within_an_hour_of_its_last_word(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    app(monkeypatch, None)
    run, call = launched(HERE)
    run.events_path(run.attempts()[-1]).write_text("")
    with pytest.raises(UnreachableError, match="within the hour"):
        state_of_call(run, call)


@pytest.mark.parametrize(
    "place",
    [
        Place(server="s", workspace="other", environment="main"),
        Place(server="s", workspace="acme", environment="dev"),
        Place(server="another", workspace="acme", environment="main"),
    ],
)
def test_not_from_another_place(
    place: Place, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    app(monkeypatch, None)
    run, call = launched(place)
    with pytest.raises(UnreachableError) as refused:
        state_of_call(run, call)
    assert f"run {run.id} is in workspace {place.workspace}, environment" in str(refused.value)
    assert "you are in workspace acme, environment main" in str(refused.value)


def test_a_handle_without_a_place_is_believed_only_where_its_app_is_found(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    app(monkeypatch, None)
    run, call = launched(Place())
    with pytest.raises(UnreachableError, match="an older mabe did not note where") as refused:
        state_of_call(run, call)
    assert "`modal profile activate NAME`" in str(refused.value)
    assert f"`mabe rm --force {run.id}`" in str(refused.value)
    app(monkeypatch, True)
    assert state_of_call(run, call).outcome is CallOutcome.FORGOTTEN


def test_calls_of_all_starts_are_known_oldest_first(launched: Launched) -> None:
    run, first = launched(HERE)
    second = Call(id="fc-y", app_id="ap-y", app_name="mabe", place=HERE)
    attempt = run.claim_attempt()
    run.write_handle(Handle(launcher=NAME, attempt=attempt, reference=reference_of(second)))
    assert calls_of(run) == [first, second]
    assert first.app_url == "https://modal.com/apps/acme/main/ap-x"


def test_an_old_call_is_forgotten_though_a_later_one_spoke_lately(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a run longer than Modal keeps calls could not be resumed for an hour."""
    app(monkeypatch, None)
    run, first = launched(HERE)
    second = Call(id="fc-y", app_id="ap-y", place=HERE)
    attempt = run.claim_attempt()
    run.write_handle(Handle(launcher=NAME, attempt=attempt, reference=reference_of(second)))
    run.events_path(attempt).write_text("")
    assert state_of_call(run, first).outcome is CallOutcome.FORGOTTEN
    with pytest.raises(UnreachableError, match="within the hour"):
        state_of_call(run, second)
