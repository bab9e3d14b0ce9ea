"""Build the task of a run: prepare its videos, and set up the task on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from core.config.experiment import Experiment
from core.data.competition import read_videos
from core.data.prepared import PreparedData, prepare
from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.actions.settings import KEYPOINTS, MICE, actions_of
from core.tasks.actions.source import root_of
from core.tasks.actions.task import ActionsTask
from core.tasks.data_source import labelled


class OpenData(NamedTuple):
    """Prepared videos, and what only the table of their source contains."""

    prepared: PreparedData
    sexes: Mapping[str, Sequence[str]]
    """Video id → the sexes of its mice 1, 2 and so on."""


def build_task(
    request: RunRequest, cache: Path, device: torch.device, progress: Progress
) -> ActionsTask:
    """Find or make the data that a run asks for, and build its task on them.

    Raises:
        DataError: the data are missing, damaged or too few.
        ConfigError: the experiment does not fit these data.
    """
    experiment = actions_of(request.experiment, "training")
    found = open_data(experiment, request.data, cache, progress)
    return ActionsTask(experiment, found.prepared, found.sexes, device, request.seed)


def prepare_data(request: RunRequest, cache: Path, progress: Progress) -> None:
    """Prepare the data that a run asks for, where that has not been done; see :func:`open_data`."""
    open_data(request.experiment, request.data, cache, progress)


def open_data(
    experiment: Experiment, data: str | None, cache: Path, progress: Progress
) -> OpenData:
    """Open the prepared data of an experiment, preparing them first where that has not been done.

    Args:
        experiment: says whether it makes its own data.
        data: a folder in the competition's layout; ``None`` if the experiment makes its own.
        cache: where prepared and synthetic data are kept.
        progress: called with (done, total, what); what it raises ends the preparation.

    Raises:
        DataError: no data where some are needed, or data that cannot be used.
        ConfigError: the experiment is of another task.
    """
    experiment = actions_of(experiment, "preparing videos")
    root = root_of(experiment, data, cache, progress)
    prepared = prepare(root, cache, KEYPOINTS, MICE, progress=labelled(progress, "prepared"))
    return OpenData(prepared, {video.video_id: video.sexes for video in read_videos(root)})
