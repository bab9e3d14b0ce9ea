"""Facts about a run's data that can be had without reading them: whether they changed, and their size."""

from pathlib import Path

from core.config.task_spec import DataSizes
from core.data.competition import labelled, read_videos
from core.data.manifest import source_key
from core.tasks.actions.settings import KEYPOINTS, MICE, ActionsExperiment


def data_key(_: ActionsExperiment, folder: Path) -> str:
    """Hash what training would read: names, sizes and times of files.

    Raises:
        DataError: they cannot be read.
    """
    usable, _left_out = labelled(read_videos(folder))
    return source_key(folder, usable, KEYPOINTS, MICE)


def data_sizes(experiment: ActionsExperiment) -> DataSizes:
    """Return the size of synthetic data; examples take no memory on a GPU, which only holds batches."""
    data, training = experiment.data, experiment.training
    if data.source != "synthetic":
        return DataSizes(bytes_per_example=0, samples=training.windows_per_epoch)
    rows = data.synthetic_mice**2
    frames = data.synthetic_videos * data.synthetic_frames * rows
    return DataSizes(bytes_per_example=0, examples=frames, samples=training.windows_per_epoch)
