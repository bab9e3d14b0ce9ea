"""Learning from the probabilities that a trained run gives the training examples, as tasks may offer it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from core.evaluation.stored_predictions import StoredPredictions
from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained run, or an ensemble, that says how probable each label of an example is."""

    name: str
    """As ``training.teacher`` states it."""
    key: str
    """Changes with its weights and with what it kept."""
    load: Callable[[], Predictor]
    """Loads what predicts; not called where its answers are in the cache.

    Raises:
        UserError: a checkpoint is gone, damaged or has changed.
    """
    kept: StoredPredictions | None = None
    """Predictions of models that have not learned from these units, if it has kept any."""

    def has_kept(self, unit: str) -> bool:
        """Return whether it has kept predictions of a unit."""
        return self.kept is not None and unit in self.kept.units


@runtime_checkable
class LearnsFromTeacher(Protocol):
    """A :class:`~core.tasks.task.Task` that can take a teacher's answers into its loss."""

    def learn_from(
        self, teacher: Teacher, request: RunRequest, cache: Path, progress: Progress
    ) -> None:
        """Ask a teacher about every training example, and let batches carry its answers.

        Called once, before the first batch, in each of the processes that train. Batches hold the same
        examples as without; the loss of one that carries answers is as
        :func:`core.losses.distillation.shared` says. Validation stays as it is.
        :func:`core.tasks.soft_labels.soft_labels` keeps the answers.

        Args:
            teacher: the run that ``training.teacher`` names.
            request: of the run that is trained.
            cache: where answers are kept, for resumed runs, other seeds and other processes.
            progress: called with (done, total, what).

        Raises:
            UserError: the teacher does not suit this task or these data.
        """
        ...
