"""What all ensembles share: the description of their data, and the one epoch that measures them."""

import math
from collections.abc import Sequence

from core.config.task_modules import load_attribute
from core.config.task_spec import TaskSpec, labels_of, task_spec
from core.ensembles.members import InputRun, Member, members_of, scorer_of
from core.errors import ConfigError, RunError
from core.evaluation.stored_predictions import StoredPredictions
from core.run.emitter import Emitter
from core.run.events import Epoch
from core.run.request import RunRequest
from core.tasks.task import DataSummary, Measure


class DataOfRuns:
    """The data of an ensemble, as its members describe them.

    Args:
        request: with the runs that it is made of.
        inputs: those runs.
        predictions: of all validation units.
    """

    def __init__(
        self, request: RunRequest, inputs: list[InputRun], predictions: StoredPredictions
    ) -> None:
        self.spec: TaskSpec = task_spec(request.experiment.task)
        self.monitor = request.experiment.training.monitor
        first = inputs[0].resolved
        members = members_of(inputs)
        train = {unit for each in inputs for unit in each.resolved.train_units}
        self.summary = DataSummary(
            fingerprint=first.data_fingerprint,
            train_units=tuple(sorted(train)),
            validation_units=predictions.units,
            train_examples=0,
            validation_examples=predictions.examples,
            train_samples=0,
            train_label_examples={},
            validation_label_examples={},
            input_size=len(members) * len(predictions.labels),
            features_by=first.features_by,
            validation_source=members[0].source,
        )


def measure_of(request: RunRequest, predictions: StoredPredictions) -> Measure:
    """Measure predictions as the request's task does.

    Raises:
        ConfigError: the task cannot, or learns other labels.
    """
    experiment = request.experiment
    score = scorer_of(experiment)
    if predictions.labels != labels_of(experiment):
        raise ConfigError(
            f"the members predict {', '.join(predictions.labels)}, and {experiment.name} has"
            f" {', '.join(labels_of(experiment))}"
        )
    measure: Measure = load_attribute(score)(experiment, predictions)
    return measure


def emit_epoch(emitter: Emitter, step: int, seconds: float, metrics: dict[str, float]) -> None:
    """Emit the one epoch of an ensemble, which has no loss or learning rate of a training."""
    emitter.emit(
        Epoch,
        epoch=1,
        step=step,
        seconds=round(seconds, 3),
        train_loss=math.nan,
        learning_rate=math.nan,
        gradient_norm=math.nan,
        frames_per_second=math.nan,
        metrics=metrics,
    )


def require_same_source(members: Sequence[Member]) -> None:
    """Check that members were validated on the same content, where that is known.

    Raises:
        RunError: they were not.
    """
    sources = {member.source: member.name for member in members if member.source is not None}
    if len(sources) > 1:
        one, other, *_ = sources.values()
        raise RunError(
            f"{one} and {other} were validated on units of the same ids, but other content; train both on"
            " the same data"
        )
