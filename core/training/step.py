"""One optimiser step: forward and backward over its micro-batches, then one update."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.tasks.task import Batch, Task
from core.training.state import TrainingState


@dataclass(frozen=True, slots=True)
class StepResult:
    """What an optimiser step saw."""

    loss_total: float
    loss_weight: float
    gradient_norm: float
    """Before clipping."""
    frames: int
    broken: bool
    """Loss or gradient was not finite; weights and statistics are as before the step."""

    @property
    def loss(self) -> float:
        """Mean over the step's weight."""
        return self.loss_total / self.loss_weight if self.loss_weight else math.nan


def optimise(
    state: TrainingState, task: Task, batches: Iterable[Batch], clip: float | None
) -> StepResult:
    """Make one update from one or several micro-batches, as if they had come as a single batch.

    The gradient is that of Σ total / Σ weight over all of them. The weight of the later ones is not
    yet known when the first goes backward, so all are divided by the first one's weight (which keeps
    the numbers near 1, as float16 needs) and put right at the end.
    """
    scaler, optimizer, model = state.precision.scaler, state.optimizer, state.model
    statistics = _float_buffers(model)
    before = [buffer.clone() for buffer in statistics]
    optimizer.zero_grad(set_to_none=True)
    totals: list[Tensor] = []
    weights: list[Tensor] = []
    frames = 0
    for batch in batches:
        with state.precision.autocast():
            loss = task.loss(model(batch.inputs), batch)
        totals.append(loss.total.detach())
        weights.append(loss.weight.detach())
        torch.autograd.backward(scaler.scale(loss.total / _at_least_something(weights[0])))
        frames += batch.frames
    scaler.unscale_(optimizer)
    weight = torch.stack(weights).sum()
    if len(weights) > 1:
        _scale_gradients(model, _at_least_something(weights[0]) / _at_least_something(weight))
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip or math.inf)
    # The one place where a step waits for the device.
    readings = torch.stack([torch.stack(totals).sum().double(), weight.double(), norm.double()])
    loss_total, loss_weight, gradient_norm = readings.tolist()
    # With a scaler an infinite gradient is its everyday business: it skips the step itself.
    finite_gradient = math.isfinite(gradient_norm) or scaler.is_enabled()
    broken = not (math.isfinite(loss_total) and finite_gradient)
    if not broken:
        scaler.step(optimizer)
    else:
        for buffer, value in zip(statistics, before, strict=True):
            buffer.copy_(value)
    scaler.update()
    return StepResult(loss_total, loss_weight, gradient_norm, frames, broken)


def _float_buffers(model: nn.Module) -> list[Tensor]:
    """Give the running statistics (of batch norm, say) that a forward pass changes."""
    return [buffer for buffer in model.buffers() if buffer.is_floating_point()]


def _at_least_something(weight: Tensor) -> Tensor:
    """Replace a weight of 0 by 1: nothing divided by it stays nothing."""
    return torch.where(weight > 0, weight, torch.ones_like(weight))


def _scale_gradients(model: nn.Module, factor: Tensor) -> None:
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(factor)
