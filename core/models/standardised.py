"""A network that standardises its own inputs, so that weights and statistics are saved together."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.features.standardise import FeatureStatistics

LARGEST = 8.0
"""Features are clipped at this many standard deviations."""
SMALLEST_STD = 0.02
"""Lower bound of the standard deviations, so that columns that hardly vary are not blown up."""


class Standardised(nn.Module):
    """Standardises and clips the ``features`` of its inputs, sets missing ones to 0, and calls a network.

    The statistics are buffers: a checkpoint contains them, and a run that starts from other weights keeps the
    statistics that those weights were trained with.

    Args:
        network: takes a dict of inputs, and returns the output.
        statistics: mean and standard deviation of the features.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, statistics: FeatureStatistics) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", statistics.mean.clone())
        self.register_buffer("std", statistics.std.clamp(min=SMALLEST_STD))

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the network's output.

        Args:
            inputs: among them ``features``, ``(..., features)``, NaN where missing.
        """
        scaled = (inputs["features"] - self.mean) / self.std
        features = torch.nan_to_num(scaled.clamp(-LARGEST, LARGEST), nan=0.0)
        answer: Tensor = self.network({**inputs, "features": features})
        return answer
