"""What a version needs of a data folder, whatever its task."""

from core.config.experiment import Experiment
from core.data.keypoints import name_of_set
from core.tasks.actions.settings import KEYPOINTS, MICE, ActionsExperiment
from core.tasks.behaviour.settings import behaviour_of


def layout_of(experiment: Experiment, what: str) -> tuple[str, int]:
    """Return the keypoint set and the mouse slots that a version needs.

    Args:
        experiment: the version.
        what: the command, for the error.

    Raises:
        ConfigError: its task learns nothing from such folders.
    """
    if isinstance(experiment, ActionsExperiment):
        return KEYPOINTS, MICE
    data = behaviour_of(experiment, what).data
    return name_of_set(data.keypoints), data.mice
