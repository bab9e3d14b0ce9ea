"""Outcomes of function calls on Modal, without Modal."""

from collections.abc import Callable, Iterator

import modal.exception
import pytest
from grpclib import GRPCError, Status
from modal._grpc_client import grpc_error_to_modal_exception
from modal_proto import api_pb2

from mabe_tui.launch.launcher import UnreachableError
from mabe_tui.launch.modal import calls
from mabe_tui.launch.modal.calls import CallOutcome, CallState, UnknownCallError

RESULT = api_pb2.GenericResult
CALL = "fc-x"


class Asked:
    """Stands in for Modal: gives, or raises, one answer a question."""

    def __init__(self, *answers: object) -> None:
        self.answers, self.questions = list(answers), 0

    def __call__(self, _: Callable[[], object], __: float = 0.0) -> object:
        self.questions += 1
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            from mabe_tui.launch.modal.client import _translated

            def fail() -> object:
                raise answer

            return _translated(fail)
        return answer


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    calls.forget_backoff()
    yield
    calls.forget_backoff()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    def answering(*answers: object) -> Asked:
        stand_in = Asked(*answers)
        monkeypatch.setattr(calls, "ask", stand_in)
        return stand_in

    return answering


def refusal(status: Status) -> Exception:
    """Make the exception that the client makes of a status of the server."""
    return grpc_error_to_modal_exception(GRPCError(status, "rate limit exceeded"))


def ended(status: int, exception: str = "") -> api_pb2.FunctionGetOutputsResponse:
    result = RESULT(status=status, exception=exception)  # type: ignore[arg-type] # any number
    output = api_pb2.FunctionGetOutputsItem(result=result)
    return api_pb2.FunctionGetOutputsResponse(outputs=[output])


RUNNING = api_pb2.FunctionGetOutputsResponse(num_unfinished_inputs=1)


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OK])
def test_no_status_of_the_server_is_an_outcome(status: Status, asked: Callable[..., Asked]) -> None:
    asked(refusal(status), RUNNING)
    with pytest.raises(UnreachableError) as caught:
        calls.state(CALL)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UnknownCallError) is (status is Status.NOT_FOUND)
    calls.forget_backoff()
    assert calls.state(CALL) == CallState(CallOutcome.RUNNING)


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        OSError("reset"),
        KeyError("a bug of the client"),
        modal.exception.VersionError("too old"),
        modal.exception.ExecutionError("unforeseen"),
    ],
)
def test_no_error_of_the_client_is_an_outcome(
    error: Exception, asked: Callable[..., Asked]
) -> None:
    asked(error)
    with pytest.raises(UnreachableError):
        calls.state(CALL)


@pytest.mark.parametrize(
    ("status", "exception", "outcome", "reason"),
    [
        (RESULT.GENERIC_STATUS_SUCCESS, "", CallOutcome.RETURNED, "without a last word"),
        (RESULT.GENERIC_STATUS_TERMINATED, "", CallOutcome.CANCELLED, ""),
        (RESULT.GENERIC_STATUS_TIMEOUT, "hit 4s", CallOutcome.TIMED_OUT, "time-out"),
        (
            RESULT.GENERIC_STATUS_INTERNAL_FAILURE,
            "died",
            CallOutcome.CRASHED,
            "container died (died)",
        ),
        (RESULT.GENERIC_STATUS_KERNEL_OOM_KILL, "", CallOutcome.CRASHED, "OOM"),
        # The user's own exceptions, though Modal's answers are called alike.
        (
            RESULT.GENERIC_STATUS_FAILURE,
            "NotFoundError('no such video')",
            CallOutcome.CRASHED,
            "NotFoundError: no such video",
        ),
        (
            RESULT.GENERIC_STATUS_FAILURE,
            "PermissionDeniedError('/vol')",
            CallOutcome.CRASHED,
            "PermissionDeniedError: /vol",
        ),
    ],
)
def test_the_outcome_is_the_status_of_the_result(
    status: int, exception: str, outcome: CallOutcome, reason: str, asked: Callable[..., Asked]
) -> None:
    asked(ended(status, exception))
    found = calls.state(CALL)
    assert found.outcome is outcome
    assert reason in found.reason


@pytest.mark.parametrize("status", [RESULT.GENERIC_STATUS_UNSPECIFIED, 99])
def test_a_result_without_a_known_status_is_no_outcome(
    status: int, asked: Callable[..., Asked]
) -> None:
    asked(ended(status))
    with pytest.raises(UnreachableError, match="without an outcome"):
        calls.state(CALL)


def test_nothing_unfinished_and_no_result_is_over(asked: Callable[..., Asked]) -> None:
    asked(api_pb2.FunctionGetOutputsResponse())
    assert calls.state(CALL).outcome is CallOutcome.EXPIRED


def test_a_rate_limit_is_not_answered_by_asking_again(asked: Callable[..., Asked]) -> None:
    modal_ = asked(refusal(Status.RESOURCE_EXHAUSTED), RUNNING)
    for call in (CALL, CALL, "fc-another"):  # the limit is the workspace's
        with pytest.raises(UnreachableError, match="asked too often"):
            calls.state(call)
    assert modal_.questions == 1


def test_a_refusal_about_one_call_does_not_hold_up_the_others(
    asked: Callable[..., Asked],
) -> None:
    modal_ = asked(refusal(Status.PERMISSION_DENIED), RUNNING)
    for _ in range(2):
        with pytest.raises(UnreachableError, match="denies access"):
            calls.state(CALL)
    assert calls.state("fc-another").outcome is CallOutcome.RUNNING
    assert modal_.questions == 2


def test_pauses_grow_and_end_with_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls.random, "uniform", lambda _, longest: longest)
    backoff, error = calls._Backoff(), UnreachableError("why")
    lengths = []
    for _ in range(12):
        backoff.failed(CALL, error)
        lengths.append(round(backoff.seconds_left(CALL)))
    assert lengths[:4] == [1, 2, 4, 8]
    assert lengths[-1] == calls.LONGEST_PAUSE
    backoff.answered(CALL)
    assert backoff.refusal(CALL) is None


def test_somebody_who_needs_an_answer_waits_for_one(
    asked: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        calls.forget_backoff()  # as if the time had gone by

    monkeypatch.setattr(calls.time, "sleep", sleep)
    asked(refusal(Status.RESOURCE_EXHAUSTED), refusal(Status.INTERNAL), RUNNING)
    assert calls.state(CALL, patience=60.0).outcome is CallOutcome.RUNNING
    assert len(slept) == 2
