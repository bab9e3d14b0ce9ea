"""One attempt of a run, from its first event to its last: data, resume, training, ending."""

import contextlib
import math
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import torch
from torch import nn

from core.errors import RunError
from core.run.code_version import code_version
from core.run.emitter import Emitter
from core.run.events import (
    DataReady,
    Finished,
    Preempted,
    Resumed,
    RunStarted,
    Stopped,
    Warned,
)
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.machine import choose_device, device_name, make_deterministic, process_device
from core.system.progress import Progress
from core.tasks.task import Learner, Task
from core.training.checkpoint import Checkpoint, CheckpointStore
from core.training.epochs import EpochFit
from core.training.fit import Complete, Fit
from core.training.follower import Assignment
from core.training.heartbeat import Heartbeat
from core.training.leader import process_count
from core.training.resolved import changes, resolved
from core.training.rng import seed_everything
from core.training.stopping import StopReason, StopWatch
from core.training.trainer import Trainer
from core.training.warm_start import freeze, load_start, take_over

TaskBuilder = Callable[[RunRequest, Path, torch.device, Progress], Task]
"""Builds the task from a request, the cache folder and the device; reports progress."""
FitBuilder = Callable[[RunDir, RunRequest, Emitter, Progress], Fit]
"""Builds the fit from a run, its request, and the emitter for its events; reports progress."""
PROGRESS_INTERVAL = 2.0
"""Seconds between two progress lines in the log."""


class Interrupted(Exception):  # noqa: N818 - not an error: leaves a preparation that is under way
    """A stop was requested in the middle of long work that reports its progress."""

    def __init__(self, stop: StopReason) -> None:
        super().__init__(stop.reason)
        self.stop = stop


