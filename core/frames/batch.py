"""A batch of windows of frames."""

from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from core.system.tree import Rows


@dataclass(slots=True)
class FrameBatch:
    """One step's windows, on the device they will be used on."""

    inputs: Tensor
    """(batch, time, features) float32."""
    targets: Tensor
    """(batch, time) int64 classes."""
    weights: Tensor
    """(batch, time) float32, 0 where a frame is padding or is counted in another window."""
    examples: int
    """Real frames in it."""
    mixed: tuple[Tensor, Tensor] | None = None
    """Second targets, and the share of the first, where windows were mixed up (mixup)."""
    soft: Tensor | None = None
    """(batch, time, classes) probabilities, which count instead of ``targets`` where there are no labels."""
    teacher: Tensor | None = None
    """(batch, time, classes) probabilities, which count beside the labels (distillation)."""
    videos: Tensor | None = None
    """(batch,) int64: places among the validation videos; none in training."""
    starts: Tensor | None = None
    """(batch,) int64: the first frame of each window, counted from its video's; none in training."""

    @property
    def size(self) -> int:
        """Windows in it."""
        return len(self.inputs)

    def take(self, rows: Rows) -> Self:
        """Return the batch of some of its windows; its ``examples`` are in proportion."""
        mixed = self.mixed
        if mixed is not None:
            share = mixed[1]
            mixed = mixed[0][rows], share[rows] if share.ndim else share
        inputs = self.inputs[rows]
        return replace(
            self,
            inputs=inputs,
            targets=self.targets[rows],
            weights=self.weights[rows],
            examples=self.examples * len(inputs) // max(1, self.size),
            mixed=mixed,
            soft=None if self.soft is None else self.soft[rows],
            teacher=None if self.teacher is None else self.teacher[rows],
            videos=None if self.videos is None else self.videos[rows],
            starts=None if self.starts is None else self.starts[rows],
        )
