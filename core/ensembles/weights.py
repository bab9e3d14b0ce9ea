"""A model whose weights are the mean of several checkpoints', or those of one, measured anew.

Averaging the weights of several epochs of one run is stochastic weight averaging (Izmailov and others, 2018);
of several runs with one beginning, a model soup (Wortsman and others, 2022). Weights that come from different
beginnings do not belong together: their mean predicts little.
"""

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from core.config.experiment import to_table
from core.config.task_spec import task_spec
from core.ensembles.measured import emit_epoch
from core.ensembles.members import open_input
from core.ensembles.request import renamed, without_training
from core.errors import CheckpointError, ConfigError, RunError
from core.run.emitter import Emitter
from core.run.places import cache_of_run
from core.run.request import Input, RunRequest
from core.run.rundir import RunDir, new_run_id
from core.system.machine import choose_device
from core.system.progress import Progress
from core.tasks.build import build_task
from core.tasks.task import Task
from core.training.checkpoint import CheckpointStore
from core.training.checkpoint_file import predicting_weights, read_checkpoint
from core.training.evaluate import evaluate
from core.training.fit import Complete, keep_evaluation
from core.training.kept_predictions import predictions_file
from core.training.precision import Precision
from core.training.state import TrainingProgress

Weights = Mapping[str, Tensor]


def weights_request(runs: Sequence[RunDir], checkpoints: Sequence[str], name: str) -> RunRequest:
    """Write down a run whose weights are the mean of checkpoints. Touches nothing.

    Args:
        runs: one or more, all in one folder; the first one's data and validation units are measured on.
        checkpoints: the pointer of each, such as ``best`` or ``epoch-0005``.
        name: that it is listed under, in a version's place.

    Raises:
        RunError: a run or checkpoint is not there, or its models are not trained by epochs.
    """
    opened = [open_input(run) for run in runs]
    averaged = []
    for run, which in zip(runs, checkpoints, strict=True):
        pointer = run.read_pointer(which)
        if pointer is None:
            raise RunError(
                f"{run.id} has no checkpoint {which!r}; `mabe checkpoints {run.id}` lists them"
            )
        averaged.append(Input(run=run.id, file=pointer.file, sha256=pointer.sha256))
    now, first = dt.datetime.now(dt.UTC), opened[0].request
    experiment = first.experiment
    if task_spec(experiment.task).fit(experiment) is not None:
        raise RunError(f"{runs[0].id} is not trained by epochs, so it has one checkpoint, its best")
    named = ", ".join(f"{run.id}@{which}" for run, which in zip(runs, checkpoints, strict=True))
    title = f"{'mean of the weights' if len(runs) > 1 else 'weights'} of {named}"[:200]
    return RunRequest(
        run=new_run_id(name, now),
        created=now,
        launcher="local",
        seed=first.seed,
        experiment=msgspec.structs.replace(
            renamed(experiment, name, title),
            training=msgspec.structs.replace(
                without_training(experiment.training),
                keep_predictions=experiment.data.validates,
            ),
        ),
        data=first.data,
        task_source=first.task_source,
        averaged=tuple(averaged),
    )