class TrainingAttempt:
    """Runs one attempt. Every event except ``failed`` is emitted from here or from the fit.

    Args:
        run_dir: the folder of the run.
        request: the run's request.
        emitter: emits the run's events.
        watch: returns the reason to stop, if any.
        cache: folder of prepared and synthetic data.
        build: builds the task; ``None`` builds the one that the experiment names.
        other: builds the fit if it is not done by epochs of optimiser steps.
    """

    def __init__(
        self,
        run_dir: RunDir,
        request: RunRequest,
        emitter: Emitter,
        watch: StopWatch,
        cache: Path,
        build: TaskBuilder | None = None,
        other: FitBuilder | None = None,
    ) -> None:
        self._run_dir = run_dir
        self._request = request
        self._emitter = emitter
        self._watch = watch
        self._cache = cache
        self._build = build
        self._other = other
        self._code_version = code_version()
        self._line_due = -math.inf

    def run(self) -> None:
        """Train, and emit the final event.

        Raises:
            UserError: the run cannot continue, for a reason that the user can fix.
        """
        device = choose_device(self._request.experiment.hardware.device)
        self._processes = process_count(self._request.experiment, device)
        device = process_device(device, 0, self._processes)
        if self._processes > 1:
            torch.set_num_threads(max(1, torch.get_num_threads() // self._processes))
        self._emit_started(device)
        self._heartbeat = Heartbeat(self._emitter, device)
        seed_everything(self._request.seed)
        make_deterministic(device)
        checkpoint = self._resume()
        try:
            fit = self._prepare(device, checkpoint)
        except Interrupted as interrupted:
            at = (checkpoint.pointer.epoch, checkpoint.pointer.step) if checkpoint else (0, 0)
            self._emit_stopped(interrupted.stop, *at)
            return
        outcome: Complete | StopReason
        try:
            outcome = fit.fit()
        except Interrupted as interrupted:
            outcome = interrupted.stop
        if isinstance(outcome, StopReason):
            self._emit_stopped(outcome, fit.progress.epoch, fit.progress.step)
        else:
            self._emit_finished(outcome, fit)

    # ── before training ───────────────────────────────────────────────────────────────────────

    def _resume(self) -> Checkpoint | None:
        """Load the newest valid checkpoint and report that, before any event about the data."""
        store = CheckpointStore(self._run_dir)
        checkpoint = store.load_newest(lambda problem: self._warn("damaged_checkpoint", problem))
        if checkpoint is not None:
            store.settle(checkpoint)
            pointer = checkpoint.pointer
            self._emitter.emit(
                Resumed,
                from_attempt=pointer.attempt,
                from_seq=pointer.seq,
                epoch=pointer.epoch,
                step=pointer.step,
                file=pointer.file,
                sha256=pointer.sha256,
            )
        return checkpoint

    def _prepare(self, device: torch.device, checkpoint: Checkpoint | None) -> Fit:
        """Find the data, report them, and return the fit at the point from which it continues."""
        self._progress(0, 0, "opening the data")
        if self._other is not None:
            fit = self._other(self._run_dir, self._request, self._emitter, self._progress)
            self._resolve(fit.learner, device)
        else:
            fit = self._epochs(device, checkpoint)
        self._emit_data_ready(fit)
        return fit

    def _epochs(self, device: torch.device, checkpoint: Checkpoint | None) -> Fit:
        """Build the task and its trainer."""
        task = self._builder()(self._request, self._cache, device, self._progress)
        self._resolve(task, device)
        seed_everything(
            self._request.seed
        )  # the initial weights must not depend on what the task drew
        model = task.build_model()
        if checkpoint is None:
            self._warm_start(model)
        freeze(model, self._request.experiment.training.frozen)
        trainer = Trainer(
            model=model,
            experiment=self._request.experiment,
            task=task,
            device=device,
            run_dir=self._run_dir,
            emitter=self._emitter,
            heartbeat=self._heartbeat,
            stop_requested=self._watch,
        )
        at = None
        if checkpoint is not None:
            at = self._run_dir.checkpoints / checkpoint.pointer.file
            trainer.restore(checkpoint)
        return EpochFit(
            task=task,
            config=self._request.experiment.training,
            trainer=trainer,
            device=device,
            emitter=self._emitter,
            assignment=partial(self._assignment, device, at),
            processes=self._processes,
        )

    def _warm_start(self, model: nn.Module) -> None:
        """Take over the weights that the request names, and say what was not."""
        start = self._request.start
        if start is None:
            if self._request.experiment.training.start_from is not None:
                raise RunError(
                    "training.start_from: run.toml has no [start], which `mabe run` writes"
                )
            return
        matched = take_over(model, load_start(self._run_dir, start), start.run)
        say(f"starts from {start.run}, {start.file}")
        if matched.left:
            self._warn("start_from", f"started from {start.run}: {matched.sentence}")

    def _assignment(
        self, device: torch.device, checkpoint: Path | None, rank: int, meeting: Path
    ) -> Assignment:
        return Assignment(
            rank=rank,
            size=self._processes,
            meeting=meeting,
            device=device.type,
            threads=torch.get_num_threads(),
            request=self._request,
            cache=self._cache,
            build=self._builder(),
            checkpoint=checkpoint,
        )

    def _builder(self) -> TaskBuilder:
        if self._build is not None:
            return self._build
        from core.tasks.build import build_task

        return build_task

    def _resolve(self, learner: Learner, device: torch.device) -> None:
        """Record what was resolved, or warn about differences from the first attempt."""
        found = resolved(learner, device, self._code_version, self._processes)
        if (first := self._request.resolved) is not None:
            for code, message in changes(first, found):
                self._warn(code, message)
            return
        self._request = self._run_dir.change_request(
            lambda asked: msgspec.structs.replace(asked, resolved=found)
        )

    def _progress(self, done: int, total: int, what: str) -> None:
        """Print a progress line every few seconds; raise if there is a reason to stop.

        Raises:
            Interrupted: a signal, a limit or a newer attempt.
        """
        if (stop := self._watch()) is not None:
            raise Interrupted(stop)
        self._heartbeat.beat()
        now = time.monotonic()
        if now >= self._line_due or (total and done == total):
            self._line_due = now + PROGRESS_INTERVAL
            say(f"{what}: {done} of {total}" if total else what)

    # ── events ────────────────────────────────────────────────────────────────────────────────

    def _emit_started(self, device: torch.device) -> None:
        self._watch.found_device(device_name(device))
        self._emitter.emit(
            RunStarted,
            run=self._run_dir.id,
            experiment=self._request.experiment.name,
            device=device.type,
            device_name=device_name(device),
            torch=str(torch.__version__),
            threads=torch.get_num_threads(),
            code_version=self._code_version,
            pid=os.getpid(),
            seed=self._request.seed,
            startup_seconds=round(self._watch.elapsed, 3),
        )

    def _emit_data_ready(self, fit: Fit) -> None:
        summary, spec = fit.learner.summary, fit.learner.spec
        named = len(summary.train_units), len(summary.validation_units)
        train_units, validation_units = summary.unit_counts or named
        self._emitter.emit(
            DataReady,
            fingerprint=summary.fingerprint,
            train_units=train_units,
            validation_units=validation_units,
            train_examples=summary.train_examples,
            validation_examples=summary.validation_examples,
            train_samples=summary.train_samples,
            steps_per_epoch=fit.steps_per_epoch,
            input_size=summary.input_size,
            parameters=fit.parameters,
            train_label_examples=summary.train_label_examples,
            validation_label_examples=summary.validation_label_examples,
            unit=spec.unit.one,
            example=spec.example.one,
            falling=spec.falling(self._request.experiment),
        )
        for code, message in summary.warnings:
            self._warn(code, message)

    def _emit_stopped(self, stop: StopReason, epoch: int, step: int) -> None:
        if stop.reason == "preempted":
            self._emitter.emit(Preempted, epoch=epoch, step=step, signal=stop.signal)
        else:
            self._emitter.emit(Stopped, epoch=epoch, step=step, reason=stop.reason)

    def _emit_finished(self, complete: Complete, fit: Fit) -> None:
        progress = fit.progress
        self._emitter.emit(
            Finished,
            epoch=progress.epoch,
            step=progress.step,
            reason=complete,
            best_epoch=progress.best_epoch,
            best_metric=math.nan if progress.best_metric is None else progress.best_metric,
            monitor=fit.learner.monitor,
            seconds=round(self._watch.elapsed, 3),
        )

    def _warn(self, code: str, message: str) -> None:
        self._emitter.emit(Warned, code=code, message=message)


def say(line: str) -> None:
    """Print one line of plain log output, even if nothing reads it any more."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)
