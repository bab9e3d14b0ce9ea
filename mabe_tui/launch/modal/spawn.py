"""Start runs on Modal: one detached app per run, or one app for all with a concurrency limit."""

import contextlib
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import modal
import msgspec

from core.errors import RunError, UserError
from core.run.provenance import record_code
from core.run.records import Handle
from core.run.request import RunRequest
from core.run.rundir import RunDir
from mabe_tui.launch import modal_app
from mabe_tui.launch.launcher import Say, say_nothing
from mabe_tui.launch.modal import apps as modal_apps
from mabe_tui.launch.modal import calls as modal_calls
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal.builds import BuildLog, hearing_builds
from mabe_tui.launch.modal.handle import NAME, Call, Place, reference_of, request_text
from mabe_tui.launch.modal.loop import interruptible
from mabe_tui.launch.modal.machine import APP_NAME, Machine
from mabe_tui.launch.modal.task_image import image_of

STOP_TRIES = 3
"""Attempts to stop an app whose call may be running unknown: it would be billed."""
AT_ONCE = 8
"""Number of apps launched at a time, after the first."""
BACKOFF_SECONDS = 1.0
ERRORS = (modal.exception.Error, TimeoutError, OSError)
Train = modal.Function[[str, str, modal.Volume], str, str]


def spawn(
    runs: Sequence[tuple[RunDir, RunRequest]],
    machine: Machine,
    place: Place,
    parallel: int | None = None,
    say: Say = say_nothing,
) -> list[Handle]:
    """Call ``train`` for each run in a new detached app and write the runs' handles.

    Each run has its own app, because Modal does not document what happens to several calls of one detached
    app after the client disconnects. With ``parallel``, all are calls of one function in one app, so that
    Modal itself limits how many run at a time and queues the rest in order, with no client connected.

    Each handle is written while this process still holds its app: whatever happens to the process later,
    the call continues and can be found. The first app is launched alone, as it may have to build the image;
    the others follow several at a time.

    Raises:
        UserError: Modal refuses or is unreachable; calls made before that continue.
        KeyboardInterrupt: Ctrl-C; calls made before that continue.
    """
    first, *others = [list(runs)] if parallel is not None else [[each] for each in runs]
    with hearing_builds(say) as builds:
        handles = _launch(first, machine, place, parallel, builds, say)
    return handles + _launch_rest(others, machine, place, say)


def _launch_rest(
    groups: Sequence[list[tuple[RunDir, RunRequest]]], machine: Machine, place: Place, say: Say
) -> list[Handle]:
    """Launch one app per group, several at a time; start no more after a failure or Ctrl-C."""
    given_up = threading.Event()

    def launch(group: list[tuple[RunDir, RunRequest]]) -> list[Handle]:
        if given_up.is_set():
            return []
        try:
            return _launch(group, machine, place, say=say)
        except BaseException:
            given_up.set()
            raise

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        launches = [pool.submit(launch, group) for group in groups]
        try:
            return [handle for each in launches for handle in each.result()]
        finally:  # Ctrl-C reaches this thread only
            given_up.set()


def _launch(
    runs: Sequence[tuple[RunDir, RunRequest]],
    machine: Machine,
    place: Place,
    parallel: int | None = None,
    builds: BuildLog | None = None,
    say: Say = say_nothing,
) -> list[Handle]:
    """Call the function for each run in one new app."""
    handles: list[Handle] = []
    problem: Exception | None = None
    template: Call | None = None
    try:
        app, function = _declare(machine, parallel, image_of([request for _, request in runs]))
        with interruptible(), app.run(detach=True, name=machine.app_name):
            if builds is not None:
                builds.are_over = True
            # Raising through the app's context would disconnect as after a crash: keep errors till it closes.
            template = Call(
                id="",
                app_id=str(app.app_id),
                app_name=machine.app_name,
                calls_in_app=len(runs),
                place=place,
            )
            problem = _call_each(runs, function, template, handles, say)
    except modal.exception.ImageBuildError:
        raise  # the caller adds the end of the build log
    except ERRORS as error:
        problem = error
    finally:
        if template is not None and not handles:
            # Modal may have accepted a call whose answer was lost; without a handle, nothing could find it.
            _stop_orphan(template, say)
    if len(handles) == len(runs):
        return handles
    assert problem is not None
    if isinstance(problem, UserError):
        raise problem
    raise modal_client.in_words(problem) from problem


def _stop_orphan(app: Call, say: Say) -> None:
    """Stop an app that may run a call without a handle; if that fails, report how to stop it by hand."""
    for _ in range(STOP_TRIES):
        try:
            modal_apps.stop_app(app)
        except UserError as error:
            problem = error
        else:
            return
    say(
        f"the app {app.app_id} may be running a call that was not answered, and could not be stopped"
        f" ({problem}); `modal app stop {app.app_id}` ends it"
    )


def _declare(machine: Machine, parallel: int | None, image: modal.Image) -> tuple[modal.App, Train]:
    """Declare ``train`` on a new app, with the resources of this launch.

    ``single_use_containers``, ``region``, ``cloud`` and a list of GPUs can only be set where a function is
    declared, so no function is declared in advance.

    Raises:
        RunError: the client rejects a resource.
    """
    app = modal.App(APP_NAME, include_source=False)
    declare = app.function(
        image=image,
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
    say: Say,
) -> Exception | None:
    """Call the function once per run until all are called or one call fails; return that failure."""
    try:
        for run, request in runs:
            try:
                handles.append(_call(function, run, request, template))
            except ERRORS as error:
                if len(runs) == 1 or not modal_client.is_transient(error):
                    raise
                _cancel_unanswered(function, run, handles, error, say)
                handles.append(_call(function, run, request, template))
    except (UserError, *ERRORS) as error:
        return error
    return None


def _cancel_unanswered(
    function: Train, run: RunDir, handles: Sequence[Handle], error: Exception, say: Say
) -> None:
    """Cancel a call that Modal accepted although its answer was lost, so that it can be repeated.

    The other calls of its app continue.

    Raises:
        RunError: whether such a call exists cannot be determined, or it cannot be cancelled.
    """
    why, known = modal_client.trouble(error), {handle.reference["call_id"] for handle in handles}
    try:
        unheard = set(modal_calls.calls_of_function(function.object_id)) - known
        for call_id in unheard:
            modal_calls.cancel(call_id, terminate=True)
    except UserError as also:
        raise RunError(
            f"{run.id}: the answer to its call was lost ({why}), and a call that Modal took all the same"
            f" could not be cancelled ({also}): `mabe ps` shows what runs"
        ) from error
    found = f"{', '.join(sorted(unheard))} was cancelled" if unheard else "Modal has not taken it"
    say(f"{run.id}: the answer to its call was lost ({why}); {found}, and it is called again")


def _call(function: Train, run: RunDir, request: RunRequest, template: Call) -> Handle:
    attempt = run.claim_attempt()
    record_code(run, request, attempt)
    call: modal.FunctionCall[str] | None = None
    try:
        call = function.spawn(request_text(request), attempt, modal_app.runs_volume)
        reference = reference_of(msgspec.structs.replace(template, id=call.object_id))
        handle = Handle(launcher=NAME, attempt=attempt, reference=reference)
        run.write_handle(handle)
    except BaseException:
        if call is not None:  # without a handle nothing could find it, and it would cost money
            with contextlib.suppress(*ERRORS):
                call.cancel(terminate_containers=True)
        shutil.rmtree(run.attempt_folder(attempt), ignore_errors=True)
        raise
    return handle
