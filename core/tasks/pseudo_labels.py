"""Learning from a run's predictions on data that nobody has labelled, as tasks may offer it."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.predictor import Predictor


@runtime_checkable
class LearnsPseudoLabels(Protocol):
    """A :class:`~core.tasks.task.Task` that can take a predictor's answers for labels."""

    def learn_pseudo_labels(
        self, predictor: Predictor, key: str, request: RunRequest, cache: Path, progress: Progress
    ) -> None:
        """Predict the unlabelled units of the run's data, and learn from the answers as soft targets, too.

        Called once, before the first batch, in each of the processes that train. Batches stay a function of
        seed, epoch and number alone; of each epoch's batches, ``training.pseudo_share`` are of such units.
        Validation stays as it is.

        Args:
            predictor: of the run that ``training.pseudo_labels`` names.
            key: changes with that run's weights.
            request: of the run that is trained.
            cache: where the answers are kept, for resumed runs, other seeds and other processes.
            progress: called with (done, total, what).

        Raises:
            UserError: there is nothing unlabelled, or the predictor does not suit this task.
        """
        ...
