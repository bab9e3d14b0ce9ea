"""From a run's request to its task, whichever it is."""

from pathlib import Path

import torch

from core.config.task_modules import load_attribute
from core.config.task_spec import TaskSpec, task_spec
from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.task import Task


def build_task(request: RunRequest, cache: Path, device: torch.device, progress: Progress) -> Task:
    """Build the task that a run's experiment names, on the data that the run asks for.

    Args:
        request: what is to be trained, and on what.
        cache: where prepared and synthetic data are kept.
        device: where batches are to be.
        progress: called with (done, total, what); what it raises ends the preparation.

    Raises:
        UserError: the task cannot be imported, or not be had with these data.
    """
    task: Task = load_attribute(_spec(request).build)(request, cache, device, progress)
    return task


def prepare_data(request: RunRequest, cache: Path, progress: Progress) -> None:
    """Do the part of building a task that is done once for all runs on the same data.

    Args:
        request: what is to be trained, and on what.
        cache: where prepared and synthetic data are kept.
        progress: called with (done, total, what).

    Raises:
        UserError: the task cannot be imported, or not be had with these data.
    """
    if (prepare := _spec(request).prepare) is not None:
        load_attribute(prepare)(request, cache, progress)


def _spec(request: RunRequest) -> TaskSpec:
    return task_spec(request.experiment.task)
