"""Models that predict actions of pairs of mice, whatever their task."""

from typing import Protocol, runtime_checkable

from core.data.competition import Video
from core.errors import ConfigError
from core.evaluation.pair_probabilities import PairProbabilities
from core.inference.predictor import Device, load_predictor
from core.run.rundir import RunDir


@runtime_checkable
class PairPredictor(Protocol):
    """Implemented in addition by a :class:`~core.tasks.predictor.Predictor` that can make a submission."""

    def pair_probabilities(self, video: Video, tta: bool = False) -> PairProbabilities:
        """Read and predict one video; annotations are not read.

        Args:
            video: a video that has its tracking file.
            tta: average over views, such as the mirror image.

        Raises:
            DataError: its tracking is missing or damaged.
        """
        ...


def load_pair_predictor(run: RunDir, device: Device = "auto") -> PairPredictor:
    """Load the best checkpoint of a run.

    Raises:
        CheckpointError: there is none, or it cannot be used.
        ConfigError: its task does not predict pairs, or CUDA is requested and not available.
        RunError: the run cannot be read.
    """
    found = load_predictor(run, "best", device)
    if not isinstance(found, PairPredictor):
        task = run.read_request().experiment.task
        raise ConfigError(
            f"{run.id}: its task {task!r} does not predict pairs of animals, so it cannot be submitted"
        )
    return found
