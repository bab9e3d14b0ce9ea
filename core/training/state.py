"""Everything that training changes from step to step; saved to and restored from checkpoints."""

import math
from collections.abc import Callable
from typing import Any, Self

import msgspec
import torch
from torch import nn

from core.config.experiment import TrainingConfig
from core.errors import CheckpointError
from core.system.tree import Tree
from core.tasks.loaded import FIT_ERRORS
from core.training.average import WeightAverage
from core.training.precision import Precision
from core.training.recompute import recompute_blocks
from core.training.rng import restore_rng
from core.training.schedules import Schedule
from core.training.warm_start import train_mode

Forward = Callable[[Tree], Any]
"""A batch's inputs → the model's output."""


class EpochSums(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Running sums of the current epoch, so that an interrupted one reports as if it were whole."""

    loss_total: float = 0.0
    loss_weight: float = 0.0
    gradient_norm: float = 0.0
    steps: int = 0
    """Number of optimiser steps included in the gradient norm sum; non-finite ones are not counted."""
    frames: int = 0
    train_seconds: float = 0.0
    seconds: float = 0.0
    """Duration of training and validation."""

    def add(self, loss_total: float, loss_weight: float, gradient_norm: float, frames: int) -> None:
        """Add one optimiser step.

        A float16 step whose gradient overflowed has a loss but no norm to average.
        """
        self.loss_total += loss_total
        self.loss_weight += loss_weight
        self.frames += frames
        if math.isfinite(gradient_norm):
            self.gradient_norm += gradient_norm
            self.steps += 1

    @property
    def mean_loss(self) -> float:
        """Loss per unit of weight; NaN if nothing was summed."""
        return self.loss_total / self.loss_weight if self.loss_weight else math.nan

    @property
    def mean_gradient_norm(self) -> float:
        """Mean over the steps; NaN if there were none."""
        return self.gradient_norm / self.steps if self.steps else math.nan

    @property
    def frames_per_second(self) -> float:
        """Frames per second of training time."""
        return self.frames / self.train_seconds if self.train_seconds else 0.0


class TrainingProgress(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Position in training."""

    epoch: int = 0
    """Number of completed epochs."""
    epoch_step: int = 0
    """Optimiser steps done in the current epoch."""
    step: int = 0
    """Optimiser steps since the start of the run."""
    best_metric: float | None = None
    best_epoch: int = 0
    epochs_since_best: int = 0
    """Epochs without improvement, for early stopping."""
    broken_in_a_row: int = 0
    """Number of consecutive steps, up to the latest, whose loss or gradient was not finite."""
    sums: EpochSums = msgspec.field(default_factory=EpochSums)

    def end_epoch(self, metric: float | None, *, rises: bool = True) -> bool:
        """Complete the current epoch; return whether ``metric`` is the best so far.

        NaN is never better; in case of a tie the earlier epoch stays best.

        Args:
            metric: value of the monitored metric; ``None`` if nothing is measured, in which case the latest
                epoch is the best.
            rises: whether a larger value is better.
        """
        self.epoch += 1
        self.epoch_step = 0
        self.sums = EpochSums()
        if metric is None:
            self.best_epoch = self.epoch
            return True
        best = self.best_metric
        gains = best is None or (metric > best if rises else metric < best)
        better = math.isfinite(metric) and gains
        if better:
            self.best_metric, self.best_epoch, self.epochs_since_best = metric, self.epoch, 0
        else:
            self.epochs_since_best += 1
        return better


class TrainingState:
    """Model, average, optimiser, schedule, precision and progress of one run.

    Args:
        config: training settings.
        model: the network, on any device.
        device: the device to train on.
        rises: whether a larger value of the monitored metric is better.
    """

    def __init__(
        self, config: TrainingConfig, model: nn.Module, device: torch.device, *, rises: bool = True
    ) -> None:
        self.model = model.to(device)
        self.average = WeightAverage(self.model, config.ema_decay) if config.ema_decay else None
        if config.checkpoint_activations:
            recompute_blocks(self.model)
        self.forward: Forward = self.model
        """The model's forward pass, compiled if requested."""
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=device.type == "cuda",
        )
        self.schedule = Schedule(config, rises=rises)
        self.precision = Precision(config.mixed_precision, device)
        self.progress = TrainingProgress()

    @property
    def predictor(self) -> nn.Module:
        """The model that is validated and predicts: the average of the weights, if there is one."""
        return self.model if self.average is None else self.average.model

    def train(self) -> None:
        """Put the model into training mode; frozen normalisation layers keep their statistics."""
        train_mode(self.model)

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the next steps."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @property
    def learning_rate(self) -> float:
        """Learning rate of the latest step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def parameters(self) -> int:
        """Number of trainable parameters of the model."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain containers, numbers and tensors, without the random generators."""
        return {
            "model": self.model.state_dict(),
            "average": {} if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.precision.scaler.state_dict(),
            "progress": msgspec.to_builtins(self.progress),
        }

    def load_state_dict(self, state: dict[str, Any], rank: int = 0) -> Self:
        """Restore a saved state; the random generators come last, so that nothing else advances them.

        Args:
            state: the result of :meth:`state_dict`, plus ``rng``: the generators of each process.
            rank: rank of this process. If the state was saved with fewer processes, a new one keeps its
                generators.

        Raises:
            CheckpointError: it was saved from another model or another kind of training.
        """
        try:
            self.model.load_state_dict(state["model"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            if state["scaler"] and self.precision.scaler.is_enabled():
                self.precision.scaler.load_state_dict(state["scaler"])
            self.progress = msgspec.convert(state["progress"], TrainingProgress)
            self.schedule.load_state_dict(state["schedule"])
            if rank < len(state["rng"]):
                restore_rng(state["rng"][rank])
        except FIT_ERRORS as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(
                f"the checkpoint does not fit this experiment's model and training: {reason[:300]}"
            ) from error
        return self
