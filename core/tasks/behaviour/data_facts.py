"""Facts about a run's data that need no reading of them: whether they changed, and their size.

Apart from :mod:`core.tasks.behaviour.data_folder`, for it loads no torch.
"""

from pathlib import Path

import numpy as np

from core.config.task_spec import DataSizes
from core.data.competition import labelled, read_videos
from core.data.keypoints import name_of_set, slots_of_set
from core.data.manifest import source_key
from core.frames.windows import phased_windows, training_windows
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.behaviour.splitting import split

FLOAT_BYTES = 4


def data_key(experiment: BehaviourExperiment, folder: Path) -> str:
    """Hash what training would read: names, sizes and times of files, and the settings that shape the poses.

    Raises:
        DataError: they cannot be read.
    """
    usable, _ = labelled(read_videos(folder))
    return source_key(folder, usable, name_of_set(experiment.data.keypoints), experiment.data.mice)


def data_sizes(experiment: BehaviourExperiment) -> DataSizes:
    """Return how much of a GPU a frame's positions take, and what made-up data come to."""
    data = experiment.data
    position = data.mice * len(slots_of_set(data.keypoints)) * 2 * FLOAT_BYTES
    if data.source != "synthetic":
        return DataSizes(bytes_per_example=position)
    videos = [str(number) for number in range(data.synthetic_videos)]
    cut = phased_windows if data.phase == "random" else training_windows
    windows = cut([0], np.full(1, data.synthetic_frames, np.int64), data.window, data.stride)
    return DataSizes(
        bytes_per_example=position,
        examples=data.synthetic_videos * data.synthetic_frames,
        samples=len(split(data, videos)[0]) * len(windows),
    )
