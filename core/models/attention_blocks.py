"""Attention within a feature map: which channels matter, and which places."""

import torch
from torch import Tensor, nn

LEAST_CHANNELS = 4
"""Fewest channels that a map is squeezed to."""


class SqueezeExcitation(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018): weighs channels by what the whole map shows.

    Args:
        channels: of the map.
        reduction: factor by which the channels are squeezed.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.gate = nn.Sequential(*_squeezed(channels, reduction), nn.Sigmoid())

    def forward(self, maps: Tensor) -> Tensor:
        """Return ``(images, channels, height, width)`` maps with their channels weighed."""
        weights: Tensor = self.gate(maps.mean(dim=(2, 3)))
        return maps * weights[:, :, None, None]


class CBAM(nn.Module):
    """Convolutional block attention (Woo et al. 2018): weighs channels, then places.

    Args:
        channels: of the map.
        reduction: factor by which the channels are squeezed.
        kernel: width of the convolution that weighs places; odd.
    """

    def __init__(self, channels: int, reduction: int = 16, kernel: int = 7) -> None:
        super().__init__()
        self.channels = nn.Sequential(*_squeezed(channels, reduction))
        self.places = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return ``(images, channels, height, width)`` maps with channels and places weighed."""
        mean, greatest = maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))
        weights = torch.sigmoid(self.channels(mean) + self.channels(greatest))
        maps = maps * weights[:, :, None, None]
        seen = torch.cat([maps.mean(dim=1, keepdim=True), maps.amax(dim=1, keepdim=True)], dim=1)
        return maps * torch.sigmoid(self.places(seen))


def _squeezed(channels: int, reduction: int) -> tuple[nn.Module, ...]:
    narrow = max(LEAST_CHANNELS, channels // reduction)
    return nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels)
