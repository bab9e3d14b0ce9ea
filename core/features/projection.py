"""Principal components of the coordinates, fitted on the training split."""

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Projection:
    """What coordinates are projected by. A missing coordinate counts as its mean."""

    mean: Tensor
    """(coordinates,) float32"""
    components: Tensor
    """(coordinates, components) float32, orthonormal, by falling variance."""

    def __call__(self, coordinates: Tensor) -> Tensor:
        """``(..., coordinates)`` → ``(..., components)``; NaN where no coordinate is known."""
        centred = coordinates - self.mean
        unknown = centred.isnan().all(dim=-1, keepdim=True)
        return (centred.nan_to_num(0.0) @ self.components).masked_fill(unknown, torch.nan)

    def to(self, device: torch.device | str) -> Self:
        """Return the same on another device."""
        return type(self)(self.mean.to(device), self.components.to(device))

    def state_dict(self) -> dict[str, Any]:
        """Return the tensors, on the CPU."""
        return {"mean": self.mean.cpu(), "components": self.components.cpu()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Rebuild from :meth:`state_dict`."""
        return cls(state["mean"].float(), state["components"].float())


def scatter(coordinates: Tensor, mean: Tensor) -> Tensor:
    """Sum the outer products of ``(..., coordinates)`` about a mean: (coordinates, coordinates).

    A missing coordinate counts as its mean. The sums of chunks add up to that of all, in float64.
    """
    centred = (coordinates - mean).nan_to_num_(0.0).flatten(0, -2).double()
    return centred.T @ centred


def principal(mean: Tensor, total: Tensor, components: int) -> Projection:
    """Return the directions of largest variance.

    Each is turned so that its largest entry is positive: a sign is no matter of chance.

    Args:
        mean: (coordinates,) of the training split.
        total: the :func:`scatter` of all its frames.
        components: how many.
    """
    _, vectors = torch.linalg.eigh(total.cpu())
    chosen = vectors.flip(1)[:, :components]
    largest = chosen.gather(0, chosen.abs().argmax(dim=0, keepdim=True))
    return Projection(mean, (chosen * largest.sign()).float().to(mean.device))
