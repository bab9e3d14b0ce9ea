"""One optimiser step: forward and backward over its micro-batches, then one update."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.tasks.task import Batch, Task
from core.training.distributed import ALONE, ProcessGroup
from core.training.state import TrainingState


@dataclass(frozen=True, slots=True)
class StepResult:
    """Measurements of an optimiser step."""

    loss_total: float
    loss_weight: float
    gradient_norm: float
    """Gradient norm before clipping."""
    examples: int
    broken: bool
    """The loss or gradient was not finite; weights and statistics are unchanged."""

    @property
    def loss(self) -> float:
        """Mean over the step's weight."""
        return self.loss_total / self.loss_weight if self.loss_weight else math.nan


@dataclass(slots=True)
class _Sums:
    """Sums of one process over its micro-batches."""

    total: Tensor
    weight: Tensor
    first_weight: Tensor
    """Divisor of all gradients so far."""
    batches: int = 0
    examples: int = 0


def optimise(
    state: TrainingState,
    task: Task,
    batches: Iterable[Batch],
    clip: float | None,
    group: ProcessGroup = ALONE,
) -> StepResult:
    """Make one update from one or several micro-batches, as if they were a single batch.

    The gradient is that of Σ total / Σ weight over all of them, and over all processes. The weight of later
    micro-batches is not yet known during the first backward pass, so all are divided by the first one's
    weight (which keeps the numbers near 1, as float16 needs) and rescaled at the end.
    """
    scaler, model = state.precision.scaler, state.model
    statistics = _float_buffers(model)
    before = [buffer.clone() for buffer in statistics]
    state.optimizer.zero_grad(set_to_none=True)
    sums = _backward(state, task, batches, group)
    if group.size > 1:
        _share(group, model, statistics, sums)
    elif sums.batches > 1:
        _scale_gradients(model, sums.first_weight / _nonzero(sums.weight))
    scaler.unscale_(state.optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), clip or math.inf)
    # The only place where a step waits for the device.
    readings = torch.stack([sums.total.double(), sums.weight.double(), norm.double()])
    loss_total, loss_weight, gradient_norm = readings.tolist()
    # With a scaler an infinite gradient is normal: it skips the step itself.
    finite_gradient = math.isfinite(gradient_norm) or scaler.is_enabled()
    broken = not (math.isfinite(loss_total) and finite_gradient)
    if not broken:
        scaler.step(state.optimizer)
    else:
        for buffer, value in zip(statistics, before, strict=True):
            buffer.copy_(value)
    scaler.update()
    return StepResult(loss_total, loss_weight, gradient_norm, sums.examples, broken)


def _backward(
    state: TrainingState, task: Task, batches: Iterable[Batch], group: ProcessGroup
) -> _Sums:
    """Run forward and backward over this process's part of each micro-batch."""
    device = next(state.model.parameters()).device
    nothing = torch.zeros((), device=device)
    sums = _Sums(nothing, nothing, torch.ones((), device=device))
    for batch in batches:
        sums.examples += batch.examples
        part = group.part(batch)
        if not part.size:
            continue
        with state.precision.autocast():
            loss = task.loss(state.forward(part.inputs), part)
        if not sums.batches:
            sums.first_weight = _nonzero(loss.weight.detach())
        sums.total = sums.total + loss.total.detach()
        sums.weight = sums.weight + loss.weight.detach()
        sums.batches += 1
        torch.autograd.backward(state.precision.scaler.scale(loss.total / sums.first_weight))
    return sums


def _share(group: ProcessGroup, model: nn.Module, statistics: list[Tensor], sums: _Sums) -> None:
    """Sum gradients and losses over the processes, and average the running statistics.

    Afterwards all processes hold the same values, and the gradient is divided by the total weight.
    """
    _scale_gradients(model, sums.first_weight)
    gradients = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            if parameter.grad is None:  # no row was left for this process
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
    group.sum([*gradients, *statistics, sums.total, sums.weight])
    for buffer in statistics:
        buffer /= group.size
    _scale_gradients(model, 1 / _nonzero(sums.weight))


def _float_buffers(model: nn.Module) -> list[Tensor]:
    """Return the running statistics (of batch norm, say) that a forward pass changes."""
    return [buffer for buffer in model.buffers() if buffer.is_floating_point()]


def _nonzero(weight: Tensor) -> Tensor:
    """Replace a weight of 0 by 1: zero divided by it stays zero."""
    return torch.where(weight > 0, weight, torch.ones_like(weight))


def _scale_gradients(model: nn.Module, factor: Tensor) -> None:
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.mul_(factor)
