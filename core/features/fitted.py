"""What features learn from the training split: statistics, the spread of positions, a projection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch

from core.features.projection import Projection
from core.features.standardise import FeatureStatistics


@dataclass(frozen=True, slots=True)
class Fitted:
    """The fitted part of a feature pipeline, as it goes into a checkpoint."""

    statistics: FeatureStatistics
    """Of the features, (features,)."""
    positions: FeatureStatistics
    """Of the positions, (mice × keypoints × 2,) in the unit of the features: noise is scaled by them."""
    projection: Projection | None = None
    """Of the positions; only where there are ``engineered`` features."""

    @classmethod
    def nothing(cls, features: int, coordinates: int, components: int | None) -> Self:
        """Return what leaves features as they are; ``components`` is none where none are asked for."""
        projection = None
        if components is not None:
            projection = Projection(torch.zeros(coordinates), torch.eye(coordinates, components))
        identity = FeatureStatistics.identity
        return cls(identity(features), identity(coordinates), projection)

    def to(self, device: torch.device | str) -> Self:
        """Return the same on another device."""
        projection = None if self.projection is None else self.projection.to(device)
        return type(self)(self.statistics.to(device), self.positions.to(device), projection)

    def state_dict(self) -> dict[str, Any]:
        """Return the tensors, on the CPU."""
        return {
            "statistics": self.statistics.state_dict(),
            "positions": self.positions.state_dict(),
            "projection": None if self.projection is None else self.projection.state_dict(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from :meth:`state_dict`."""
        projection = state["projection"]
        return cls(
            FeatureStatistics.from_state(state["statistics"]),
            FeatureStatistics.from_state(state["positions"]),
            None if projection is None else Projection.from_state(projection),
        )
