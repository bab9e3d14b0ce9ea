"""Progress reports between epochs: rate-limited ``step`` and ``system`` events."""

import contextlib
import math
import time
from collections.abc import Callable

import psutil
import torch

from core.run.emitter import Emitter
from core.run.events import Step, System
from core.training.state import TrainingProgress
from core.training.step import StepResult

STEP_INTERVAL = 1.0
SYSTEM_INTERVAL = 5.0
"""In seconds."""
MIB = 2**20


class Heartbeat:
    """Emits at most one ``step`` event a second and one ``system`` event every five."""

    def __init__(
        self,
        emitter: Emitter,
        device: torch.device,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._emitter = emitter
        self._device = device
        self._clock = clock
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first reading is the reference for the next
        self._system_due = clock() + SYSTEM_INTERVAL
        self._step_due = -math.inf
        self._since = self._latest = clock()
        self._steps: list[StepResult] = []

    def go_on(self) -> None:
        """Exclude the time since the latest step, which was spent on validating, saving or loading.

        This leaves a second of training between two events, so the first one of an epoch covers more than a
        single batch.
        """
        pause = self._clock() - self._latest
        self._since += pause
        self._latest += pause
        self._step_due += pause

    def step(
        self, progress: TrainingProgress, epoch_steps: int, result: StepResult, learning_rate: float
    ) -> None:
        """Record an optimiser step; emit an event if one is due.

        Args:
            progress: position in training after the step.
            epoch_steps: optimiser steps in a whole epoch.
            result: loss, gradient norm and counts of the step.
            learning_rate: learning rate of the step.
        """
        self._emitter.step = progress.step
        self._steps.append(result)
        self._latest = now = self._clock()
        if now >= self._step_due:
            self._step_due = now + STEP_INTERVAL
            self._emit_step(progress, epoch_steps, learning_rate, now)
        self.beat()

    def _emit_step(
        self, progress: TrainingProgress, epoch_steps: int, learning_rate: float, now: float
    ) -> None:
        weight = sum(result.loss_weight for result in self._steps)
        elapsed = now - self._since
        self._emitter.emit(
            Step,
            epoch=progress.epoch + 1,
            step=progress.step,
            epoch_step=progress.epoch_step,
            epoch_steps=epoch_steps,
            loss=sum(r.loss_total for r in self._steps) / weight if weight else math.nan,
            learning_rate=learning_rate,
            gradient_norm=self._steps[-1].gradient_norm,
            frames_per_second=sum(r.examples for r in self._steps) / elapsed if elapsed else 0.0,
        )
        self._since = now
        self._steps.clear()

    def beat(self) -> None:
        """Emit the machine's load if that is due. Call this from anything that takes long."""
        now = self._clock()
        if now < self._system_due:
            return
        self._system_due = now + SYSTEM_INTERVAL
        gpu_percent, gpu_memory = self._gpu()
        self._emitter.emit(
            System,
            cpu_percent=self._process.cpu_percent(),
            memory_mib=round(self._process.memory_info().rss / MIB, 1),
            gpu_percent=gpu_percent,
            gpu_memory_mib=gpu_memory,
        )

    def _gpu(self) -> tuple[float | None, float | None]:
        if self._device.type != "cuda":
            return None, None
        percent: float | None = None
        # Without NVIDIA's Python bindings, or if a container hides them, it stays unknown.
        with contextlib.suppress(ModuleNotFoundError, RuntimeError):
            percent = float(torch.cuda.utilization(self._device))
        return percent, round(torch.cuda.memory_reserved(self._device) / MIB, 1)
