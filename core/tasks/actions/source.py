"""The folder that a run's videos are in."""

from pathlib import Path

from core.data.synthetic import SyntheticSettings
from core.system.progress import Progress
from core.tasks.actions.settings import KEYPOINTS, ActionsDataConfig, ActionsExperiment
from core.tasks.data_source import data_root

SYNTHETIC_RATE = 25.0
"""Frame rate of synthetic videos. It differs from the model's, so that they are resampled like real ones."""


def root_of(
    experiment: ActionsExperiment, data: str | None, cache: Path, progress: Progress
) -> Path:
    """Return the folder of a run's videos; see :func:`core.tasks.data_source.data_root`."""
    config = experiment.data
    own = _synthetic_settings(config) if config.source == "synthetic" else None
    return data_root(experiment.name, data, own, cache, progress)


def _synthetic_settings(config: ActionsDataConfig) -> SyntheticSettings:
    """Return the settings of the data that an experiment makes itself."""
    return SyntheticSettings(
        videos=config.synthetic_videos,
        frames=config.synthetic_frames,
        mice=config.synthetic_mice,
        keypoints=KEYPOINTS,
        fps=SYNTHETIC_RATE,
        labs=tuple(f"SimulatedMice{chr(65 + lab)}" for lab in range(config.synthetic_labs)),
    )
