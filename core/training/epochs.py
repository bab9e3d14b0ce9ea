"""Fitting by epochs of optimiser steps, alone or with other processes."""

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
"""From rank and meeting place to what a follower is told."""


class EpochFit:
    """Trains a task through a :class:`~core.training.trainer.Trainer`.

    Args:
        task: on its data.
        config: how it is trained.
        trainer: of it, where training is to go on from.
        device: that the leader computes on.
        emitter: takes the last word where a follower died.
        assignment: what each follower is told.
        processes: that share each batch.
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
        """Optimiser steps in an epoch."""
        return self._trainer.steps_per_epoch

    @property
    def parameters(self) -> int:
        """Trainable numbers of the model."""
        return self._trainer.state.parameters()

    @property
    def progress(self) -> TrainingProgress:
        """Where training stands."""
        return self._trainer.state.progress

    def fit(self) -> Complete | StopReason:
        """Train, with others where there are several GPUs; say in words where memory is too small.

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
