"""A temporal convolutional network, not causal, as the labels are made offline.

Residual blocks of two dilated convolutions, after Bai, Kolter and Koltun (2018), "An empirical
evaluation of generic convolutional and recurrent networks for sequence modeling", with BatchNorm in
place of weight normalisation.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.models.temporal import as_frames, as_image, convolution, store_channels_last

DEFAULT_CHANNELS = (64, 128, 256, 256)


class TCN(nn.Module):
    """Residual blocks whose dilation doubles from 1, then one linear layer on every frame.

    With the defaults an output depends on the 30 frames either side of it, and on zeros (the mean, as
    inputs are standardised) where those lie outside the window. Away from the edges the network is
    the same at every frame, so any chunk with that much context gives exactly what the whole video
    would.

    Args:
        features: width of the input.
        outputs: width of the output.
        channels: width of each block.
        kernel_size: odd; frames each convolution sees.
        dropout: share of channels dropped within each block.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        channels: Sequence[int] = DEFAULT_CHANNELS,
        kernel_size: int = 3,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        widths = itertools.pairwise((features, *channels))
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(before, after, kernel_size, 2**block, dropout)
                for block, (before, after) in enumerate(widths)
            )
        )
        self.head = nn.Linear(channels[-1], outputs)
        self.reach = 2 * (kernel_size // 2) * ((1 << len(channels)) - 1)
        """Frames on either side that an output depends on."""
        store_channels_last(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(batch, time, features)`` → ``(batch, time, outputs)`` logits, for any time from 1."""
        logits: Tensor = self.head(as_frames(self.blocks(as_image(inputs))))
        return logits


class ResidualBlock(nn.Module):
    """Two convolutions of one dilation, added to the block's own input."""

    def __init__(
        self, before: int, after: int, kernel_size: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(before, after, kernel_size, dilation),
            nn.Dropout2d(dropout),
            convolution(after, after, kernel_size, dilation),
            nn.Dropout2d(dropout),
        )
        self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, before, 1, time)`` → ``(batch, after, 1, time)``."""
        return torch.relu(self.body(image) + self.shortcut(image))
