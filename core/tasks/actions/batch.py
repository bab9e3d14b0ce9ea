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
    """The windows of one step, on the device that computes with them."""

    inputs: dict[str, Tensor]
    """``features`` (rows, time, features) float32, ``is_pair`` (rows,) bool, ``fps`` (rows,) float32, and
    the ids ``lab``, ``agent_sex`` and ``target_sex``, (rows,) int64, 0 where unknown."""
    targets: Tensor
    """(rows, time, actions) uint8: 1 where an action is annotated as happening."""
    mask: Tensor
    """(rows, actions) bool: which actions are annotated."""
    weights: Tensor
    """(rows, time) float32; 0 where a frame is outside the video, or counts in another window."""
    examples: int
    """Number of frames that count, over all rows."""
    teacher: Tensor | None = None
    """(rows, time, actions) probabilities, which count beside the labels (distillation); 0 where masked."""
    row: Indices | None = None
    """(rows,) indices of the validation rows; ``None`` in training."""
    chunks: tuple[Chunk, ...] = ()
    """(rows,) the part of its video's timeline that each window covers; empty in training."""

    @property
    def size(self) -> int:
        """Return the number of windows."""
        return len(self.weights)

    def take(self, rows: Rows) -> Self:
        """Return a batch of some of the windows, with a proportional share of ``examples``."""
        chosen = _numbers(rows, self.size)
        return replace(
            self,
            inputs={name: tensor[rows] for name, tensor in self.inputs.items()},
            targets=self.targets[rows],
            mask=self.mask[rows],
            weights=self.weights[rows],
            examples=self.examples * len(chosen) // max(1, self.size),
            teacher=None if self.teacher is None else self.teacher[rows],
            row=None if self.row is None else self.row[chosen],
            chunks=tuple(self.chunks[number] for number in chosen) if self.chunks else (),
        )


def _numbers(rows: Rows, size: int) -> npt.NDArray[Any]:
    if isinstance(rows, slice):
        return np.arange(size)[rows]
    return rows.to("cpu", torch.int64).numpy()
