"""Starting runs on Modal: one detached app a launch, with one function call a run."""

import shutil
from collections.abc import Sequence

import modal
import msgspec

from core.errors import RunError, UserError
from core.rundir import Handle, RunDir, RunRequest
from mabe_tui.launch import modal_app
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal.handle import NAME, Call, Place, reference_of
from mabe_tui.launch.modal.loop import interruptible
from mabe_tui.launch.modal.machine import APP_NAME, Machine
from mabe_tui.launch.modal_launcher import request_text

BACKOFF_SECONDS = 1.0
ERRORS = (modal.exception.Error, TimeoutError, OSError)
Train = modal.Function[[str, str, modal.Volume], str, str]


def spawn(
    runs: Sequence[tuple[RunDir, RunRequest]],
    machine: Machine,
    place: Place,
    parallel: int | None = None,
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
        app, function = _declare(machine, parallel)
        with interruptible(), app.run(detach=True, name=machine.app_name):
            # Nothing may be raised through the app's context, which would disconnect as after a crash.
            template = Call(id="", app_id=str(app.app_id), app_name=machine.app_name, place=place)
            problem = _call_each(runs, function, template, handles)
    except ERRORS as error:
        problem = error
    if len(handles) == len(runs):
        return handles
    assert problem is not None
    if isinstance(problem, UserError):
        raise problem
    raise modal_client.in_words(problem) from problem


def _declare(machine: Machine, parallel: int | None) -> tuple[modal.App, Train]:
    """Declare ``train`` on a new app, with the resources of this launch.

    ``single_use_containers``, ``region``, ``cloud`` and a list of GPUs can be set where a function is
    declared and nowhere else, so no function is declared in advance.

    Raises:
        RunError: the client refuses a resource.
    """
    app = modal.App(APP_NAME, include_source=False)
    declare = app.function(
        image=modal_app.image_with(modal_app.CORE_REQUIREMENTS),
        volumes={
            modal_app.DATA_MOUNT: modal_app.data_volume,
            modal_app.RUNS_MOUNT: modal_app.runs_volume,
        },
        gpu=machine.gpu[0] if len(machine.gpu) == 1 else [*machine.gpu] or None,
        region=[*machine.region] or None,
        cloud=machine.cloud,
        cpu=float(machine.cores),
        memory=machine.memory_mib,
        timeout=machine.timeout_seconds,
        max_containers=parallel,
        retries=modal.Retries(
            max_retries=machine.retries, backoff_coefficient=1.0, initial_delay=BACKOFF_SECONDS
        ),
        scaledown_window=modal_app.IDLE_SECONDS,
        single_use_containers=True,
    )
    try:
        return app, declare(modal_app.train)
    except modal.exception.InvalidError as error:
        raise RunError(f"Modal: {error}") from error


def _call_each(
    runs: Sequence[tuple[RunDir, RunRequest]],
    function: Train,
    template: Call,
    handles: list[Handle],
) -> Exception | None:
    """Call the function once a run until all are called or one call fails; return that failure."""
    try:
        for run, request in runs:
            handles.append(_call(function, run, request, template))
    except (UserError, *ERRORS) as error:
        return error
    return None


def _call(function: Train, run: RunDir, request: RunRequest, template: Call) -> Handle:
    attempt = run.claim_attempt()
    try:
        call = function.spawn(request_text(request), attempt, modal_app.runs_volume)
    except ERRORS:
        shutil.rmtree(run.attempt_folder(attempt), ignore_errors=True)
        raise
    reference = reference_of(msgspec.structs.replace(template, id=call.object_id))
    handle = Handle(launcher=NAME, attempt=attempt, reference=reference)
    try:
        run.write_handle(handle)
    except UserError:
        call.cancel(terminate_containers=True)  # nobody could find it, and it would cost money
        shutil.rmtree(run.attempt_folder(attempt), ignore_errors=True)
        raise
    return handle
