"""Learning from a run's predictions on data that nobody has labelled, as tasks may offer it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.predictor import Predictor


@dataclass(frozen=True, slots=True)
class EvenlySpread:
    """How the batches of unlabelled data are spread over an epoch's batches: evenly."""

    hard: int
    """Batches of labelled data."""
    count: int
    """Batches of unlabelled data."""

    @classmethod
    def of(cls, hard: int, share: float) -> Self:
        """Return the spread in which unlabelled data have a share of all batches, above 0 and below 1."""
        return cls(hard, max(1, round(hard * share / (1 - share))))

    def before(self, number: int) -> int:
        """Return how many of an epoch's first ``number`` batches are of unlabelled data."""
        return number * self.count // (self.hard + self.count)

    def place(self, number: int) -> tuple[bool, int]:
        """Return whether a batch is of unlabelled data, and its number among those of its kind."""
        before = self.before(number)
        soft = self.before(number + 1) > before
        return soft, before if soft else number - before


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
