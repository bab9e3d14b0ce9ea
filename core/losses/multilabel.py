"""Binary cross-entropy for frames that may have several labels at once, some of them not annotated."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.losses.distillation import label_divergence
from core.losses.loss import Loss


@dataclass(frozen=True, slots=True)
class MultilabelLoss:
    """Masked binary cross-entropy with logits, optionally focal.

    Where the model gives a label the probability p, let p_t be p if the label holds and 1 − p if it does not.
    The loss is ``(1 − p_t)^γ × −ln p_t`` (Lin et al. 2017, equation 4), and gradients flow through both
    factors. Its weight is that of the frame, whatever γ. An element that is masked out counts neither for the
    loss nor for the weight, whatever its logit.
    """

    focal_gamma: float = 0.0
    """0 is plain cross-entropy."""
    mean_of_labels: bool = False
    """Whether a row's frames weigh the same however many of its labels are annotated; else each label has
    weight 1."""

    def __call__(self, logits: Tensor, targets: Tensor, mask: Tensor, weights: Tensor) -> Loss:
        """Compute the loss.

        Args:
            logits: (rows, time, labels), any float type; the loss is computed in at least float32.
            targets: (rows, time, labels): 1 where a label holds, 0 where it does not, or between.
            mask: (rows, labels) bool: whether a label is annotated in a row.
            weights: (rows, time); 0 leaves a frame out.
        """
        logits = logits if logits.dtype == torch.float64 else logits.float()
        targets = targets.to(logits.dtype)
        element = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        if self.focal_gamma:
            element = element * _doubt(logits, targets) ** self.focal_gamma
        return self._summed(element, mask, weights)

    def of_teacher(
        self, logits: Tensor, teacher: Tensor, mask: Tensor, weights: Tensor, temperature: float
    ) -> Loss:
        """Compute the loss against a teacher's probabilities; see :mod:`core.losses.distillation`.

        The focal factor is for labels, and not for probabilities.

        Args:
            logits: (rows, time, labels).
            teacher: (rows, time, labels) probabilities; anything from 0 to 1 where masked out.
            mask: (rows, labels) bool.
            weights: (rows, time).
            temperature: softens both.
        """
        return self._summed(label_divergence(logits, teacher, temperature), mask, weights)

    def _summed(self, element: Tensor, mask: Tensor, weights: Tensor) -> Loss:
        """Weigh and sum the losses of elements ``(rows, time, labels)``."""
        label_weights = mask.to(element.dtype)
        if self.mean_of_labels:
            label_weights = label_weights / label_weights.sum(dim=1, keepdim=True).clamp_min(1)
        element = element.masked_fill(~mask[:, None], 0)
        frame_weights = weights.to(element.dtype)
        total = torch.einsum("rtl,rt,rl->", element, frame_weights, label_weights)
        return Loss(total=total, weight=torch.einsum("rt,rl->", frame_weights, label_weights))


def _doubt(logits: Tensor, targets: Tensor) -> Tensor:
    """Return ``1 − p_t``, bounded away from 0, where the slope of its power is infinite for γ below 1."""
    away = logits * (1 - 2 * targets)  # the logit of the wrong answer
    return torch.sigmoid(away).clamp_min(torch.finfo(logits.dtype).eps)