class WeightsFit:
    """Averages the weights of the checkpoints that a request names, and measures the model.

    Args:
        run_dir: of the run; the others are beside it.
        request: names them.
        emitter: takes the events of its one epoch and of its checkpoint.
        progress: called with (done, total, what); what it raises ends the work.

    Raises:
        UserError: a checkpoint is gone, has changed, or is of another architecture; or the data are gone.
    """

    steps_per_epoch = 0

    def __init__(
        self, run_dir: RunDir, request: RunRequest, emitter: Emitter, progress: Progress
    ) -> None:
        self._began = time.perf_counter()
        self._run_dir, self._request, self._emitter, self._tell = (
            run_dir,
            request,
            emitter,
            progress,
        )
        weights = averaged_weights(run_dir.path.parent, request.averaged)
        self._device = choose_device(request.experiment.hardware.device)
        self._task: Task = build_task(request, cache_of_run(run_dir.path), self._device, progress)
        self._model = self._task.build_model()
        try:
            self._model.load_state_dict(dict(weights))
        except RuntimeError as error:
            raise CheckpointError(
                f"the weights of {request.averaged[0].run} do not fit the model of its settings ({error})"
            ) from error
        self._model.to(self._device)
        self.progress = TrainingProgress()

    @property
    def learner(self) -> Task:
        """The task of the first run."""
        return self._task

    @property
    def parameters(self) -> int:
        """Number of parameters of the model."""
        return sum(parameter.numel() for parameter in self._model.parameters())

    def fit(self) -> Complete:
        """Measure the model on the validation units, and save it."""
        if len(self._request.averaged) > 1:
            self._estimate_statistics()
        if not self._task.summary.validation_examples:
            emit_epoch(self._emitter, 0, time.perf_counter() - self._began, {})
            self.progress.end_epoch(None)
            self._save(None)
            return "epochs"
        with predictions_file(self._run_dir.predictions) as predictions:
            precision = Precision(None, self._device)
            measure = evaluate(self._model, self._task, precision, self._beat, predictions)
            assert measure is not None  # what interrupts raises
            predictions.kept = True
        metrics = {name: float(value) for name, value in measure.metrics().items()}
        monitor = self._task.monitor
        if monitor not in metrics:
            raise ConfigError(f"training.monitor: {monitor!r} is not measured")
        emit_epoch(self._emitter, 0, time.perf_counter() - self._began, metrics)
        self.progress.end_epoch(metrics[monitor], rises=self._task.spec.rises(monitor))
        keep_evaluation(self._run_dir, measure, better=True)
        self._save(metrics[monitor])
        return "epochs"

    def _estimate_statistics(self) -> None:
        """Estimate the means and variances of batch normalisation anew, over the batches of one epoch.

        Those of the checkpoints belong to other weights. As torch.optim.swa_utils.update_bn does it.
        """
        norms = [
            module
            for module in self._model.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
        ]
        if not norms:
            return
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
        self._model.train()
        steps = self._task.steps_per_epoch()
        with torch.no_grad():
            for done, batch in enumerate(self._task.train_batches(1)):
                self._tell(done, steps, "batches, for the statistics of batch normalisation")
                self._model(batch.inputs)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        self._model.eval()

    def _beat(self) -> bool:
        self._tell(0, 0, "validating")
        return False

    def _save(self, metric: float | None) -> None:
        content: dict[str, Any] = {
            "experiment": to_table(self._request.experiment),
            "input_spec": self._task.input_table(),
            "model": {name: value.cpu() for name, value in self._model.state_dict().items()},
            "average": {},
            "optimizer": {},
            "schedule": {},
            "scaler": {},
            "rng": [],
            "progress": msgspec.to_builtins(self.progress),
            "task": self._task.state_dict(),
        }
        CheckpointStore(self._run_dir).save(
            content,
            emitter=self._emitter,
            epoch=self.progress.epoch,
            step=0,
            pointers=["best", "last"],
            metric=metric,
        )


def averaged_weights(runs: Path, inputs: Sequence[Input]) -> Weights:
    """Return the mean of checkpoints' weights, or where a run kept one, of their moving averages.

    Args:
        runs: folder of the runs.
        inputs: the checkpoints.

    Raises:
        CheckpointError: one is gone or has changed.
        ConfigError: they are not of one architecture.
    """
    first: dict[str, Tensor] = {}
    totals: dict[str, Tensor] = {}
    for each in inputs:
        path = RunDir(runs / each.run).checkpoints / each.file
        weights = predicting_weights(read_checkpoint(path, each.sha256))
        if not totals:
            first = weights
            totals = {name: value.double() for name, value in weights.items()}
            continue
        _require_same_shape(first, weights, inputs[0].run, each.run)
        for name, value in weights.items():
            totals[name] += value
    return {
        name: (total / len(inputs)).to(first[name].dtype)
        if first[name].is_floating_point()
        else first[name]
        for name, total in totals.items()
    }


def _require_same_shape(one: Weights, other: Weights, name: str, other_name: str) -> None:
    for key in dict.fromkeys([*one, *other]):
        shapes = [weights[key].shape if key in weights else None for weights in (one, other)]
        if shapes[0] != shapes[1]:
            mine, theirs = (
                "nothing" if s is None else "×".join(map(str, s)) or "one number" for s in shapes
            )
            raise ConfigError(
                f"{name} and {other_name} are not of one architecture: {key} is {mine} in the one, and"
                f" {theirs} in the other; only weights of the same model can be averaged"
            )
