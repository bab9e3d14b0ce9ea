"""A network that standardises its features first, so that its weights and these statistics stay together."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.features.standardise import FeatureStatistics

LARGEST = 8.0
"""Standard deviations at which features are clipped."""
SMALLEST_STD = 0.02
"""Deviations below it are those of columns that hardly vary; they are not blown up."""


class Standardised(nn.Module):
    """A network of a dict of inputs whose ``features`` are standardised, clipped, and 0 where missing.

    The statistics are buffers: a checkpoint has them, and a run that starts from other weights keeps those
    that the weights were trained with.

    Args:
        network: takes and returns what this does.
        statistics: of the features.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, statistics: FeatureStatistics) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", statistics.mean.clone())
        self.register_buffer("std", statistics.std.clamp(min=SMALLEST_STD))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return what the network says.

        Args:
            inputs: with ``features`` ``(..., features)``, NaN where missing.
        """
        scaled = (inputs["features"] - self.mean) / self.std
        features = torch.nan_to_num(scaled.clamp(-LARGEST, LARGEST), nan=0.0)
        answer: Tensor = self.network({**inputs, "features": features})
        return answer
