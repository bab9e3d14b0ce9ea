"""From a run's request to prepared videos and the task on them."""

from pathlib import Path

import torch

from core.config.experiment import Experiment
from core.data.keypoints import name_of_set
from core.data.prepared import PreparedData, prepare
from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.behaviour.settings import behaviour_of
from core.tasks.behaviour.source import root_of
from core.tasks.behaviour.task import BehaviourTask
from core.tasks.data_source import labelled


def build_task(
    request: RunRequest, cache: Path, device: torch.device, progress: Progress
) -> BehaviourTask:
    """Find or make the data that a run asks for, and build its task on them.

    Raises:
        DataError: the data are missing, damaged or too few.
        ConfigError: the experiment does not fit these data.
    """
    experiment = behaviour_of(request.experiment, "training")
    prepared = open_data(experiment, request.data, cache, progress)
    return BehaviourTask(experiment, prepared, device, request.seed)


def prepare_data(request: RunRequest, cache: Path, progress: Progress) -> None:
    """Prepare the data that a run asks for, where that has not been done; see :func:`open_data`."""
    open_data(request.experiment, request.data, cache, progress)


def open_data(
    experiment: Experiment, data: str | None, cache: Path, progress: Progress
) -> PreparedData:
    """Open the prepared data of an experiment, preparing them first where that has not been done.

    Args:
        experiment: says which keypoints and mice, and whether it makes its own data.
        data: a folder in the competition's layout; none where the experiment makes its own.
        cache: where prepared and synthetic data are kept.
        progress: called with (done, total, what); what it raises ends the preparation.

    Raises:
        DataError: no data where some are needed, or data that cannot be used.
        ConfigError: the experiment is of another task.
    """
    experiment = behaviour_of(experiment, "preparing videos")
    config, root = experiment.data, root_of(experiment, data, cache, progress)
    prepared = labelled(progress, "prepared")
    return prepare(root, cache, name_of_set(config.keypoints), config.mice, progress=prepared)
