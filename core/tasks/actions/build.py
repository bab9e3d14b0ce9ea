"""From a run's request to prepared videos and the task on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from core.config.experiment import Experiment
from core.data.competition import read_videos
from core.data.prepared import PreparedData, prepare
from core.data.synthetic import SyntheticSettings, synthesise
from core.data.synthetic.settings import fingerprint
from core.errors import DataError
from core.run.request import RunRequest
from core.system.lock import in_turn
from core.system.progress import Progress
from core.tasks.actions.settings import (
    KEYPOINTS,
    MICE,
    ActionsDataConfig,
    ActionsExperiment,
    actions_of,
)
from core.tasks.actions.task import ActionsTask

SYNTHETIC_RATE = 25.0
"""Frames a second of the synthetic videos: not the model's, so that they are resampled as real ones are."""


class OpenData(NamedTuple):
    """Prepared videos, and what only the table of the source says."""

    prepared: PreparedData
    sexes: Mapping[str, Sequence[str]]
    """Of a video's mice 1, 2 and so on, by video id."""


def build_task(
    request: RunRequest, cache: Path, device: torch.device, progress: Progress
) -> ActionsTask:
    """Find or make the data that a run asks for, and build its task on them.

    Raises:
        DataError: the data are missing, damaged or too few.
        ConfigError: the experiment cannot be had with these data.
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
        data: a folder in the competition's layout; none where the experiment makes its own.
        cache: where prepared and synthetic data are kept.
        progress: called with (done, total, what); what it raises ends the preparation.

    Raises:
        DataError: no data where some are needed, or data that cannot be used.
        ConfigError: the experiment is of another task.
    """
    experiment = actions_of(experiment, "preparing videos")
    if data is not None:
        root = Path(data)
    elif experiment.data.source == "synthetic":
        root = _synthetic(experiment, cache, progress)
    else:
        raise DataError(
            f"{experiment.name} learns from the competition's data: name their folder with --data"
            " (`mabe data synth DIR` makes one like it)"
        )
    prepared = prepare(root, cache, KEYPOINTS, MICE, progress=_labelled(progress, "prepared"))
    return OpenData(prepared, {video.video_id: video.sexes for video in read_videos(root)})


def synthetic_settings(config: ActionsDataConfig) -> SyntheticSettings:
    """Return the settings of the data that an experiment makes itself."""
    return SyntheticSettings(
        videos=config.synthetic_videos,
        frames=config.synthetic_frames,
        mice=config.synthetic_mice,
        keypoints=KEYPOINTS,
        fps=SYNTHETIC_RATE,
        labs=tuple(f"SimulatedMice{chr(65 + lab)}" for lab in range(config.synthetic_labs)),
    )


def _synthetic(experiment: ActionsExperiment, cache: Path, progress: Progress) -> Path:
    """Make the experiment's own data, once for all runs that ask for the same, whatever their seed."""
    settings = synthetic_settings(experiment.data)
    root = cache / f"synthetic-{fingerprint(settings)}"
    lock = root.with_name(f".{root.name}.lock")
    with in_turn(lock, progress, "waiting for another job that makes the same data"):
        if not (root / "train.csv").is_file():  # it is written last
            synthesise(root, settings, progress=_labelled(progress, "simulated"))
    return root


def _labelled(progress: Progress, how: str) -> Progress:
    """Say what has been done to the videos that are counted."""
    return lambda done, total, what: progress(done, total, f"{what} {how}" if total else what)
