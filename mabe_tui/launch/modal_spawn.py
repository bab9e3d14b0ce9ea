"""Starting a run on Modal: one detached app with one function call."""

import modal

from core.errors import RunError
from core.rundir import Handle, RunDir, RunRequest
from mabe_tui.launch import modal_app, modal_client
from mabe_tui.launch.modal_launcher import NAME, Machine, request_text

BACKOFF_SECONDS = 1.0


def spawn(run: RunDir, request: RunRequest, attempt: str, machine: Machine) -> Handle:
    """Call ``train`` in a new detached app and write the run's handle.

    The handle is written while the app is still held by us: whatever happens to this process afterwards,
    the call goes on and can be found.

    Raises:
        UserError: Modal refuses, or cannot be reached.
    """
    try:
        with modal_app.app.run(detach=True, name=machine.app_name):
            call = _function(machine).spawn(request_text(request), attempt)
            handle = Handle(
                launcher=NAME,
                attempt=attempt,
                reference={
                    "app_id": str(modal_app.app.app_id),
                    "call_id": call.object_id,
                    "app_name": machine.app_name,
                },
            )
            run.write_handle(handle)
    except modal.exception.Error as error:
        raise modal_client.in_words(error) from error
    except (TimeoutError, OSError) as error:
        raise modal_client.in_words(error) from error
    return handle


def _function(machine: Machine) -> "modal.Function[[str, str], str, str]":
    try:
        return modal_app.train.with_options(
            gpu=machine.gpu,
            cpu=float(machine.cores),
            memory=machine.memory_mib,
            timeout=machine.timeout_seconds,
            retries=modal.Retries(
                max_retries=machine.retries,
                backoff_coefficient=1.0,
                initial_delay=BACKOFF_SECONDS,
            ),
        )
    except modal.exception.InvalidError as error:
        raise RunError(f"Modal: {error}") from error
