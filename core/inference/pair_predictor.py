"""Models that say something of pairs of mice, whatever their task."""

from typing import Protocol, runtime_checkable

from core.data.competition import Video
from core.errors import ConfigError
from core.evaluation.pair_probabilities import PairProbabilities
from core.inference.predictor import Device, load_predictor
from core.run.rundir import RunDir


@runtime_checkable
class PairPredictor(Protocol):
    """What a task's :class:`~core.tasks.predictor.Predictor` has as well, if it can make a submission."""

    def pair_probabilities(self, video: Video, tta: bool = False) -> PairProbabilities:
        """Read and predict one video; annotations are not read.

        Args:
            video: with its tracking file.
            tta: average over views, such as the mirror image.

        Raises:
            DataError: its tracking is missing or damaged.
        """
        ...


def load_pair_predictor(run: RunDir, device: Device = "auto") -> PairPredictor:
    """Load the best checkpoint of a run.

    Raises:
        CheckpointError: there is none, or it cannot be used.
        ConfigError: its task says nothing of pairs, or CUDA is requested and not available.
        RunError: the run cannot be read.
    """
    found = load_predictor(run, "best", device)
    if not isinstance(found, PairPredictor):
        task = run.read_request().experiment.task
        raise ConfigError(
            f"{run.id}: its task {task!r} says nothing of pairs of animals, so it makes no submission"
        )
    return found
