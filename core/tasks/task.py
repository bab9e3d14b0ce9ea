"""What is learned, as the trainer sees it.

The trainer knows this Protocol and nothing of mice: a task brings its data, its batches, its loss and
its measures. ``behaviour`` (frames → classes) is one; frames × pairs → actions, and pairs of images →
a relation, are to fit without changing the trainer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
from torch import Tensor, nn

from core.data.manifest import Remark


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What a model is built for.

    ``blocks`` says which columns of the ``features`` axis each named block holds, so that a model that
    wants structure (mice × keypoints × 2, say) can find it again; ``mice`` and ``keypoints`` give that
    structure.
    """

    features: int
    outputs: int
    mice: int
    keypoints: int
    blocks: Mapping[str, slice]


@dataclass(slots=True)
class Batch:
    """One step's input, on the device it will be used on.

    ``inputs`` (batch, time, features) float32; ``targets`` (batch, time) int64 classes, or whatever the
    task's loss takes; ``weights`` (batch, time) float32, 0 where a frame is padding or was counted in
    another window; ``mixed`` holds the second targets and the share of the first where windows were
    mixed up.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    frames: int
    """Real frames in it, for the frame rate."""
    mixed: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A batch's loss as a sum and its weight, so that batches of any size can be accumulated."""

    total: Tensor
    """Scalar, differentiable: Σ weight × loss over the frames."""
    weight: Tensor
    """Scalar: Σ weight."""


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What a task found, for the ``data_ready`` event and ``run.toml``."""

    fingerprint: str
    train_videos: tuple[str, ...]
    validation_videos: tuple[str, ...]
    train_frames: int
    validation_frames: int
    train_windows: int
    train_class_frames: dict[str, int]
    validation_class_frames: dict[str, int]
    features_by: str = "torch"
    """What computes features, with its version unless it is torch."""
    validation_source: str | None = None
    """The same for the same validation videos, however they are prepared; ``None``: not known."""
    warnings: tuple[Remark, ...] = ()
    """What the user should know before trusting the result."""


class Measure(Protocol):
    """Collects what a model says on validation frames."""

    def update(self, output: Tensor, batch: Batch) -> None:
        """Take one batch's output (batch, time, outputs)."""
        ...

    def metrics(self) -> dict[str, float]:
        """Return all metrics, the monitored one and ``loss`` among them."""
        ...

    def table(self) -> pa.Table:
        """Return the evaluation table that comparisons are computed from."""
        ...


class Task(Protocol):
    """One thing that can be learned."""

    monitor: str
    """The metric that tells a better model."""
    summary: DataSummary
    input_spec: InputSpec

    def steps_per_epoch(self) -> int:
        """Batches in one epoch; the last may be smaller."""
        ...

    def train_batches(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Return the batches of an epoch from number ``skip`` on.

        Batch ``i`` of epoch ``e`` is a function of seed, ``e`` and ``i`` alone, so that a resumed run
        sees what an uninterrupted one would have seen.
        """
        ...

    def validation_batches(self) -> Iterator[Batch]:
        """Return every validation frame once (weight 0 elsewhere)."""
        ...

    def build_model(self) -> nn.Module:
        """Build the network, initialised from the torch random state."""
        ...

    def loss(self, output: Tensor, batch: Batch) -> Loss:
        """Compute the loss of a batch's output (batch, time, outputs)."""
        ...

    def measure(self) -> Measure:
        """Start measuring a pass over the validation frames."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what prediction needs besides the weights: feature statistics, slots, classes.

        Plain containers, numbers, strings and tensors only, so that it loads with ``weights_only``.
        """
        ...
