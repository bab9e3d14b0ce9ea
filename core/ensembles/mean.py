"""The simplest ensemble: the mean of what several runs predict.

It is a run like any other: its request names the runs it is made of, and its one epoch measures the mean of
their kept predictions on the units that each of them was validated on. Where its members are runs of all
folds, these are out-of-fold predictions: no model predicts what it has learned from.
"""

import math
import time
from functools import cached_property
from pathlib import Path

from core.ensembles.measured import DataOfRuns, emit_epoch, measure_of, require_same_source
from core.ensembles.members import Member, members_of, open_inputs
from core.ensembles.sampling import VALUES_AT_ONCE
from core.evaluation.predictions import mean_of
from core.evaluation.stored_predictions import StoredPredictions, require_same_units
from core.run.emitter import Emitter
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.progress import Progress
from core.tasks.task import Measure
from core.training.fit import Complete, keep_evaluation
from core.training.kept_predictions import predictions_file
from core.training.state import TrainingProgress


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
        inputs = open_inputs(run_dir.path.parent, request.inputs)
        self._predictions = write_mean(members_of(inputs), run_dir.predictions, progress)
        self.learner = DataOfRuns(request, inputs, self._predictions)

    @cached_property
    def measure(self) -> Measure:
        """What the mean comes to."""
        return measure_of(self._request, self._predictions)

    def fit(self) -> Complete:
        """Measure the mean, as its one epoch."""
        metrics = self.measure.metrics()
        emit_epoch(self._emitter, 0, time.perf_counter() - self._began, metrics)
        monitored = metrics.get(self.learner.monitor, math.nan)
        self.progress.end_epoch(monitored, rises=self.learner.spec.rises(self.learner.monitor))
        keep_evaluation(self._run_dir, self.measure, better=True)
        return "epochs"


def write_mean(members: tuple[Member, ...], path: Path, progress: Progress) -> StoredPredictions:
    """Average the predictions of all members, some units at a time, into a file.

    Raises:
        UserError: a member kept none, or they are not of the same units, examples and labels.
    """
    names = [member.name for member in members]
    opened = [member.predictions() for member in members]
    require_same_units(opened, names)
    first, done = opened[0], 0
    with predictions_file(path) as file:
        for units in first.batches(VALUES_AT_ONCE // (len(members) * len(first.labels))):
            progress(done, len(first.units), "units averaged")
            file.append(mean_of([each.of_units(units) for each in opened], names).table())
            done += len(units)
        require_same_source(members)
        file.kept = True
    return StoredPredictions([path])
