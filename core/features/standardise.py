"""Mean and standard deviation of every feature over the training split, in one pass.

Memory does not grow with the data: chunks of frames come and go, and their moments are merged in
float64 as Chan, Golub and LeVeque (1983) do it. Missing values (NaN) are left out of both.
"""

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

SMALLEST_SPREAD = 1e-6
"""Relative to the mean: a feature that varies less than this is constant but for rounding."""


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """What a feature is standardised by: ``(value − mean) / std``."""

    mean: Tensor
    """(features,) float32; 0 for a feature that was never seen."""
    std: Tensor
    """(features,) float32; 1 for a feature that is constant or was never seen."""

    @classmethod
    def identity(cls, features: int) -> Self:
        """Give the statistics that change nothing."""
        return cls(torch.zeros(features), torch.ones(features))

    def to(self, device: torch.device | str) -> Self:
        """Give the same on another device."""
        return type(self)(self.mean.to(device), self.std.to(device))

    def state_dict(self) -> dict[str, Any]:
        """Give the tensors, on the CPU."""
        return {"mean": self.mean.cpu(), "std": self.std.cpu()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Rebuild from :meth:`state_dict`."""
        return cls(state["mean"].float(), state["std"].float())


class RunningMoments:
    """Count, mean and squared deviation of each feature, over chunks that need not be kept.

    Args:
        features: number of features.
        device: where the chunks are.
    """

    def __init__(self, features: int, device: torch.device | str = "cpu") -> None:
        self._count = torch.zeros(features, dtype=torch.float64, device=device)
        self._mean = torch.zeros_like(self._count)
        self._deviation = torch.zeros_like(self._count)

    def update(self, values: Tensor) -> None:
        """Take a chunk ``(..., features)``; values that are not finite count as missing."""
        chunk = values.reshape(-1, values.shape[-1]).double()
        finite = chunk.isfinite()
        count = finite.sum(dim=0, dtype=torch.float64)
        mean = chunk.where(finite, 0.0).sum(dim=0) / count.clamp(min=1)
        deviation = (chunk - mean).where(finite, 0.0).square_().sum(dim=0)
        total = (self._count + count).clamp(min=1)
        shift = mean - self._mean
        self._mean += shift * (count / total)
        self._deviation += deviation + shift.square() * (self._count * count / total)
        self._count += count

    def statistics(self) -> FeatureStatistics:
        """Give mean and (population) standard deviation of what was seen so far."""
        std = (self._deviation / self._count.clamp(min=1)).sqrt()
        constant = std <= SMALLEST_SPREAD * self._mean.abs()
        return FeatureStatistics(self._mean.float(), std.where(~constant, 1.0).float())
