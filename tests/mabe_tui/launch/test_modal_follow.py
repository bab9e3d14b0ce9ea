"""Following a Modal run, without Modal."""

import errno
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import modal.exception
import pytest
import tomli_w

from core.errors import RunError
from core.run.records import Handle
from core.run.rundir import RunDir
from core.system.files import check_writable
from mabe_tui.launch.launcher import Connection, UnreachableError
from mabe_tui.launch.modal import follow
from mabe_tui.launch.modal.calls import CallOutcome, CallState
from mabe_tui.launch.modal.client import ModalError, _probe_socket, is_our_bug
from mabe_tui.launch.modal.follow import Follower
from mabe_tui.launch.modal.handle import NAME, Call, reference_of


@pytest.mark.parametrize(
    ("error", "is_asked_again"),
    [
        (modal.exception.ResourceExhaustedError("rate limit exceeded"), True),
        (modal.exception.PermissionDeniedError("no"), True),
        (modal.exception.AuthError("expired"), True),
        (ModalError("Modal: refused"), True),
        (UnreachableError("away"), True),
        (ConnectionResetError("cut"), True),
        (KeyError("a bug of the client"), True),
        (RunError("event 3 came twice, differently"), False),
        (OSError(errno.ENOSPC, "No space left on device"), False),
    ],
)
def test_only_trouble_with_the_mirror_ends_following(
    error: Exception, is_asked_again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, tries = list[Connection](), list[int]()
    follower = Follower(RunDir(tmp_path), "fc-x", told.append)

    def stream(_: object) -> bool:
        tries.append(1)
        if len(tries) == 2:
            follower._leave.set()
        raise error

    monkeypatch.setattr(follower, "_stream", stream)
    monkeypatch.setattr(follow, "FIRST_PAUSE", 0.0)
    follower._work()
    assert len(tries) == (2 if is_asked_again else 1)
    assert (follower.problem is None) is is_asked_again
    assert [each.retry_at for each in told] == ([] if is_asked_again else [None])


def test_an_error_of_our_own_is_not_tried_again_for_ever(
    make_run: Callable[[], RunDir],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run, told = make_run(), list[Connection]()
    monkeypatch.setattr(follow.modal_client, "require", lambda: None)
    monkeypatch.setattr(follow, "StreamReader", partial(follow.StreamReader, "one", "too", "many"))
    monkeypatch.setenv("MABE_DEBUG", "1")
    follower = Follower(run, "fc-x", told.append)
    follower._work()
    assert [each.retry_at for each in told] == [None]
    said = str(follower.problem)
    assert said.startswith("an error of mabe itself (TypeError: ")
    assert f"follow.py:{said.partition('follow.py:')[2].partition(')')[0]}" in said
    assert f"`mabe sync {run.id}`" in said
    assert "Traceback (most recent call last)" in capfd.readouterr().err


def test_whose_error_it_is_depends_on_who_raised_it() -> None:
    def caught(code: Callable[[], object]) -> Exception:
        try:
            code()
        except Exception as error:
            return error
        raise AssertionError("nothing was raised")

    assert is_our_bug(caught(lambda: check_writable(5)))  # type: ignore[arg-type]
    assert is_our_bug(caught(lambda: _probe_socket(5)))  # type: ignore[arg-type]  # raised in urllib
    assert not is_our_bug(caught(lambda: tomli_w.dumps({1: object()})))  # type: ignore[dict-item]
    assert not is_our_bug(caught(lambda: modal.App(5)))  # type: ignore[arg-type]
    assert not is_our_bug(caught(lambda: Path("/nowhere/at/all").read_text()))


def test_pauses_grow_to_the_longest_and_stay_there_for_days(tmp_path: Path) -> None:
    told = list[Connection]()
    follower = Follower(RunDir(tmp_path), "fc-x", told.append)
    follower._leave.set()  # so that no pause is waited for
    for _ in range(5000):
        follower._pause(ConnectionError("refused"))
    assert len(told) == 4999  # one cut is nothing unusual
    last = told[-1].retry_at
    assert last is not None
    assert last - time.monotonic() <= follow.LONGEST_PAUSE
    assert "refused" in told[-1].problem


def test_a_run_that_is_over_is_let_go_though_its_log_is_refused(
    make_run: Callable[[], RunDir], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the follower keeps the mirror, and all wait for its end forever."""
    run, told, synced = make_run(), list[Connection](), list[bool]()
    reference = reference_of(Call(id="fc-x", app_id="ap-x"))
    run.write_handle(Handle(launcher=NAME, attempt=run.claim_attempt(), reference=reference))
    follower = Follower(run, "fc-x", told.append)
    outcomes = [CallOutcome.RUNNING, CallOutcome.FORGOTTEN]

    def refuse(_: object) -> bool:
        raise modal.exception.PermissionDeniedError("no logs for you")

    monkeypatch.setattr(follower, "_stream", refuse)
    monkeypatch.setattr(follow, "state_of_call", lambda *_: CallState(outcomes.pop(0)))
    monkeypatch.setattr(follow.modal_volume, "sync_into", lambda *_, **__: synced.append(True))
    monkeypatch.setattr(follow.modal_apps, "stop_if_over", lambda *_, **__: True)
    monkeypatch.setattr(follow, "FIRST_PAUSE", 0.0)
    follower._work()
    assert synced == [True]
    assert outcomes == []
    assert follower.problem is None
