"""State of a function call on Modal: a real outcome, still running, or currently unknown.

An outcome is what Modal stores as the *result* of the call. Any other response to a query (a rate limit, a
refusal, "not found", a time-out, an error of the client itself) implies nothing about the call: it is
raised as :class:`~mabe_tui.launch.launcher.UnreachableError`, and the query is retried with back-off.
"""

import enum
import random
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import modal
import modal.exception
import msgspec
from modal._utils.async_utils import synchronizer
from modal.client import _Client
from modal_proto import api_pb2

from core.errors import UserError
from mabe_tui.launch.launcher import UnreachableError
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal.client import ask

STATE_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Minimum and maximum seconds before retrying a query that Modal did not answer."""
MOST_DOUBLINGS = 10
PERSIST_SECONDS = 2.0
"""Seconds between two queries of a caller that needs an answer, unless the back-off is longer."""
REPR = re.compile(r"""(\w+)\((['"])(.*)\2,?\)""")
Answer = TypeVar("Answer")


class CallOutcome(enum.StrEnum):
    """State of a function call according to Modal."""

    RUNNING = "running"
    """Running, or waiting for a machine."""
    RETURNED = "returned"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    EXPIRED = "expired"
    """The call is over, and its result is no longer stored."""
    FORGOTTEN = "forgotten"
    """Modal, queried in the right place, knows neither the call nor an app that could run it."""


class CallState(msgspec.Struct, frozen=True):
    """State of a function call according to Modal, with the reason."""

    outcome: CallOutcome
    reason: str = ""


class UnknownCallError(UnreachableError):
    """Modal does not find the call, which may belong to another workspace."""


STATUS = api_pb2.GenericResult.GenericStatus
OUTCOMES: dict[int, CallOutcome] = {
    STATUS.GENERIC_STATUS_SUCCESS: CallOutcome.RETURNED,
    STATUS.GENERIC_STATUS_FAILURE: CallOutcome.CRASHED,
    STATUS.GENERIC_STATUS_TERMINATED: CallOutcome.CANCELLED,
    STATUS.GENERIC_STATUS_TIMEOUT: CallOutcome.TIMED_OUT,
    STATUS.GENERIC_STATUS_INIT_FAILURE: CallOutcome.CRASHED,
    STATUS.GENERIC_STATUS_INTERNAL_FAILURE: CallOutcome.CRASHED,
    STATUS.GENERIC_STATUS_IDLE_TIMEOUT: CallOutcome.CRASHED,
    STATUS.GENERIC_STATUS_MEMORY_MANAGER_EVICTION: CallOutcome.CRASHED,
    STATUS.GENERIC_STATUS_MEMORY_THRASHING_EVICTION: CallOutcome.CRASHED,
    STATUS.GENERIC_STATUS_KERNEL_OOM_KILL: CallOutcome.CRASHED,
}
"""Result statuses that are outcomes; any other status is none."""


class _Backoff:
    """Per-call back-off of queries, shared by the whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._errors: dict[str, UnreachableError] = {}

    def forget(self) -> None:
        """Reset all pauses."""
        with self._lock:
            for known in (self._failures, self._until, self._errors):
                known.clear()

    def seconds_left(self, call_id: str) -> float:
        """Return how many seconds the call must not be queried."""
        now = time.monotonic()
        with self._lock:
            return max(0.0, *(self._until.get(scope, now) - now for scope in (ALL, call_id)))

    def refusal(self, call_id: str) -> UnreachableError | None:
        """Return the error that caused the current pause; ``None`` if the call may be queried now."""
        now = time.monotonic()
        with self._lock:
            for scope in (ALL, call_id):
                if now < self._until.get(scope, now):
                    return self._errors[scope]
        return None

    def answered(self, call_id: str) -> None:
        """Record an answer and reset the back-off."""
        with self._lock:
            for scope in (ALL, call_id):
                self._failures.pop(scope, None)
                self._until.pop(scope, None)

    def failed(self, scope: str, error: UnreachableError) -> None:
        """Record a missing answer; the pause doubles with every consecutive failure."""
        with self._lock:
            failures = self._failures.get(scope, 0) + 1
            longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, MOST_DOUBLINGS))
            self._failures[scope], self._errors[scope] = failures, error
            self._until[scope] = time.monotonic() + random.uniform(longest / 2, longest)


ALL = ""
"""Scope of a pause that affects every call, since a rate limit applies to the workspace."""
_backoff = _Backoff()


def forget_backoff() -> None:
    """Allow the next query immediately."""
    _backoff.forget()


def state(call_id: str, patience: float = 0.0) -> CallState:
    """Return the state of a function call.

    Args:
        call_id: id of the call.
        patience: seconds to keep retrying if Modal gives no answer.

    Raises:
        UnknownCallError: Modal does not find the call, which implies nothing about its outcome.
        UnreachableError: Modal is unreachable or gave no answer; the message says why. Until the back-off
            is over, further queries raise the same error without contacting Modal.
        UserError: there are no credentials.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return _state(call_id)
        except UnreachableError:
            pause = max(_backoff.seconds_left(call_id), min(PERSIST_SECONDS, patience))
            if time.monotonic() + pause >= deadline:
                raise
            time.sleep(pause)


def returned(call_id: str) -> str:
    """Return the return value of a call: the kind of its job's last event.

    Raises:
        UserError: Modal cannot be queried, or returns something else.
    """
    call: modal.FunctionCall[str] = modal.FunctionCall.from_id(call_id)
    return str(ask(lambda: call.get.aio(timeout=0), STATE_SECONDS))


def cancel(call_id: str, terminate: bool = False) -> None:
    """Cancel a function call; the container is notified, or killed at once.

    Raises:
        UserError: Modal is unreachable or refuses; the message says why.
    """
    call = modal.FunctionCall.from_id(call_id)
    ask(lambda: call.cancel.aio(terminate_containers=terminate))


def calls_of_function(function_id: str) -> list[str]:
    """Return the ids of all calls of a function.

    Raises:
        UserError: Modal is unreachable or refuses; the message says why.
    """
    return ask(lambda: _calls.aio(function_id), STATE_SECONDS)


def app_is_over(app_id: str) -> bool | None:
    """Return whether an app has stopped; ``None`` if Modal does not know it.

    Raises:
        UserError: Modal is unreachable or refuses; the message says why.
    """
    over = (api_pb2.APP_STATE_STOPPED, api_pb2.APP_STATE_DISABLED)
    try:
        return ask(lambda: _app_state.aio(app_id), STATE_SECONDS) in over
    except UserError as error:
        if isinstance(error.__cause__, modal.exception.NotFoundError):
            return None
        raise


def _state(call_id: str) -> CallState:
    if (refusal := _backoff.refusal(call_id)) is not None:
        raise refusal
    try:
        response = _reached(lambda: ask(lambda: _outputs.aio(call_id), STATE_SECONDS))
        found = _outcome_in(response)
    except UnreachableError as error:
        if _is_answer(error):
            _backoff.failed(ALL if modal_client.is_rate_limit(error.__cause__) else call_id, error)
        raise
    _backoff.answered(call_id)
    return found


def _reached(question: Callable[[], Answer]) -> Answer:
    """Send a query; any error raised in place of an answer implies nothing about the call.

    Raises:
        UnreachableError: there was no answer, for whatever reason.
    """
    try:
        return question()
    except UnreachableError:
        raise
    except UserError as error:
        kind = UnreachableError
        if isinstance(error.__cause__, modal.exception.NotFoundError):
            kind = UnknownCallError
        raise kind(str(error)) from error.__cause__
    except Exception as error:  # the client also raises whatever its server and libraries raise
        if modal_client.is_our_bug(error):
            raise
        raise UnreachableError(str(modal_client.in_words(error))) from error


def _is_answer(error: UnreachableError) -> bool:
    """Return whether Modal was reached; if not, the cached socket probe already acts as a back-off."""
    return isinstance(error.__cause__, modal.exception.Error) and not isinstance(
        error.__cause__, modal.exception.ConnectionError
    )


def _outcome_in(response: api_pb2.FunctionGetOutputsResponse) -> CallState:
    """Read the outcome of a call's only input.

    Raises:
        UnreachableError: the status of the result is not an outcome.
    """
    if not response.outputs:
        if response.num_unfinished_inputs:
            return CallState(CallOutcome.RUNNING)
        return CallState(CallOutcome.EXPIRED, "its result is kept no longer")
    result = response.outputs[0].result
    outcome = OUTCOMES.get(result.status)
    if outcome is None:
        raise UnreachableError(f"Modal gives a result without an outcome (status {result.status})")
    said = _plain(" ".join(result.exception.split()))
    match outcome:
        case CallOutcome.TIMED_OUT:
            return CallState(outcome, "Modal's time-out came before it was done")
        case CallOutcome.CRASHED if result.status != STATUS.GENERIC_STATUS_FAILURE:
            return CallState(outcome, f"its container died ({said or STATUS.Name(result.status)})")
        case CallOutcome.CANCELLED:
            return CallState(outcome)
        case CallOutcome.RETURNED:
            return CallState(outcome, "its call returned without a last word")
    return CallState(outcome, said)


def _plain(exception: str) -> str:
    """Return the type and message from an exception's ``repr``; return any other text unchanged."""
    shown = REPR.fullmatch(exception)
    return f"{shown[1]}: {shown[3]}" if shown else exception


@synchronizer.create_blocking
async def _outputs(call_id: str) -> api_pb2.FunctionGetOutputsResponse:
    """Fetch a call's result like ``FunctionCall.get``, but return it where that would raise it."""
    client = await _Client.from_env()
    request = api_pb2.FunctionGetOutputsRequest(
        function_call_id=call_id, timeout=0, last_entry_id="0-0", requested_at=time.time()
    )
    return await client._stub.FunctionGetOutputs(request)


@synchronizer.create_blocking
async def _calls(function_id: str) -> list[str]:
    client = await _Client.from_env()
    request = api_pb2.FunctionCallListRequest(function_id=function_id)
    response = await client._stub.FunctionCallList(request)
    return [str(call.function_call_id) for call in response.function_calls]


@synchronizer.create_blocking
async def _app_state(app_id: str) -> int:
    client = await _Client.from_env()
    response = await client._stub.AppGetLifecycle(api_pb2.AppGetLifecycleRequest(app_id=app_id))
    return int(response.lifecycle.app_state)
