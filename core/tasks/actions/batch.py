"""A batch of windows of mice alone and of pairs."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.frames.windows import Indices
from core.models.chunking import Chunk
from core.system.tree import Rows


@dataclass(slots=True)
class ActionBatch:
    """One step's windows, on the device they will be used on."""

    inputs: dict[str, Tensor]
    """``features`` (rows, time, features) float32, ``is_pair`` (rows,) bool, ``fps`` (rows,) float32, and
    the ids ``lab``, ``agent_sex`` and ``target_sex``, (rows,) int64, 0 where unknown."""
    targets: Tensor
    """(rows, time, actions) uint8: 1 where an action is annotated as happening."""
    mask: Tensor
    """(rows, actions) bool: what is annotated."""
    weights: Tensor
    """(rows, time) float32, 0 where a frame is outside the video or counts in another window."""
    examples: int
    """Frames that count, of all rows."""
    row: Indices | None = None
    """(rows,) places among the validation rows; none in training."""
    chunks: tuple[Chunk, ...] = ()
    """(rows,) which part of its video's timeline each window is; empty in training."""

    @property
    def size(self) -> int:
        """Windows in it."""
        return len(self.weights)

    def take(self, rows: Rows) -> Self:
        """Return the batch of some of its windows; its ``examples`` are in proportion."""
        chosen = _numbers(rows, self.size)
        return replace(
            self,
            inputs={name: tensor[rows] for name, tensor in self.inputs.items()},
            targets=self.targets[rows],
            mask=self.mask[rows],
            weights=self.weights[rows],
            examples=self.examples * len(chosen) // max(1, self.size),
            row=None if self.row is None else self.row[chosen],
            chunks=tuple(self.chunks[number] for number in chosen) if self.chunks else (),
        )


def _numbers(rows: Rows, size: int) -> npt.NDArray[Any]:
    if isinstance(rows, slice):
        return np.arange(size)[rows]
    return rows.to("cpu", torch.int64).numpy()
