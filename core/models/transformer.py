"""The network of v3: a transformer encoder over the frames of a window."""

import math

import torch
from torch import Tensor, nn

from core.models.chunking import Chunking


class FrameTransformer(nn.Module):
    """A linear layer, sinusoidal positions, encoder layers, and one linear layer on every frame.

    Positions count from the window's first frame, and attention costs the square of its length: a
    whole video is read in chunks as long as the training windows. Edges need no padding.

    Args:
        features: width of the input.
        outputs: width of the output.
        hidden_size: even; width of the encoder.
        layers: encoder layers.
        heads: attention heads; they divide the width.
        feed_forward: width inside each layer's feed-forward part.
        dropout: share of activations dropped.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        hidden_size: int = 256,
        layers: int = 4,
        heads: int = 8,
        feed_forward: int = 1024,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(features, hidden_size)
        self.dropout = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            hidden_size, heads, feed_forward, dropout, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(hidden_size, outputs)

    def chunking(self, window: int) -> Chunking:
        """Choose chunks as long as the training windows: it knows no positions beyond them."""
        context = window // 4
        return Chunking(window - 2 * context, context, batch=max(1, 4096 // window))

    def forward(self, inputs: Tensor) -> Tensor:
        """``(batch, time, features)`` → ``(batch, time, outputs)`` logits, for any time from 1."""
        embedded: Tensor = self.embed(inputs)
        placed = embedded + sinusoidal_positions(embedded.shape[1], embedded)
        logits: Tensor = self.head(self.encoder(self.dropout(placed)))
        return logits


def sinusoidal_positions(frames: int, like: Tensor) -> Tensor:
    """Positions of Vaswani et al. (2017), section 3.5: sines in even columns, cosines in odd ones.

    Args:
        frames: how many.
        like: ``(..., width)``; gives width, device and type.

    Returns:
        ``(frames, width)``.
    """
    width = like.shape[-1]
    column = torch.arange(0, width, 2, device=like.device, dtype=torch.float32)
    frequency = torch.exp(column * (-math.log(10_000.0) / width))
    angle = torch.arange(frames, device=like.device, dtype=torch.float32)[:, None] * frequency
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1).to(like.dtype)
