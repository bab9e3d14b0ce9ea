"""Downloads inside Modal, without Modal: how they end, and the end of their app."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import modal.exception
import msgspec
import pytest

from core.errors import DataError, RunError
from mabe_tui.launch import modal_data_app
from mabe_tui.launch.data_messages import (
    DownloadFailed,
    DownloadProgress,
    DownloadReady,
    DownloadRequest,
    StartedCall,
    Status,
)
from mabe_tui.launch.launcher import CONNECTED, Connection, UnreachableError
from mabe_tui.launch.modal import apps, download, foreign
from mabe_tui.launch.modal.apps import RunningApp
from mabe_tui.launch.modal.calls import CallOutcome, CallState, UnknownCallError
from mabe_tui.launch.modal.client import ModalError
from mabe_tui.launch.modal.download import Download, conclude, find, follow, start

THERE = Download(name="mice", app_id="ap-x", call_id="fc-x")
APP = RunningApp(id="ap-x", description="mabe-data-mice", created=dt.datetime.now(dt.UTC))
FAILED = DownloadFailed(error="the rules were not accepted")
WORKING = DownloadProgress(done=1, total=2, unit="bytes")
RUNNING, CRASHED = (
    CallState(CallOutcome.RUNNING),
    CallState(CallOutcome.CRASHED, "its container died"),
)
RETURNED = CallState(CallOutcome.RETURNED)
NO_ANSWERS = [
    UnreachableError("Modal is asked too often (rate limit); try again in a minute"),
    UnreachableError("Modal denies access (no)"),
    UnknownCallError("Modal: not found"),
]


def line(word: msgspec.Struct) -> str:
    return msgspec.json.encode(word).decode() + "\n"


class Cloud:
    """Stands in for Modal: a log in several streams, and the states of one call."""

    def __init__(self) -> None:
        self.streams: list[list[str] | Exception] = []
        self.states: list[CallState | Exception] = []
        self.status: Status | None = None
        self.noted: StartedCall | None = StartedCall(app_id="ap-x", call_id="fc-x")
        self.returned = ""
        self.asked, self.stopped = 0, list[str]()
        self.stop_error: Exception | None = None

    def read(self, _: str, __: bool, show: Callable[..., None], idle: float | None) -> None:
        assert idle is not None  # else a stream might last for ever
        stream = self.streams.pop(0)
        if isinstance(stream, Exception):
            raise stream
        for piece in stream:
            show(piece, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "ta-x/1")

    def state(self, _: str, __: float = 0.0) -> CallState:
        self.asked += 1
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state

    def stop(self, _: object) -> None:
        if self.stop_error is not None:
            raise self.stop_error
        self.stopped.append("ap-x")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    cloud = Cloud()
    monkeypatch.setattr(foreign, "PAUSES", (0.0,))
    monkeypatch.setattr(foreign, "REOPEN_SECONDS", 0.0)
    monkeypatch.setattr(foreign, "_read_call", cloud.read)
    monkeypatch.setattr(foreign.modal_client, "require", lambda: None)
    monkeypatch.setattr(download.modal_calls, "state", cloud.state)
    monkeypatch.setattr(download.modal_calls, "returned", lambda _: cloud.returned)
    monkeypatch.setattr(download, "read_status", lambda _: cloud.status)
    monkeypatch.setattr(download, "read_call", lambda _: cloud.noted)
    monkeypatch.setattr(apps, "ask", cloud.stop)
    monkeypatch.setattr(apps, "_reported", set())
    return cloud


def followed(
    said: list[str], told: list[Connection] | None = None
) -> DownloadReady | DownloadFailed:
    told = [] if told is None else told
    return follow(THERE, lambda *_: None, said.append, told.append)


@pytest.mark.parametrize("error", NO_ANSWERS)
def test_an_error_in_asking_for_the_call_is_not_its_outcome(cloud: Cloud, error: Exception) -> None:
    cloud.streams = [[line(WORKING)], [line(WORKING)], [line(WORKING), line(FAILED)]]
    cloud.states = [error, RUNNING]
    assert followed([]) == FAILED
    assert cloud.asked == 2
    assert cloud.streams == []


def test_a_refusal_of_the_log_is_told_and_asked_again(cloud: Cloud) -> None:
    refused = modal.exception.PermissionDeniedError("no")
    cloud.streams = [refused, refused, modal.exception.NotFoundError("gone"), [line(FAILED)]]
    cloud.states = [RUNNING]
    told = list[Connection]()
    assert followed([], told) == FAILED
    assert "Modal denies access" in told[0].problem
    assert told[-1] == CONNECTED


def test_a_container_that_dies_in_a_lingering_app_ends_following(cloud: Cloud) -> None:
    cloud.streams, cloud.states = [[line(WORKING)]], [CRASHED]
    with pytest.raises(RunError, match=r"ended without a word \(its container died\)"):
        followed([])
    assert cloud.stopped == ["ap-x"]


def test_a_log_that_is_refused_ends_with_the_call(cloud: Cloud) -> None:
    cloud.streams, cloud.states = [modal.exception.PermissionDeniedError("no")] * 2, [RETURNED]
    cloud.returned = line(FAILED)
    assert followed([]) == FAILED


def test_a_last_word_that_the_log_lacks_is_the_result_of_the_call(cloud: Cloud) -> None:
    cloud.streams, cloud.states, cloud.returned = [[]], [RETURNED], line(FAILED)
    assert followed([]) == FAILED


def test_or_is_read_from_the_volume(cloud: Cloud) -> None:
    cloud.streams, cloud.states = [[]], [CRASHED]
    cloud.status = Status(competition="mice", ended=FAILED)
    assert followed([]) == FAILED


def test_failed_commits_are_said(cloud: Cloud) -> None:
    cloud.streams = [["mabe: the volume could not be committed (no)\n", line(FAILED)]]
    said = list[str]()
    followed(said)
    assert said == ["the volume could not be committed (no)"]


def test_the_app_is_stopped_once_the_call_is_over(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apps, "POLL_SECONDS", 0.0)
    cloud.states = [RUNNING, RETURNED]
    with pytest.raises(DataError, match="on Modal: the rules"):
        conclude(THERE, FAILED)
    assert cloud.stopped == ["ap-x"]


def test_an_app_that_cannot_be_stopped_is_told_once(cloud: Cloud) -> None:
    cloud.states, cloud.stop_error = [RETURNED], ModalError("Modal denies access (no); ask")
    said = list[str]()
    for _ in range(2):
        download.stop_if_over(THERE, say=said.append)
    (words,) = said
    assert "the download mice: it is over, but its app ap-x could not be stopped" in words


def test_what_lingers_is_not_under_way(cloud: Cloud) -> None:
    cloud.states = [CRASHED]
    assert find("mice", [APP]) is None
    cloud.states, cloud.status = [RETURNED], Status(competition="mice", ended=FAILED)
    assert find("mice", [APP]) is None
    assert cloud.stopped == ["ap-x", "ap-x"]


@pytest.mark.parametrize("error", NO_ANSWERS)
def test_what_is_not_known_is_taken_to_be_under_way(cloud: Cloud, error: Exception) -> None:
    cloud.states = [error]
    found = find("mice", [APP])
    assert found is not None
    assert found.reference == "fc-x"
    assert found.doubt in str(error)
    assert cloud.stopped == []


def test_a_call_of_an_earlier_download_is_not_taken_for_this_ones(cloud: Cloud) -> None:
    cloud.noted = StartedCall(app_id="ap-y", call_id="fc-y")
    found = find("mice", [APP])
    assert found == Download(name="mice", app_id="ap-x")
    assert cloud.asked == 0


ORDER = DownloadRequest(
    name="mice", competition="mice", secret="kaggle-secret", keypoints="mars7", mice=2,
    actions={}, classes=("other",),
)  # fmt: skip
Starting = Callable[[Exception | None, BaseException | None], list[StartedCall]]


@pytest.fixture
def starting(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Starting:
    """Modal takes an app; its call fails with the first error, leaving the app with the second."""

    def prepare(spawn: Exception | None, leave: BaseException | None) -> list[StartedCall]:
        noted = list[StartedCall]()

        @contextmanager
        def run(**_: object) -> Iterator[SimpleNamespace]:
            yield SimpleNamespace(app_id="ap-x")
            if leave is not None:
                raise leave

        def call(_: str) -> SimpleNamespace:
            if spawn is not None:
                raise spawn
            return SimpleNamespace(object_id="fc-x")

        function = SimpleNamespace(with_options=lambda **_: SimpleNamespace(spawn=call))
        monkeypatch.setattr(modal_data_app, "app", SimpleNamespace(run=run))
        monkeypatch.setattr(modal_data_app, "fetch_data", function)
        monkeypatch.setattr(download, "_secret", lambda _: None)
        monkeypatch.setattr(download, "write_call", lambda _, noting: noted.append(noting))
        return noted

    return prepare


def test_the_call_is_noted_for_other_computers(starting: Starting) -> None:
    noted = starting(None, None)
    assert start(ORDER) == THERE
    assert noted == [StartedCall(app_id="ap-x", call_id="fc-x")]


def test_a_call_whose_answer_did_not_come_leaves_no_app(cloud: Cloud, starting: Starting) -> None:
    noted = starting(ConnectionError("cut"), None)
    with pytest.raises(UnreachableError):
        start(ORDER)
    assert cloud.stopped == ["ap-x"]
    assert noted == []


def test_ctrl_c_after_the_start_says_that_it_goes_on(starting: Starting) -> None:
    noted, said = starting(None, KeyboardInterrupt()), list[str]()
    with pytest.raises(KeyboardInterrupt):
        start(ORDER, said.append)
    assert said == [f"the download fc-x was started; {download.GOES_ON}"]
    assert noted == [StartedCall(app_id="ap-x", call_id="fc-x")]
