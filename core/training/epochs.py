"""Fit by epochs of optimiser steps, in one process or several."""

from collections.abc import Callable
from pathlib import Path

import torch

from core.config.experiment import TrainingConfig
from core.errors import RunError
from core.run.emitter import Emitter
from core.run.events import Failed
from core.system.machine import device_name
from core.tasks.task import Task
from core.training.fit import Complete
from core.training.follower import Assignment
from core.training.leader import lead
from core.training.state import TrainingProgress
from core.training.stopping import StopReason
from core.training.trainer import Trainer

Assign = Callable[[int, Path], Assignment]
"""Builds a follower's assignment from its rank and the meeting file."""


class EpochFit:
    """Trains a task through a :class:`~core.training.trainer.Trainer`.

    Args:
        task: the task, with its data.
        config: training settings.
        trainer: its trainer, at the point from which training continues.
        device: the device of the leader.
        emitter: emits the final event if a follower died.
        assignment: builds each follower's assignment.
        processes: number of processes that share each batch.
    """

    def __init__(
        self,
        *,
        task: Task,
        config: TrainingConfig,
        trainer: Trainer,
        device: torch.device,
        emitter: Emitter,
        assignment: Assign,
        processes: int,
    ) -> None:
        self.learner = task
        self._config, self._trainer, self._device, self._emitter = config, trainer, device, emitter
        self._assignment, self._processes = assignment, processes

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch."""
        return self._trainer.steps_per_epoch

    @property
    def parameters(self) -> int:
        """Number of trainable parameters of the model."""
        return self._trainer.state.parameters()

    @property
    def progress(self) -> TrainingProgress:
        """Current position in training."""
        return self._trainer.state.progress

    def fit(self) -> Complete | StopReason:
        """Train, in several processes if there are several GPUs; explain a lack of memory.

        Raises:
            RunError: the GPU's memory is full, or another of the run's processes died.
        """
        model = self._trainer.state.model
        try:
            with lead(self._assignment, self._processes, model, self._give_up) as group:
                return self._trainer.train(group)
        except torch.OutOfMemoryError as error:
            config = self._config
            raise RunError(
                f"{device_name(self._device)}: its memory is full at training.batch_size ="
                f" {config.batch_size}; lower it and raise training.accumulation_steps (now"
                f" {config.accumulation_steps}) by as much, which makes the same updates"
            ) from error

    def _give_up(self, line: str) -> None:
        self._emitter.emit(Failed, error=line, type=RunError.__name__)
