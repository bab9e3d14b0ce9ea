"""A set of points a mouse, then time: what v2 calls ``hybrid``.

Each keypoint goes through the same small network and the mouse is what their pool says, after PointNet
(Qi et al. 2017): nothing depends on the order of the keypoints. The mice keep their order.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from core.errors import ConfigError
from core.models.chunking import Chunking
from core.models.recurrent import RecurrentModel

POINT_BLOCKS = ("coordinates", "speed", "acceleration", "mask")
"""Blocks with the same number of values for each mouse and keypoint, keypoints innermost but one."""


class Hybrid(RecurrentModel):
    """A per-mouse point encoder, then a bidirectional LSTM, then one linear layer on every frame.

    Blocks that have a value for each keypoint (:data:`POINT_BLOCKS`) travel with their point; every
    other feature joins the mice on its frame. The LSTM starts from a zero state at both ends of a
    window; there is no other padding.

    Args:
        features: width of the input.
        outputs: width of the output.
        mice: mice in the coordinates block.
        keypoints: keypoints of each mouse.
        blocks: which columns each named block holds; ``coordinates`` must be among them.
        channels: widths of the network that every point goes through.
        hidden_size: width of the LSTM in each direction.
        layers: LSTM layers.
        dropout: share of activations dropped before, between and after the LSTM layers.

    Raises:
        ConfigError: a block of points has not as many values for each.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        mice: int,
        keypoints: int,
        blocks: Mapping[str, slice],
        channels: Sequence[int] = (32, 64),
        hidden_size: int = 256,
        layers: int = 2,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.points = mice, keypoints
        self.point_blocks, self.frame_columns = _split(features, blocks, mice * keypoints)
        values = sum(block.stop - block.start for block in self.point_blocks) // (mice * keypoints)
        self.point_encoder = _point_encoder((values, *channels))
        joined = 2 * channels[-1] * mice + len(self.frame_columns)
        self.join = nn.Sequential(nn.Linear(joined, hidden_size), nn.ReLU(), nn.Dropout(dropout))
        self.add_context(hidden_size, outputs, hidden_size, layers, dropout)

    def chunking(self, window: int) -> Chunking:
        """Choose fewer chunks at a time: its points are many times as wide as their frames."""
        del window
        return Chunking(batch=8)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(batch, time, features)`` → ``(batch, time, outputs)`` logits, for any time from 1."""
        encoded: Tensor = self.point_encoder(self._points(inputs))
        mice = torch.cat((encoded.amax(dim=-2), encoded.mean(dim=-2)), dim=-1).flatten(2)
        frames = self.join(torch.cat((mice, inputs[..., self.frame_columns]), dim=-1))
        return self.in_context(frames)

    def _points(self, inputs: Tensor) -> Tensor:
        """``(batch, time, features)`` → ``(batch, time, mice, keypoints, values)``."""
        shape = (*inputs.shape[:2], *self.points, -1)
        return torch.cat([inputs[..., block].reshape(shape) for block in self.point_blocks], dim=-1)


def _split(
    features: int, blocks: Mapping[str, slice], points: int
) -> tuple[list[slice], list[int]]:
    """Tell the blocks of points from the columns of whole frames."""
    of_points = [blocks[name] for name in POINT_BLOCKS if name in blocks]
    for block in of_points:
        if (block.stop - block.start) % points:
            raise ConfigError(
                f"features.inputs: a block of {block.stop - block.start} values does not fit"
                f" {points} keypoints, so the model 'hybrid' cannot read it"
            )
    taken = {column for block in of_points for column in range(block.start, block.stop)}
    return of_points, [column for column in range(features) if column not in taken]


def _point_encoder(widths: Sequence[int]) -> nn.Sequential:
    def layers() -> Iterator[nn.Module]:
        for before, after in itertools.pairwise(widths):
            yield nn.Linear(before, after)
            yield nn.ReLU()

    return nn.Sequential(*layers())
