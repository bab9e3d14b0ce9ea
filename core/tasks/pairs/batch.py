"""What a step takes: some pairs."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from core.system.tree import Rows, take


@dataclass(frozen=True, slots=True)
class PairBatch:
    """A batch of pairs."""

    inputs: tuple[Tensor, Tensor]
    """First and second images, ``(pairs, 1, height, width)`` float32 each; bytes are shares of 1."""
    targets: Tensor
    """``(pairs,)`` float32: 0 or 1."""
    places: Tensor
    """``(pairs,)`` int64: of a validation pair, its place among all of them; of others, anything."""
    teacher: Tensor | None = None
    """``(pairs,)`` probabilities of the positive label, which count beside the labels (distillation)."""

    @property
    def size(self) -> int:
        """Number of pairs."""
        return len(self.targets)

    @property
    def examples(self) -> int:
        """Number of pairs."""
        return len(self.targets)

    def take(self, rows: Rows) -> Self:
        """Return some of the pairs."""
        return type(self)(
            take(self.inputs, rows),
            self.targets[rows],
            self.places[rows],
            None if self.teacher is None else self.teacher[rows],
        )
