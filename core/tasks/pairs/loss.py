"""The loss of pairs: binary cross-entropy, focal and smoothed where asked for, or one of the user's own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.config.task_modules import load_attribute
from core.errors import ConfigError
from core.losses.distillation import label_divergence
from core.losses.loss import Loss
from core.tasks.pairs.settings import PairsTrainingConfig

PairLoss = Callable[[Tensor, Tensor], Loss]
"""Takes logits and targets, ``(pairs,)`` each."""


@dataclass(frozen=True, slots=True)
class BinaryLoss:
    """Binary cross-entropy with logits.

    Let p_t be the probability that the model gives the true label. The loss of a pair is
    ``w (1 − p_t)^γ × CE``, where CE is the cross-entropy with the smoothed target ``(1 − ε) y + ε / 2``
    (Szegedy et al. 2016), and w is 1 for a negative pair and α for a positive one: Lin et al. 2017 with
    α / (1 − α) for α. The weight of a pair is w.
    """

    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    positive_weight: float = 1.0

    def __call__(self, logits: Tensor, targets: Tensor) -> Loss:
        """Compute the loss of logits and targets, ``(pairs,)`` each, in float32."""
        logits = logits.float()
        smoothed = targets * (1 - self.label_smoothing) + self.label_smoothing / 2
        each = functional.binary_cross_entropy_with_logits(logits, smoothed, reduction="none")
        if self.focal_gamma:
            doubt = torch.sigmoid(logits * (1 - 2 * targets))
            # kept off 0, where the slope of the power is infinite for γ below 1
            each = each * doubt.clamp_min(torch.finfo(doubt.dtype).eps) ** self.focal_gamma
        weights = 1 + (self.positive_weight - 1) * targets
        return Loss(total=(each * weights).sum(), weight=weights.sum())


@dataclass(frozen=True, slots=True)
class OwnLoss:
    """A function of the user's that returns the loss of each pair."""

    name: str
    function: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, logits: Tensor, targets: Tensor) -> Loss:
        """Compute the loss of logits and targets, ``(pairs,)`` each.

        Raises:
            ConfigError: the function does not return a number for each pair.
        """
        each = self.function(logits.float(), targets)
        if not isinstance(each, Tensor) or each.shape != targets.shape:
            shape = tuple(each.shape) if isinstance(each, Tensor) else type(each).__name__
            raise ConfigError(
                f"training.loss: {self.name} returned {shape}, not the loss of each of {len(targets)} pairs"
            )
        return Loss(total=each.sum(), weight=torch.ones_like(each).sum())


def teacher_loss(
    logits: Tensor, teacher: Tensor, temperature: float, positive_weight: float
) -> Loss:
    """Compute the loss against a teacher's probabilities; see :mod:`core.losses.distillation`.

    A pair weighs the mean that the teacher's probabilities give of the labels' weights. Smoothing and the
    focal factor are for labels, and not for probabilities.

    Args:
        logits: ``(pairs,)``.
        teacher: ``(pairs,)`` probabilities of the positive label.
        temperature: softens both.
        positive_weight: weight of a positive pair; that of a negative one is 1.
    """
    weights = 1 + (positive_weight - 1) * teacher
    each = label_divergence(logits, teacher, temperature)
    return Loss(total=(each * weights).sum(), weight=weights.sum())


def pair_loss(config: PairsTrainingConfig) -> PairLoss:
    """Return the loss that an experiment trains with.

    Raises:
        ConfigError: its own loss cannot be imported.
    """
    if config.loss is not None:
        return OwnLoss(config.loss, load_attribute(config.loss))
    return BinaryLoss(config.label_smoothing, config.focal_gamma, config.focal_alpha)
