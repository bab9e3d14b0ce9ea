"""Self-attention over frames with rotary positions (Su et al. 2021, "RoFormer").

Queries and keys are rotated by an angle proportional to their frame number, so that their dot product depends
on how far apart the frames are and not on where the window begins. Windows longer than those of the training
work, but less well (``tests/bench/study_overlap.py``).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

BASE = 10_000.0
"""Ratio of the longest to the shortest wavelength."""


class Rotation(NamedTuple):
    """The rotation of every frame: two tables, ``(time, head width / 2)`` float32."""

    cosine: Tensor
    sine: Tensor


def rotation(frames: int, head_width: int, device: torch.device) -> Rotation:
    """Return the rotation of frames 0 to ``frames − 1``.

    Args:
        frames: number of frames.
        head_width: width of one attention head; even.
        device: device of the tables.
    """
    pair = torch.arange(0, head_width, 2, device=device, dtype=torch.float32)
    frequency = BASE ** (-pair / head_width)
    angle = torch.arange(frames, device=device, dtype=torch.float32)[:, None] * frequency
    return Rotation(angle.cos(), angle.sin())


def rotated(heads: Tensor, by: Rotation) -> Tensor:
    """Rotate each pair of numbers (column ``i`` of the first half with column ``i`` of the second).

    Args:
        heads: ``(…, time, head width)``.
        by: the rotation of these frames.

    Returns:
        The same shape and type; computed in float32.
    """
    first, second = heads.float().chunk(2, dim=-1)
    turned = (
        first * by.cosine - second * by.sine,
        first * by.sine + second * by.cosine,
    )
    return torch.cat(turned, dim=-1).to(heads.dtype)


class RotaryLayer(nn.Module):
    """Attention over all frames and a feed-forward network, each normalised first and added (pre-norm).

    Args:
        width: width of input and output.
        heads: attention heads; the width divided by them must be even.
        feed_forward: width inside the feed-forward network.
        dropout: share of attention weights, and of activations that are added, dropped in training.

    Raises:
        ValueError: the heads do not divide the width into even parts.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        if width % (2 * heads):
            raise ValueError(f"{heads} heads do not divide a width of {width} into even parts")
        self.heads = heads
        self.dropout = dropout
        self.attention_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, feed_forward),
            nn.GELU(),
            nn.Linear(feed_forward, width),
            nn.Dropout(dropout),
        )
        self.attention_dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, positions: Rotation) -> Tensor:
        """``(rows, time, width)`` → ``(rows, time, width)``."""
        frames = frames + self.attention_dropout(self._attend(frames, positions))
        added: Tensor = frames + self.feed_forward(frames)
        return added

    def _attend(self, frames: Tensor, positions: Rotation) -> Tensor:
        rows, time, width = frames.shape
        projected: Tensor = self.query_key_value(self.attention_norm(frames))
        split = projected.reshape(rows, time, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        answer = functional.scaled_dot_product_attention(
            rotated(query, positions),
            rotated(key, positions),
            value,
            dropout_p=self.dropout if self.training else 0.0,
        )
        joined: Tensor = self.attended(answer.transpose(1, 2).reshape(rows, time, width))
        return joined
