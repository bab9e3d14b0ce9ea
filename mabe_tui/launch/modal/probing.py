"""Rent GPUs for about a minute each to measure what a version needs on them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import modal
import modal.exception
import msgspec

from core.run.request import RunRequest
from core.training.probe_report import ProbeReport
from mabe_tui.launch import modal_app, modal_probe_app
from mabe_tui.launch.launcher import Say, say_nothing
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal.builds import hearing_builds
from mabe_tui.launch.modal.handle import request_text
from mabe_tui.launch.modal.loop import interruptible
from mabe_tui.launch.modal.task_image import image_of
from mabe_tui.launch.prices import cores, memory_mib

APP_NAME = "mabe-probe"
STARTUP_TIMEOUT_SECONDS = 120
"""Seconds after which Modal gives up on a container that has not started."""
QUEUE_SECONDS = 600.0
"""Seconds allowed for a GPU to become free and an image to be built, in addition to the probe itself."""
ERRORS = (modal.exception.Error, TimeoutError, OSError)
Probe = modal.Function[[str, float, int], str, str]
Tell = Callable[[str, ProbeReport | str], object]
"""Called with a GPU and its report, or with the reason why there is none."""


def probe_gpus(
    request: RunRequest,
    gpus: Sequence[str],
    seconds: float,
    timeout: int,
    tell: Tell,
    reserved: int = 0,
    say: Say = say_nothing,
) -> Mapping[str, ProbeReport | str]:
    """Probe each GPU in a container of its own, in parallel, in an app that ends with this call.

    Args:
        request: what would be trained; only synthetic data are used.
        gpus: GPU names as Modal spells them.
        seconds: time limit of a probe; see :func:`core.training.probe.probe_machine`.
        timeout: seconds after which Modal kills a container that has started.
        tell: called with each result as it arrives.
        reserved: bytes of the data that training will keep on a GPU.
        say: called with the output of the image build.

    Returns:
        GPU → its report, or a sentence that says why there is none.

    Raises:
        UserError: Modal refuses or is unreachable.
        KeyboardInterrupt: Ctrl-C; the containers are stopped.
    """
    modal_client.require()
    found: dict[str, ProbeReport | str] = {}
    app = modal.App(APP_NAME, include_source=False)
    try:
        functions = {
            gpu: _declare(app, request, gpu, number, timeout) for number, gpu in enumerate(gpus)
        }
        with interruptible(), ExitStack() as held:
            with hearing_builds(say):
                held.enter_context(app.run(name=APP_NAME))
            text = request_text(_on_a_gpu(request))
            calls = {
                gpu: function.spawn(text, seconds, reserved) for gpu, function in functions.items()
            }
            for gpu, call in calls.items():
                found[gpu] = _result(call, timeout + QUEUE_SECONDS)
                tell(gpu, found[gpu])
    except ERRORS as error:
        raise modal_client.in_words(error) from error
    return found


def _on_a_gpu(request: RunRequest) -> RunRequest:
    """Return the request with the GPU as its device, so that a container without a GPU reports that."""
    hardware = msgspec.structs.replace(request.experiment.hardware, device="cuda")
    experiment = msgspec.structs.replace(request.experiment, hardware=hardware)
    return msgspec.structs.replace(request, experiment=experiment)


def _declare(app: modal.App, request: RunRequest, gpu: str, number: int, timeout: int) -> Probe:
    hardware = request.experiment.hardware
    declare = app.function(
        image=image_of([request], modal_probe_app.is_left_out),
        name=f"probe-{number}",
        gpu=gpu,
        cpu=float(cores(hardware)),
        memory=memory_mib(hardware),
        timeout=timeout,
        startup_timeout=STARTUP_TIMEOUT_SECONDS,
        retries=0,
        scaledown_window=modal_app.IDLE_SECONDS,
        single_use_containers=True,
    )
    return declare(modal_probe_app.probe)


def _result(call: "modal.FunctionCall[str]", seconds: float) -> ProbeReport | str:
    try:
        return msgspec.json.decode(call.get(timeout=seconds), type=ProbeReport)
    except modal.exception.FunctionTimeoutError:
        return "it did not end in time"
    except TimeoutError:
        return f"no machine came within {seconds / 60:.0f} minutes"
    except Exception as error:  # exceptions of the container are raised here unchanged
        return " ".join(f"{type(error).__name__}: {error}".split())
