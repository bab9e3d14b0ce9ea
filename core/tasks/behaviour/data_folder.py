"""Check the data of a run before it starts: do they exist, and is there anything to learn from?"""

from pathlib import Path

from core.data.competition import labelled, read_videos
from core.errors import DataError
from core.tasks.behaviour.labelled_frames import require_trainable
from core.tasks.behaviour.settings import BehaviourDataConfig, BehaviourExperiment
from core.tasks.behaviour.splitting import split

FEWEST_VIDEOS = 2


def describe_data(experiment: BehaviourExperiment, folder: Path | None) -> str:
    """Describe the data of a run, after checking that it can learn from them.

    Args:
        experiment: the experiment of the run.
        folder: a folder in the competition's layout; ``None`` if the run makes its own data.

    Raises:
        DataError: this is not a data folder, or it has nothing to learn from or to validate on.
    """
    return _own(experiment.data) if folder is None else _found(experiment, folder)


def _own(settings: BehaviourDataConfig) -> str:
    videos, frames = settings.synthetic_videos, settings.synthetic_frames
    if settings.validation_videos is not None or settings.folds is not None:
        from core.data.synthetic.generate import FIRST_VIDEO_ID

        split(settings, [str(FIRST_VIDEO_ID + number) for number in range(videos)])
    return f"synthetic, made by the run: {videos} videos of {frames} frames"


def _found(experiment: BehaviourExperiment, folder: Path) -> str:
    usable, left_out = labelled(read_videos(folder))
    if len(usable) < FEWEST_VIDEOS and (experiment.data.validates or not usable):
        raise DataError(
            f"{folder}: {len(usable)} labelled videos with their files ({len(left_out)} left out);"
            " at least two are needed, one of them for validation (`mabe data check` says more)"
        )
    try:
        require_trainable(experiment, usable)
    except DataError as error:
        raise DataError(f"{folder}: {error}") from error
    return f"{folder}: {len(usable)} labelled videos ({len(left_out)} left out)"
