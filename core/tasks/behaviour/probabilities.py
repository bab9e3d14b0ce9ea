"""From a model's output to one class a frame: classes exclude one another."""

import numpy as np
import numpy.typing as npt
from torch import Tensor


def class_probabilities(logits: Tensor) -> Tensor:
    """``(..., classes)`` logits → float32 probabilities that sum to 1."""
    return logits.float().softmax(dim=-1)


def classes_of(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """``(frames, classes)`` → ``(frames,)``, the likeliest class; the lower index of equal ones."""
    classes: npt.NDArray[np.uint8] = probabilities.argmax(axis=1).astype(np.uint8)
    return classes
