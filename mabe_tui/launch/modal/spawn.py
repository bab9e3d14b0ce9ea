"""Starting runs on Modal: one detached app with one function call a run."""

import shutil
from collections.abc import Sequence

import modal

from core.errors import RunError, UserError
from core.rundir import Handle, RunDir, RunRequest
from mabe_tui.launch import modal_app
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal.loop import interruptible
from mabe_tui.launch.modal.machine import Machine
from mabe_tui.launch.modal_launcher import NAME, request_text

BACKOFF_SECONDS = 1.0
ERRORS = (modal.exception.Error, TimeoutError, OSError)
Train = modal.Function[[str, str], str, str]


def spawn(
    runs: Sequence[tuple[RunDir, RunRequest]], machine: Machine, parallel: int | None = None
) -> list[Handle]:
    """Call ``train`` for each run in a new detached app and write the runs' handles.

    Each handle is written while the app is still held by us: whatever happens to this process afterwards,
    the call goes on and can be found. The calls are of one function, so that Modal itself keeps all but
    ``parallel`` of them waiting, in order, with nobody connected.

    Raises:
        UserError: Modal refuses, or cannot be reached; the calls made before that go on.
        KeyboardInterrupt: Ctrl-C; the calls made before that go on.
    """
    handles: list[Handle] = []
    problem: Exception | None = None
    try:
        with interruptible(), modal_app.app.run(detach=True, name=machine.app_name):
            # Nothing may be raised through the app's context, which would disconnect as after a crash.
            problem = _call_each(runs, machine, parallel, handles)
    except ERRORS as error:
        problem = error
    if len(handles) == len(runs):
        return handles
    assert problem is not None
    if isinstance(problem, UserError):
        raise problem
    raise modal_client.in_words(problem) from problem


def _call_each(
    runs: Sequence[tuple[RunDir, RunRequest]],
    machine: Machine,
    parallel: int | None,
    handles: list[Handle],
) -> Exception | None:
    """Call one after another until all are, or one cannot be: gives why."""
    try:
        function = _function(machine, parallel)
        for run, request in runs:
            handles.append(_call(function, run, request, machine.app_name))
    except (UserError, *ERRORS) as error:
        return error
    return None


def _call(function: Train, run: RunDir, request: RunRequest, app_name: str) -> Handle:
    attempt = run.claim_attempt()
    try:
        call = function.spawn(request_text(request), attempt)
    except ERRORS:
        shutil.rmtree(run.attempt_folder(attempt), ignore_errors=True)
        raise
    reference: dict[str, str | int | float] = {
        "app_id": str(modal_app.app.app_id),
        "call_id": call.object_id,
        "app_name": app_name,
    }
    handle = Handle(launcher=NAME, attempt=attempt, reference=reference)
    try:
        run.write_handle(handle)
    except UserError:
        call.cancel(terminate_containers=True)  # nobody could find it, and it would cost money
        shutil.rmtree(run.attempt_folder(attempt), ignore_errors=True)
        raise
    return handle


def _function(machine: Machine, parallel: int | None) -> Train:
    try:
        return modal_app.train.with_options(
            gpu=machine.gpu,
            cpu=float(machine.cores),
            memory=machine.memory_mib,
            timeout=machine.timeout_seconds,
            max_containers=parallel,
            retries=modal.Retries(
                max_retries=machine.retries,
                backoff_coefficient=1.0,
                initial_delay=BACKOFF_SECONDS,
            ),
        )
    except modal.exception.InvalidError as error:
        raise RunError(f"Modal: {error}") from error
