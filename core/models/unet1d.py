"""A U-Net along time (Ronneberger, Fischer and Brox 2015, in one dimension): context at coarser rates."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.models.temporal import ConvolutionalModel, as_image, convolution


class UNet1D(ConvolutionalModel):
    """Double convolutions, halving the frame rate between levels and doubling it on the way back.

    A length that the coarsest level does not divide is filled up by repeating the last frame, and cut
    again at the end. The convolutions see zeros beyond both ends.

    Args:
        features: width of the input.
        outputs: width of the output.
        channels: width of each level, finest first.
        kernel_size: odd; frames each convolution sees at its level's rate.
        dropout: share of channels dropped after each level.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        channels: Sequence[int] = (64, 128, 256),
        kernel_size: int = 3,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        down = list(itertools.pairwise((features, *channels)))
        up = list(itertools.pairwise(reversed(channels)))
        self.down = nn.ModuleList(_level(*widths, kernel_size, dropout) for widths in down)
        self.up = nn.ModuleList(
            _level(coarse + fine, fine, kernel_size, dropout) for coarse, fine in up
        )
        self.pool = nn.MaxPool2d((1, 2))
        self.coarsest = 1 << (len(channels) - 1)
        """Frames in one step of the coarsest level."""
        self.chunk_step = self.coarsest  # in one pass, that level would step from there too
        self.add_head(channels[0], outputs, reach=_reach(len(channels), kernel_size))

    def forward(self, inputs: Tensor) -> Tensor:
        """``(batch, time, features)`` → ``(batch, time, outputs)`` logits, for any time from 1."""
        image = as_image(self._fill_up(inputs))
        finer = []
        for level, block in enumerate(self.down):
            image = block(self.pool(image) if level else image)
            finer.append(image)
        finer.pop()
        for block in self.up:
            coarse = image.repeat_interleave(2, dim=-1)
            image = block(torch.cat((coarse, finer.pop()), dim=1))
        return self.answer(image)[:, : inputs.shape[1]]

    def _fill_up(self, inputs: Tensor) -> Tensor:
        missing = -inputs.shape[1] % self.coarsest
        if not missing:
            return inputs
        return torch.cat((inputs, inputs[:, -1:].expand(-1, missing, -1)), dim=1)


def _level(before: int, after: int, kernel_size: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        convolution(before, after, kernel_size),
        convolution(after, after, kernel_size),
        nn.Dropout2d(dropout),
    )


def _reach(levels: int, kernel_size: int) -> int:
    """Two convolutions a level down and up (once at the bottom), and what pooling rounds away."""
    half = kernel_size // 2
    passes = [4] * (levels - 1) + [2]
    rounding = (1 << levels) - 1
    return sum(count * (half << level) for level, count in enumerate(passes)) + rounding
