"""The folder that a run's videos are in."""

from pathlib import Path

from core.data.synthetic import SyntheticSettings
from core.system.progress import Progress
from core.tasks.behaviour.settings import BehaviourDataConfig, BehaviourExperiment
from core.tasks.data_source import data_root


def root_of(
    experiment: BehaviourExperiment, data: str | None, cache: Path, progress: Progress
) -> Path:
    """Return the folder of a run's videos; see :func:`core.tasks.data_source.data_root`."""
    config = experiment.data
    own = _synthetic_settings(config) if config.source == "synthetic" else None
    return data_root(experiment.name, data, own, cache, progress)


def _synthetic_settings(config: BehaviourDataConfig) -> SyntheticSettings:
    """Return the settings of the data that an experiment makes itself."""
    return SyntheticSettings(
        videos=config.synthetic_videos,
        frames=config.synthetic_frames,
        mice=config.mice,
        keypoints=config.keypoints,
        fps=config.frames_per_second,
    )
