"""A temporal convolutional network, not causal, as the labels are made offline.

Dilated residual layers after Abu Farha and Gall (2019), "MS-TCN: Multi-stage temporal convolutional
network for action segmentation", with a BatchNorm each. The dilation grows by the kernel's size from
layer to layer, the fastest growth that leaves no frame unseen.
"""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from core.models.temporal import ConvolutionalModel, as_image, convolution


class TCN(ConvolutionalModel):
    """Dilated residual layers, then one linear layer on every frame.

    With the defaults an output depends on the 40 frames either side of it, and on zeros (the mean, as
    inputs are standardised) where those lie outside the window. Away from the edges the network is
    the same at every frame, so any chunk with that much context gives exactly what the whole video
    would.

    Args:
        features: width of the input.
        outputs: width of the output.
        channels: width of each layer.
        kernel_size: odd; frames each convolution sees.
        dropout: share of channels dropped after each layer's convolutions.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        channels: Sequence[int] = (64, 128, 256, 256),
        kernel_size: int = 3,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        widths = (features, *channels)
        dilations = [kernel_size**layer for layer in range(len(channels))]
        self.layers = nn.Sequential(
            *(
                DilatedResidual(before, after, kernel_size, dilation, dropout)
                for (before, after), dilation in zip(
                    itertools.pairwise(widths), dilations, strict=True
                )
            )
        )
        self.add_head(channels[-1], outputs, reach=kernel_size // 2 * sum(dilations))

    def forward(self, inputs: Tensor) -> Tensor:
        """``(batch, time, features)`` → ``(batch, time, outputs)`` logits, for any time from 1."""
        return self.answer(self.layers(as_image(inputs)))


class DilatedResidual(nn.Module):
    """A dilated convolution and a 1 × 1 one, added to the layer's own input."""

    def __init__(
        self, before: int, after: int, kernel_size: int, dilation: int, dropout: float
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(before, after, kernel_size, dilation),
            nn.Conv2d(after, after, 1),
            nn.Dropout2d(dropout),
        )
        self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, image: Tensor) -> Tensor:
        """``(batch, before, 1, time)`` → ``(batch, after, 1, time)``."""
        added: Tensor = self.body(image) + self.shortcut(image)
        return added
