"""Losses over frames, each as a sum and its weight, so that batches of any size can be accumulated."""

from torch import Tensor
from torch.nn import functional

from core.tasks.task import Loss


def frame_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Loss:
    """Cross-entropy over frames; ``total / weight`` is torch's own ``cross_entropy(reduction="mean")``.

    With class weights torch divides by the summed weights of the frames' classes, not by their number:
    the same is done here, over frames whose ``weights`` are not 0.

    Args:
        logits: (batch, time, classes), any float type; the loss is computed in float32.
        targets: (batch, time) int64 classes.
        weights: (batch, time); 0 leaves a frame out.
        class_weights: (classes,) or none for equal weights.
        label_smoothing: share of the target spread evenly over all classes.
    """
    per_frame = functional.cross_entropy(
        logits.float().flatten(0, 1),
        targets.flatten(),
        weight=class_weights,
        reduction="none",
        label_smoothing=label_smoothing,
    )
    flat = weights.flatten()
    counted = flat if class_weights is None else flat * class_weights[targets.flatten()]
    return Loss(total=(per_frame * flat).sum(), weight=counted.sum())


def mixed_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor,
    mixed: tuple[Tensor, Tensor],
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Loss:
    """Cross-entropy of windows that were mixed up (mixup, Zhang et al. 2018).

    Args:
        logits: (batch, time, classes).
        targets: (batch, time) classes of the first window of each pair.
        weights: (batch, time); 0 leaves a frame out.
        mixed: classes of the second window (batch, time), and the share of the first, a scalar or one
            for each window (batch,).
        class_weights: (classes,) or none for equal weights.
        label_smoothing: share of the target spread evenly over all classes.
    """
    second_targets, share = mixed
    first_weights = weights * share.reshape(-1, 1)
    first = frame_cross_entropy(logits, targets, first_weights, class_weights, label_smoothing)
    second = frame_cross_entropy(
        logits, second_targets, weights - first_weights, class_weights, label_smoothing
    )
    return Loss(total=first.total + second.total, weight=first.weight + second.weight)
