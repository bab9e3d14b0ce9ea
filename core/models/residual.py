"""Residual networks of small grey images: one image → feature maps at several scales (He et al. 2016)."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.attention_blocks import CBAM, SqueezeExcitation

Block = Literal["basic", "bottleneck"]
Attention = Literal["none", "se", "cbam"]
ATTENTION: dict[Attention, Callable[[int], nn.Module]] = {
    "none": lambda _: nn.Identity(),
    "se": SqueezeExcitation,
    "cbam": CBAM,
}
BOTTLENECK = 4
"""How much narrower the middle of a bottleneck is than its ends."""


class ResidualBlock(nn.Module):
    """Convolutions whose result is added to their input.

    Args:
        channels: of the input.
        out: channels of the output.
        stride: 2 halves height and width.
        block: ``basic``: two 3 × 3 convolutions; ``bottleneck``: one, between two 1 × 1.
        attention: weighs the result before it is added.
    """

    def __init__(
        self, channels: int, out: int, stride: int, block: Block, attention: Attention
    ) -> None:
        super().__init__()
        middle = max(1, out // BOTTLENECK)
        path = (
            [*_convolved(channels, out, 3, stride), nn.ReLU(), *_convolved(out, out, 3, 1)]
            if block == "basic"
            else [
                *_convolved(channels, middle, 1, 1),
                nn.ReLU(),
                *_convolved(middle, middle, 3, stride),
                nn.ReLU(),
                *_convolved(middle, out, 1, 1),
            ]
        )
        self.path = nn.Sequential(*path, ATTENTION[attention](out))
        same = stride == 1 and channels == out
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(*_convolved(channels, out, 1, stride))
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Return ``(images, out, height / stride, width / stride)``."""
        result: Tensor = functional.relu(self.path(maps) + self.shortcut(maps))
        return result


class ResidualStages(nn.Module):
    """Stages of residual blocks; each after the first halves the image and doubles the channels.

    Args:
        width: channels of the first stage.
        layers: number of blocks of each stage.
        block: kind of block.
        attention: of each block.
    """

    def __init__(
        self, width: int, layers: tuple[int, ...], block: Block, attention: Attention
    ) -> None:
        super().__init__()
        self.widths = tuple(width * 2**stage for stage in range(len(layers)))
        self.stem = nn.Sequential(*_convolved(1, width, 3, 1), nn.ReLU())
        stages, channels = [], width
        for stage, (out, count) in enumerate(zip(self.widths, layers, strict=True)):
            blocks = []
            for number in range(count):
                stride = 2 if stage and not number else 1
                blocks.append(ResidualBlock(channels, out, stride, block, attention))
                channels = out
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps of each stage, finest first, of ``(images, 1, height, width)``."""
        maps, found = self.stem(images), []
        for stage in self.stages:
            maps = stage(maps)
            found.append(maps)
        return found


class ResidualEncoder(nn.Module):
    """One image → a vector: the mean of the coarsest maps, projected.

    Batch norm centres the vectors: without it those of all images point the same way at first, and their
    cosines and distances say nothing.

    Args:
        stages: what computes maps.
        features: length of the vector.
    """

    def __init__(self, stages: ResidualStages, features: int) -> None:
        super().__init__()
        self.stages = stages
        self.project = nn.Sequential(
            nn.Linear(stages.widths[-1], features, bias=False), nn.BatchNorm1d(features)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(images, features)``."""
        vector: Tensor = self.project(self.stages(images)[-1].mean(dim=(2, 3)))
        return vector


class PyramidEncoder(nn.Module):
    """One image → a vector, from all scales: a feature pyramid (Lin et al. 2017).

    From coarse to fine, each scale is added to the enlarged one above it; the means of all of them are
    projected together.

    Args:
        stages: what computes maps.
        features: length of the vector.
    """

    def __init__(self, stages: ResidualStages, features: int) -> None:
        super().__init__()
        self.stages = stages
        width = stages.widths[0]
        self.lateral = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in stages.widths)
        self.smooth = nn.ModuleList(
            nn.Sequential(*_convolved(width, width, 3, 1), nn.ReLU()) for _ in stages.widths
        )
        self.project = nn.Sequential(
            nn.Linear(2 * width * len(stages.widths), features, bias=False),
            nn.BatchNorm1d(features),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return ``(images, features)``."""
        scales = [side(maps) for side, maps in zip(self.lateral, self.stages(images), strict=True)]
        merged = scales[-1]
        levels = [self.smooth[-1](merged)]
        for scale, smooth in zip(scales[-2::-1], [*self.smooth][-2::-1], strict=True):
            merged = scale + functional.interpolate(merged, size=scale.shape[2:], mode="nearest")
            levels.append(smooth(merged))
        pooled = [value for level in levels for value in (level.mean((2, 3)), level.amax((2, 3)))]
        vector: Tensor = self.project(torch.cat(pooled, dim=1))
        return vector


def _convolved(channels: int, out: int, kernel: int, stride: int) -> tuple[nn.Module, nn.Module]:
    """Return a convolution that keeps the size, or divides it by the stride, and batch norm."""
    convolution = nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(out)
