"""The image of a container that trains: what core needs, and the tasks that are not ours."""

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
    """Describe the image for some runs: their tasks' modules travel with the source.

    Args:
        requests: of the runs.
        is_left_out: tells which files of ``mabe_tui`` stay at home.

    Raises:
        ConfigError: a task is not to be had here.
    """
    names = dict.fromkeys(request.experiment.task for request in requests)
    needed = dict.fromkeys(each for name in names for each in task_spec(name).requirements)
    modules = dict.fromkeys(each for name in names for each in task_modules(name))
    return modal_app.image_with([*declared("core"), *needed], is_left_out, modules)
