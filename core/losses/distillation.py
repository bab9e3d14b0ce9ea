"""The loss of a model that learns from another's probabilities as well as from labels.

Hinton, Vinyals and Dean (2015), "Distilling the knowledge in a neural network", section 2: both models'
logits are divided by a temperature T, and the divergence between the two softened answers is multiplied by
T², because its gradient falls with 1 / T². The shares of teacher and labels then mean the same at any T.
"""

import torch
from torch import Tensor
from torch.nn import functional

from core.losses.loss import Loss


def class_divergence(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return T² × the Kullback–Leibler divergence of a model's softened answer from its teacher's.

    With a teacher that is sure of one class, and T = 1, it is the cross-entropy of that class.

    Args:
        logits: ``(..., classes)``, any float type; computed in at least float32.
        teacher: ``(..., classes)`` probabilities that sum to 1.
        temperature: T, above 0.

    Returns:
        ``(...)``.
    """
    logits = _wide(logits)
    student = functional.log_softmax(logits / temperature, dim=-1)
    # The logarithm of a softmax is its logits, up to a constant.
    soft = functional.softmax(teacher.to(logits.dtype).log() / temperature, dim=-1)
    return temperature**2 * (torch.xlogy(soft, soft) - soft * student).sum(dim=-1)


def label_divergence(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the same for labels that hold or do not, each by itself.

    With a teacher that is sure, and T = 1, it is binary cross-entropy.

    Args:
        logits: any shape and float type; computed in at least float32.
        teacher: probabilities of the same shape.
        temperature: T, above 0.
    """
    logits = _wide(logits)
    soft = torch.sigmoid(torch.logit(teacher.to(logits.dtype)) / temperature)
    entropy = torch.xlogy(soft, soft) + torch.xlogy(1 - soft, 1 - soft)
    cross = functional.binary_cross_entropy_with_logits(
        logits / temperature, soft, reduction="none"
    )
    return temperature**2 * (cross + entropy)


def shared(hard: Loss, soft: Loss, share: float) -> Loss:
    """Return the loss in which the teacher has a share and the labels the rest.

    Args:
        hard: against the labels.
        soft: against the teacher, of the same examples.
        share: from 0 to 1.
    """
    if share in (0, 1):
        return soft if share else hard
    return Loss(
        total=hard.total + share * (soft.total - hard.total),
        weight=hard.weight + share * (soft.weight - hard.weight),
    )


def _wide(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
