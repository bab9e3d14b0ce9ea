"""Image of a training container: the packages that core needs, and external tasks."""

from collections.abc import Callable, Iterable
from pathlib import Path

import modal

from core.config.task_spec import task_modules, task_spec
from core.run.request import RunRequest
from mabe_tui.launch import modal_app
from mabe_tui.launch.requirements import declared


def image_of(
    requests: Iterable[RunRequest], is_left_out: Callable[[Path], bool] = modal_app.is_left_out
) -> modal.Image:
    """Describe the image for some runs; the modules of their tasks are sent along with the source.

    Args:
        requests: the requests of the runs.
        is_left_out: returns whether a file of ``mabe_tui`` is left out.

    Raises:
        ConfigError: a task cannot be found here.
    """
    names = dict.fromkeys(request.experiment.task for request in requests)
    needed = dict.fromkeys(each for name in names for each in task_spec(name).requirements)
    system = dict.fromkeys(each for name in names for each in task_spec(name).system_packages)
    modules = dict.fromkeys(each for name in names for each in task_modules(name))
    return modal_app.image_with([*declared("core"), *needed], is_left_out, modules, system)
