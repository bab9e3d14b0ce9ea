"""Losses over frames, each as a sum and its weight, so that batches of any size can be accumulated."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.frames.batch import FrameBatch
from core.losses.distillation import class_divergence
from core.losses.loss import Loss


@dataclass(frozen=True, slots=True)
class FrameLoss:
    """Cross-entropy over frames, focal where asked for; ``mixed`` targets are taken as mixup wants.

    For a frame of class y that the model gives probability p, with class weights w, smoothing ε over
    C classes, and focal exponent γ, the loss is ``(1 - p_y)^γ × CE``, where CE is torch's own
    ``cross_entropy``: ``-(1 - ε) w_y ln p_y - ε/C Σ_c w_c ln p_c``. The focal factor (Lin et al. 2017,
    where w is called α) thus depends on the true class alone, and gradients flow through it.
    The weight of a frame is ``w_y``, whatever γ: ``total / weight`` is ``reduction="mean"`` of torch
    where γ is 0, and with γ a frame the model is sure of counts for less than it weighs.
    """

    class_weights: Tensor | None = None
    """(classes,) or none for equal weights."""
    label_smoothing: float = 0.0
    """Share of the target spread evenly over all classes."""
    focal_gamma: float = 0.0
    """0 is plain cross-entropy."""

    def of_batch(self, logits: Tensor, batch: FrameBatch) -> Loss:
        """Compute the loss of a batch's logits ``(batch, time, classes)``.

        Windows that were mixed up (mixup, Zhang et al. 2018) count with both their targets: the first
        with the share the window kept, the second with the rest. A frame with ``soft`` targets counts with
        every class, each with its probability.
        """
        if batch.soft is not None:
            return self._of_soft(logits, batch.soft, batch.weights)
        if batch.mixed is None:
            return self(logits, batch.targets, batch.weights)
        second_targets, share = batch.mixed
        first_weights = batch.weights * share.reshape(-1, 1)
        first = self(logits, batch.targets, first_weights)
        second = self(logits, second_targets, batch.weights - first_weights)
        return Loss(total=first.total + second.total, weight=first.weight + second.weight)

    def _of_soft(self, logits: Tensor, soft: Tensor, weights: Tensor) -> Loss:
        parts = []
        for index in range(soft.shape[-1]):
            targets = torch.full(weights.shape, index, device=logits.device)
            parts.append(self(logits, targets, weights * soft[..., index]))
        total = torch.stack([part.total for part in parts]).sum()
        return Loss(total=total, weight=torch.stack([part.weight for part in parts]).sum())

    def of_teacher(
        self, logits: Tensor, teacher: Tensor, weights: Tensor, temperature: float
    ) -> Loss:
        """Compute the loss against a teacher's probabilities; see :mod:`core.losses.distillation`.

        A frame's class weight is the mean that the teacher's probabilities give. Smoothing and the focal
        factor are for labels, and not for probabilities.

        Args:
            logits: (batch, time, classes).
            teacher: (batch, time, classes) probabilities.
            weights: (batch, time); 0 leaves a frame out.
            temperature: softens both.
        """
        if self.class_weights is not None:
            weights = weights * (teacher * self.class_weights).sum(dim=-1)
        per_frame = class_divergence(logits, teacher, temperature)
        return Loss(total=(per_frame * weights).sum(), weight=weights.sum())

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor) -> Loss:
        """Compute the loss.

        Args:
            logits: (batch, time, classes), any float type; the loss is computed in float32.
            targets: (batch, time) int64 classes.
            weights: (batch, time); 0 leaves a frame out.
        """
        flat_logits, flat_targets = logits.float().flatten(0, 1), targets.flatten()
        per_frame = functional.cross_entropy(
            flat_logits,
            flat_targets,
            weight=self.class_weights,
            reduction="none",
            label_smoothing=self.label_smoothing,
        )
        if self.focal_gamma:
            per_frame = per_frame * _focal_factor(flat_logits, flat_targets, self.focal_gamma)
        flat = weights.flatten()
        classes = self.class_weights
        counted = flat if classes is None else flat * classes[flat_targets]
        return Loss(total=(per_frame * flat).sum(), weight=counted.sum())


def _focal_factor(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """Return ``(1 - p)^γ`` of the true class, ``(frames,)``.

    ``1 - p`` is kept off 0, where the slope of the power is infinite for γ below 1.
    """
    log_probability = functional.log_softmax(logits, dim=-1).gather(1, targets[:, None]).squeeze(1)
    doubt = -torch.expm1(log_probability)
    return doubt.clamp_min(torch.finfo(doubt.dtype).eps) ** gamma
