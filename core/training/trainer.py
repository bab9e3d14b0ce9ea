"""The training loop. It depends on :class:`~core.tasks.task.Task` only, not on what is learned."""

import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import nn

from core.config.experiment import Experiment, to_table
from core.errors import ConfigError, RunError
from core.run.emitter import Emitter
from core.run.events import Epoch, Warned
from core.run.rundir import RunDir, epoch_pointer
from core.tasks.task import Batch, Task
from core.training.checkpoint import Checkpoint, CheckpointStore
from core.training.compiling import compile_forward
from core.training.distributed import ALONE, Command, CommandKind, ProcessGroup
from core.training.evaluate import evaluate
from core.training.fit import Complete, keep_evaluation
from core.training.heartbeat import Heartbeat
from core.training.kept_predictions import PredictionsWriter, predictions_file
from core.training.rng import rng_state
from core.training.state import TrainingState
from core.training.step import StepResult, optimise
from core.training.stopping import StopReason

BROKEN_LIMIT = 3
"""Consecutive steps without a finite loss or gradient after which a run fails: it will not recover."""


class _Measured(NamedTuple):
    """What the monitored metric of an epoch has come to."""

    better: bool
    monitored: float


class Trainer:
    """Trains one task to its end, or until it is stopped."""

    def __init__(
        self,
        *,
        experiment: Experiment,
        task: Task,
        device: torch.device,
        run_dir: RunDir,
        emitter: Emitter,
        heartbeat: Heartbeat,
        stop_requested: Callable[[], StopReason | None],
        model: nn.Module | None = None,
    ) -> None:
        self._rises = task.spec.rises(task.monitor)
        self.state = TrainingState(
            experiment.training, model or task.build_model(), device, rises=self._rises
        )
        self._experiment = experiment
        self._config = experiment.training
        self._task = task
        self._run_dir = run_dir
        self._store = CheckpointStore(run_dir, self._config.keep_last)
        self._emitter = emitter
        self._stop_requested = stop_requested
        self._heartbeat = heartbeat
        self._saved_at = (0, 0)
        self._group: ProcessGroup = ALONE

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch."""
        return math.ceil(self._task.steps_per_epoch() / self._config.accumulation_steps)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint.

        Raises:
            CheckpointError: it does not fit the model.
        """
        self.state.load_state_dict(checkpoint.content)
        self._saved_at = (self.state.progress.epoch, self.state.progress.step)

    def train(self, group: ProcessGroup = ALONE) -> Complete | StopReason:
        """Train until the last epoch, early stopping, or a reason to stop, which leaves a checkpoint.

        Args:
            group: the processes that train together, led by this one.

        Raises:
            RunError: the loss is NaN or infinite.
            ConfigError: the monitored metric is not measured.
            UserError: the run folder cannot be written.
        """
        self._group = group
        if self.state.precision.refused:
            self._warn(
                "mixed_precision",
                f"training.mixed_precision = {self._config.mixed_precision!r} needs CUDA;"
                " this run computes in float32",
            )
        if self._config.compile and (problem := compile_forward(self.state, self._task, group)):
            self._warn(
                "compile",
                f"training.compile: the model cannot be compiled here, and runs as it is ({problem})",
            )
        while (complete := self._complete()) is None:
            stop = self._epoch()
            if stop is not None:
                self._save_unfinished(stop)
                return stop
        return complete

    def _complete(self) -> Complete | None:
        progress, patience = self.state.progress, self._config.early_stopping_patience
        if progress.epoch >= self._config.epochs:
            return "epochs"
        if patience is not None and progress.epochs_since_best >= patience:
            return "early_stopping"
        return None

    # ── one epoch ─────────────────────────────────────────────────────────────────────────────

    def _epoch(self) -> StopReason | None:
        """Train, validate, report and save one epoch, from the current position in it."""
        state = self.state
        epoch = state.progress.epoch + 1
        state.set_learning_rate(state.schedule.rate(epoch))
        if (stop := self._train_epoch(epoch)) is not None:
            return stop
        if self._task.summary.validation_examples:
            return self._validate(epoch)
        self._report(epoch, {})
        self._save(best=state.progress.end_epoch(None), metric=None)
        return None

    def _validate(self, epoch: int) -> StopReason | None:
        if self._config.keep_predictions:
            with predictions_file(self._run_dir.predictions) as predictions:
                found = self._measured(epoch, predictions)
        else:
            found = self._measured(epoch, None)
        if not isinstance(found, _Measured):
            return found
        # Last: a run that dies before resumes in front of this epoch, and writes its files again.
        self._save(best=found.better, metric=found.monitored)
        return None

    def _measured(
        self, epoch: int, predictions: PredictionsWriter | None
    ) -> "_Measured | StopReason | None":
        state, began = self.state, time.perf_counter()
        measure = evaluate(
            state.predictor, self._task, state.precision, self._interrupted, predictions
        )
        state.progress.sums.seconds += time.perf_counter() - began
        if (stop := self._stop_requested()) is not None or measure is None:
            return stop
        # float() also converts numpy's numbers.
        metrics = {name: float(value) for name, value in measure.metrics().items()}
        monitored = self._monitored(metrics)
        self._report(epoch, metrics)
        state.schedule.epoch_done(epoch, monitored)
        better = state.progress.end_epoch(monitored, rises=self._rises)
        keep_evaluation(self._run_dir, measure, better)
        if predictions is not None:
            predictions.kept = better
        return _Measured(better, monitored)

    def _train_epoch(self, epoch: int) -> StopReason | None:
        progress, accumulation = self.state.progress, self._config.accumulation_steps
        skip = progress.epoch_step * accumulation
        self._group.order(Command(CommandKind.EPOCH, epoch, skip, self.state.learning_rate))
        batches = self._task.train_batches(epoch, skip)
        self.state.train()
        self._heartbeat.go_on()
        for _ in range(progress.epoch_step, self.steps_per_epoch):
            if (stop := self._stop_requested()) is not None:
                return stop
            self._step(batches)
        return None

    def _step(self, batches: Iterator[Batch]) -> None:
        began = time.perf_counter()
        progress = self.state.progress
        micro_batches = islice(batches, self._config.accumulation_steps)
        self._group.order(Command(CommandKind.STEP))
        result = optimise(
            self.state, self._task, micro_batches, self._config.gradient_clip, self._group
        )
        progress.step += 1
        progress.epoch_step += 1
        seconds = time.perf_counter() - began
        progress.sums.train_seconds += seconds
        progress.sums.seconds += seconds
        if result.broken:
            self._report_broken(result)
            return
        progress.broken_in_a_row = 0
        if self.state.average is not None:
            self.state.average.update()
        progress.sums.add(
            result.loss_total, result.loss_weight, result.gradient_norm, result.examples
        )
        self._heartbeat.step(progress, self.steps_per_epoch, result, self.state.learning_rate)

    def _interrupted(self) -> bool:
        self._heartbeat.beat()
        return self._stop_requested() is not None

    def _monitored(self, metrics: dict[str, float]) -> float:
        monitor = self._task.monitor
        if monitor not in metrics:
            choices = ", ".join(sorted(metrics))
            raise ConfigError(
                f"training.monitor: {monitor!r} is not measured; choose one of {choices}"
            )
        # A model whose loss is NaN predicts nothing useful, whatever its other metrics are.
        return metrics[monitor] if math.isfinite(metrics.get("loss", 0.0)) else math.nan

    # ── reporting and saving ──────────────────────────────────────────────────────────────────

    def _report(self, epoch: int, metrics: dict[str, float]) -> None:
        sums = self.state.progress.sums
        self._emitter.emit(
            Epoch,
            epoch=epoch,
            step=self.state.progress.step,
            seconds=round(sums.seconds, 3),
            train_loss=sums.mean_loss,
            learning_rate=self.state.learning_rate,
            gradient_norm=sums.mean_gradient_norm,
            frames_per_second=round(sums.frames_per_second, 1),
            metrics=metrics,
        )

    def _report_broken(self, result: StepResult) -> None:
        progress = self.state.progress
        progress.broken_in_a_row += 1
        where = f"epoch {progress.epoch + 1}, step {progress.epoch_step} of {self.steps_per_epoch}"
        what = f"loss {result.loss}, gradient norm {result.gradient_norm}"
        self._warn("non_finite", f"{where}: {what}; the step is left out")
        if progress.broken_in_a_row >= BROKEN_LIMIT:
            raise RunError(
                f"{where}: loss or gradient were not finite in {BROKEN_LIMIT} steps in a row; lower"
                " training.learning_rate, set training.gradient_clip, or look at the data"
                " (`mabe data check`)"
            )

    def _warn(self, code: str, message: str) -> None:
        self._emitter.emit(Warned, code=code, message=message)

    def _save_unfinished(self, stop: StopReason) -> None:
        """Save the last completed step, unless it is already saved or a newer attempt owns the folder."""
        progress = self.state.progress
        if stop.saves and self._saved_at != (progress.epoch, progress.step):
            self._save(best=False, metric=None)

    def _save(self, *, best: bool, metric: float | None) -> None:
        progress = self.state.progress
        closed = progress.epoch_step == 0
        pointers = []
        if closed and progress.epoch % self._config.save_every == 0:
            pointers.append(epoch_pointer(progress.epoch))
        if best:
            pointers.append("best")
        self._store.save(
            self._content(),
            emitter=self._emitter,
            epoch=progress.epoch,
            step=progress.step,
            pointers=[*pointers, "last"],
            metric=metric,
        )
        self._saved_at = (progress.epoch, progress.step)

    def _content(self) -> dict[str, Any]:
        return {
            **self.state.state_dict(),
            "rng": self._group.gather(rng_state()),
            "experiment": to_table(self._experiment),
            "input_spec": self._task.input_table(),
            "task": self._task.state_dict(),
        }
