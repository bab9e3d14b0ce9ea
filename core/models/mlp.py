"""The network of v1: every frame by itself."""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from core.models.chunking import Chunking, within_reach


class FrameMLP(nn.Module):
    """Hidden layers with ReLU and dropout, then one linear layer; no frame sees another.

    Args:
        features: width of the input.
        outputs: width of the output.
        channels: width of each hidden layer.
        dropout: share of activations dropped after each hidden layer.
    """

    reach = 0
    """Frames on either side that an output depends on."""

    def __init__(
        self,
        features: int,
        outputs: int,
        channels: Sequence[int] = (256, 128),
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise((features, *channels)):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(channels[-1], outputs))

    def chunking(self, window: int) -> Chunking:
        """Choose chunks without context, whatever windows it was trained on."""
        del window
        return within_reach(self.reach)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(batch, time, features)`` → ``(batch, time, outputs)`` logits, for any time from 1."""
        logits: Tensor = self.layers(inputs)
        return logits
