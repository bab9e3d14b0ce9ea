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
        """Give the same on another device."""
        return type(self)(self.mean.to(device), self.components.to(device))

    def state_dict(self) -> dict[str, Any]:
        """Give the tensors, on the CPU."""
        return {"mean": self.mean.cpu(), "components": self.components.cpu()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Rebuild from :meth:`state_dict`."""
        return cls(state["mean"].float(), state["components"].float())


class RunningScatter:
    """Sum of outer products of centred coordinates, over chunks that need not be kept.

    Args:
        mean: (coordinates,) of the training split.
    """

    def __init__(self, mean: Tensor) -> None:
        self._mean = mean
        self._scatter = torch.zeros((len(mean), len(mean)), dtype=torch.float64, device=mean.device)

    def update(self, coordinates: Tensor) -> None:
        """Take a chunk ``(..., coordinates)``; a missing coordinate counts as its mean."""
        centred = (coordinates - self._mean).nan_to_num_(0.0).flatten(0, -2).double()
        self._scatter += centred.T @ centred

    def projection(self, components: int) -> Projection:
        """Give the directions of largest variance.

        Each is turned so that its largest entry is positive: a sign is no matter of chance.
        """
        _, vectors = torch.linalg.eigh(self._scatter.cpu())
        chosen = vectors.flip(1)[:, :components]
        largest = chosen.gather(0, chosen.abs().argmax(dim=0, keepdim=True))
        return Projection(self._mean, (chosen * largest.sign()).float().to(self._mean.device))
