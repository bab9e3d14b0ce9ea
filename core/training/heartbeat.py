"""Signs of life between epochs: rate-limited ``step`` and ``system`` events."""

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
"""Seconds."""
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
        self._process.cpu_percent()  # the first reading is the point that the next is measured from
        self._system_due = clock() + SYSTEM_INTERVAL
        self._step_due = -math.inf
        self._since = self._latest = clock()
        self._steps: list[StepResult] = []

    def go_on(self) -> None:
        """Leave out the time since the latest step: it went to validating, saving, loading.

        So a second of training lies between two events: the first of an epoch is no single batch.
        """
        pause = self._clock() - self._latest
        self._since += pause
        self._latest += pause
        self._step_due += pause

    def step(
        self, progress: TrainingProgress, epoch_steps: int, result: StepResult, learning_rate: float
    ) -> None:
        """Take note of an optimiser step; emit what came together, when it is time.

        Args:
            progress: where training stands, after the step.
            epoch_steps: optimiser steps in a whole epoch.
            result: what the step saw.
            learning_rate: what it used.
        """
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
        """Say how the machine is doing, when it is time. Call it from anything that takes long."""
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
        # Without NVIDIA's Python bindings, or where a container hides them, it stays unknown.
        with contextlib.suppress(ModuleNotFoundError, RuntimeError):
            percent = float(torch.cuda.utilization(self._device))
        return percent, round(torch.cuda.memory_reserved(self._device) / MIB, 1)
