"""What every loss returns."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Loss:
    """A batch's loss as a sum and its weight, so that batches of any size can be accumulated."""

    total: Tensor
    """Scalar, differentiable: Σ weight × loss over the examples."""
    weight: Tensor
    """Scalar: Σ weight."""
