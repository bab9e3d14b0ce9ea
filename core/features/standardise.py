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
        """Return the statistics that change nothing."""
        return cls(torch.zeros(features), torch.ones(features))

    def to(self, device: torch.device | str) -> Self:
        """Return the same on another device."""
        return type(self)(self.mean.to(device), self.std.to(device))

    def state_dict(self) -> dict[str, Any]:
        """Return the tensors, on the CPU."""
        return {"mean": self.mean.cpu(), "std": self.std.cpu()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Rebuild from :meth:`state_dict`."""
        return cls(state["mean"].float(), state["std"].float())


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and sum of squared deviations of each feature, (features,) float64."""

    count: Tensor
    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, values: Tensor) -> Self:
        """Take those of a chunk ``(..., features)``; values that are not finite count as missing."""
        chunk = values.reshape(-1, values.shape[-1]).double()
        finite = chunk.isfinite()
        count = finite.sum(dim=0, dtype=torch.float64)
        mean = chunk.where(finite, 0.0).sum(dim=0) / count.clamp(min=1)
        deviation = (chunk - mean).where(finite, 0.0).square_().sum(dim=0)
        return cls(count, mean, deviation)

    def merged(self, other: Self) -> Self:
        """Return those of both chunks together."""
        count = self.count + other.count
        shift, share = other.mean - self.mean, other.count / count.clamp(min=1)
        deviation = self.deviation + other.deviation + shift.square() * self.count * share
        return type(self)(count, self.mean + shift * share, deviation)

    def statistics(self) -> FeatureStatistics:
        """Return mean and (population) standard deviation."""
        std = (self.deviation / self.count.clamp(min=1)).sqrt()
        constant = std <= SMALLEST_SPREAD * self.mean.abs()
        return FeatureStatistics(self.mean.float(), std.where(~constant, 1.0).float())
