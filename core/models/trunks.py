"""Trunks of the two-trunk network: they give every frame of a row its context, ``(rows, time, width)``."""

from typing import Literal

import torch
from torch import Tensor, nn

from core.models.gru import FastGRU
from core.models.rotary import RotaryLayer, rotation
from core.models.tcn import DilatedResidual
from core.models.temporal import as_frames, as_image

TrunkKind = Literal["bigru", "attention", "tcn"]
DEFAULT_LAYERS: dict[TrunkKind, int] = {"bigru": 2, "attention": 4, "tcn": 5}
TCN_KERNEL = 3


class ParallelConvolutions(nn.Module):
    """Parallel convolutions with different kernel sizes, concatenated and projected.

    Beyond both ends of the window they see zeros, which is the mean, because inputs are standardised.

    Args:
        features: width of the input.
        width: width of the output; each convolution has an equal part of it, rounded up.
        kernels: odd kernel sizes, in frames.
        dropout: share of activations dropped after the projection.
    """

    def __init__(self, features: int, width: int, kernels: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        channels = -(-width // len(kernels))
        # As images of height 1: channels-last convolutions are the fast ones on a CPU (temporal.py).
        self.convolutions = nn.ModuleList(
            nn.Conv2d(features, channels, (1, kernel), padding=(0, kernel // 2))
            for kernel in kernels
        )
        joined = channels * len(kernels)
        self.project = nn.Sequential(
            nn.LayerNorm(joined), nn.GELU(), nn.Linear(joined, width), nn.Dropout(dropout)
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """``(rows, time, features)`` → ``(rows, time, width)``."""
        image = as_image(inputs)
        joined = torch.cat([convolution(image) for convolution in self.convolutions], dim=1)
        projected: Tensor = self.project(as_frames(joined))
        return projected


class GRUTrunk(nn.Module):
    """Bidirectional GRU layers, starting from a zero state at both ends of a window.

    Args:
        width: width of the input, and of the state in each direction.
        layers: number of layers, with dropout between them.
        dropout: share of activations dropped between and after the layers.
    """

    reach: int | None = None

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.gru = FastGRU(width, width, layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.width = 2 * width

    def forward(self, frames: Tensor) -> Tensor:
        """``(rows, time, width)`` → ``(rows, time, 2 × width)``."""
        context, _ = self.gru(frames)
        dropped: Tensor = self.dropout(context)
        return dropped


class AttentionTrunk(nn.Module):
    """Attention layers with rotary positions, over all frames of the window, then a norm.

    Args:
        width: width of input and output; the feed-forward networks are four times as wide.
        layers: number of layers.
        heads: attention heads of each layer.
        dropout: share of activations and attention weights dropped.
    """

    reach: int | None = None

    def __init__(self, width: int, layers: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            RotaryLayer(width, heads, 4 * width, dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head_width = width // heads
        self.width = width

    def forward(self, frames: Tensor) -> Tensor:
        """``(rows, time, width)`` → ``(rows, time, width)``."""
        positions = rotation(frames.shape[1], self.head_width, frames.device)
        for layer in self.layers:
            frames = layer(frames, positions)
        normalised: Tensor = self.norm(frames)
        return normalised


class TCNTrunk(nn.Module):
    """The dilated residual layers of the TCN (:mod:`core.models.tcn`), all of one width.

    Args:
        width: width of input and output.
        layers: number of layers; the dilation triples from one to the next.
        dropout: share of channels dropped after each layer's convolutions.
    """

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        dilations = [TCN_KERNEL**layer for layer in range(layers)]
        self.layers = nn.Sequential(
            *(
                DilatedResidual(width, width, TCN_KERNEL, dilation, dropout)
                for dilation in dilations
            )
        )
        self.reach: int | None = TCN_KERNEL // 2 * sum(dilations)
        self.width = width

    def forward(self, frames: Tensor) -> Tensor:
        """``(rows, time, width)`` → ``(rows, time, width)``."""
        return as_frames(self.layers(as_image(frames)))


def build_trunk(
    kind: TrunkKind, width: int, layers: int | None, heads: int, dropout: float
) -> GRUTrunk | AttentionTrunk | TCNTrunk:
    """Build a trunk; ``None`` layers means :data:`DEFAULT_LAYERS` of this kind."""
    depth = layers or DEFAULT_LAYERS[kind]
    if kind == "bigru":
        return GRUTrunk(width, depth, dropout)
    if kind == "attention":
        return AttentionTrunk(width, depth, heads, dropout)
    return TCNTrunk(width, depth, dropout)
