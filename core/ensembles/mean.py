"""The simplest ensemble: the mean of what several runs predict.

It is a run like any other: its request names the runs it is made of, and its one epoch measures the mean of
their kept predictions on the units that each of them was validated on. Where its members are runs of all
folds, these are out-of-fold predictions: no model predicts what it has learned from.
"""

import math
import time
from functools import cached_property
from pathlib import Path

from core.config.task_modules import load_attribute
from core.config.task_spec import TaskSpec, labels_of, task_spec
from core.ensembles.members import InputRun, Member, members_of, open_input, scorer_of
from core.errors import ConfigError, RunError
from core.evaluation.predictions import mean_of
from core.evaluation.stored_predictions import StoredPredictions, require_same_units
from core.run.emitter import Emitter
from core.run.events import Epoch
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.progress import Progress
from core.tasks.task import DataSummary, Measure
from core.training.fit import Complete, keep_evaluation
from core.training.kept_predictions import predictions_file
from core.training.state import TrainingProgress


class MeanOfRuns:
    """The data of an ensemble, as its members describe them.

    Args:
        request: with the runs that it is made of.
        inputs: those runs.
        predictions: the mean of what they predict.
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


class MeanFit:
    """Averages the validation predictions of the runs that a request names.

    Reading them is most of the work, and is done at once.

    Args:
        run_dir: of the ensemble; its members are beside it.
        request: names them.
        emitter: takes the event of its one epoch.
        progress: called with (done, total, what); what it raises ends the reading.

    Raises:
        UserError: a member is gone, kept no predictions, or does not belong with the others.
    """

    steps_per_epoch = 0
    parameters = 0

    def __init__(
        self, run_dir: RunDir, request: RunRequest, emitter: Emitter, progress: Progress
    ) -> None:
        self._began = time.perf_counter()
        self._run_dir, self._request, self._emitter = run_dir, request, emitter
        self.progress = TrainingProgress()
        inputs = [open_input(RunDir(run_dir.path.parent / each.run)) for each in request.inputs]
        self._predictions = write_mean(members_of(inputs), run_dir.predictions, progress)
        self.learner = MeanOfRuns(request, inputs, self._predictions)

    @cached_property
    def measure(self) -> Measure:
        """What the mean comes to."""
        return measure_of(self._request, self._predictions)

    def fit(self) -> Complete:
        """Measure the mean, as its one epoch."""
        metrics = self.measure.metrics()
        self._emitter.emit(
            Epoch,
            epoch=1,
            step=0,
            seconds=round(time.perf_counter() - self._began, 3),
            train_loss=math.nan,
            learning_rate=math.nan,
            gradient_norm=math.nan,
            frames_per_second=math.nan,
            metrics=metrics,
        )
        monitored = metrics.get(self.learner.monitor, math.nan)
        self.progress.end_epoch(monitored, rises=self.learner.spec.rises(self.learner.monitor))
        keep_evaluation(self._run_dir, self.measure, better=True)
        return "epochs"


def write_mean(members: tuple[Member, ...], path: Path, progress: Progress) -> StoredPredictions:
    """Average the predictions of all members, unit by unit, into a file.

    Raises:
        UserError: a member kept none, or they are not of the same units, examples and labels.
    """
    names = [member.name for member in members]
    opened = [member.predictions() for member in members]
    require_same_units(opened, names)
    units = opened[0].units
    with predictions_file(path) as file:
        for done, unit in enumerate(units):
            progress(done, len(units), "units averaged")
            file.append(mean_of([each.of_unit(unit) for each in opened], names).table())
        _require_same_source(members)
        file.kept = True
    return StoredPredictions([path])


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


def _require_same_source(members: tuple[Member, ...]) -> None:
    sources = {member.source: member.name for member in members if member.source is not None}
    if len(sources) > 1:
        one, other, *_ = sources.values()
        raise RunError(
            f"{one} and {other} were validated on units of the same ids, but other content; train both on"
            " the same data"
        )
