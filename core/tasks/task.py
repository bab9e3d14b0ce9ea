"""What is learned, as the trainer sees it.

The trainer knows these Protocols and nothing of mice: a task brings its data, its batches, its loss and
its measures. ``behaviour`` (frames → classes) is one; ``tests/toy/pairs.py`` is a small example of another.
What everything but the trainer knows of a task is its :class:`~core.config.task_spec.TaskSpec`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

import pyarrow as pa
from torch import nn

from core.config.task_spec import TaskSpec
from core.data.manifest import Remark
from core.losses.loss import Loss as Loss
from core.system.tree import Rows, Tree


class Batch(Protocol):
    """One step's input, on the device it will be used on.

    Whatever else a task's own loss and measure need (targets, weights) is the task's affair.
    """

    @property
    def inputs(self) -> Tree:
        """What the model is called with, as its one argument; rows are along every first axis."""
        ...

    @property
    def size(self) -> int:
        """Rows along the first axis of the inputs."""
        ...

    @property
    def examples(self) -> int:
        """Real examples in it, for the rate: frames, say, padding left out."""
        ...

    def take(self, rows: Rows) -> Self:
        """Return the batch of some of its rows, repeated ones too; ``examples`` may be an estimate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """What a task found, for the ``data_ready`` event and ``run.toml``.

    A *unit* is the largest piece of data that is independent of the others (a video, say), an *example*
    what a metric counts (a frame), a *sample* what batches hold (a window of frames).
    """

    fingerprint: str
    train_units: tuple[str, ...]
    validation_units: tuple[str, ...]
    unit_counts: tuple[int, int] | None = None
    """Numbers of both, where there are too many to name them all; ``None``: as many as are named."""
    train_examples: int
    validation_examples: int
    train_samples: int
    train_label_examples: dict[str, int]
    """Examples of each label."""
    validation_label_examples: dict[str, int]
    input_size: int
    """Numbers that the model sees of one example."""
    features_by: str = "torch"
    """What computes features, with its version unless it is torch."""
    validation_source: str | None = None
    """The same for the same validation units, however they are prepared; ``None``: not known."""
    warnings: tuple[Remark, ...] = ()
    """What the user should know before trusting the result."""


class Measure(Protocol):
    """Collects what a model says on validation examples."""

    def update(self, output: Any, batch: Any) -> None:
        """Take one batch's output; its numbers are float32."""
        ...

    def metrics(self) -> dict[str, float]:
        """Return all metrics, the monitored one among them, and ``loss`` where it is measured."""
        ...

    def table(self) -> pa.Table:
        """Return the evaluation rows, which comparisons are computed from.

        :func:`core.evaluation.table.rows_table` lays them out.
        """
        ...

    def confusion(self) -> pa.Table | None:
        """Return the confusion table, as :func:`core.evaluation.table.evaluation_table` lays it out.

        ``None`` for a task that has none.
        """
        ...


class Learner(Protocol):
    """What a run says of its data and metrics, whichever way it is fitted."""

    @property
    def spec(self) -> TaskSpec:
        """What everything but the trainer knows of the task."""
        ...

    monitor: str
    """The metric whose best value names the best checkpoint; ``spec`` says which way is better."""
    summary: DataSummary


class Task(Learner, Protocol):
    """One thing that can be learned by epochs of steps.

    A task's batches and outputs are of whatever kind it likes.
    """

    def steps_per_epoch(self) -> int:
        """Return the number of batches in one epoch; the last may be smaller."""
        ...

    def train_batches(self, epoch: int, skip: int = 0) -> Iterator[Any]:
        """Yield the batches of an epoch (:class:`Batch`) from number ``skip`` on.

        Batch ``i`` of epoch ``e`` is a function of seed, ``e`` and ``i`` alone, so that a resumed run
        sees what an uninterrupted one would have seen.
        """
        ...

    def validation_batches(self) -> Iterator[Any]:
        """Yield every validation example once; one that is repeated counts for nothing."""
        ...

    def build_model(self) -> nn.Module:
        """Build the network, initialised from the torch random state."""
        ...

    def input_table(self) -> dict[str, Any]:
        """Return what :meth:`build_model` takes from the data, such as the number of features.

        It is kept in every checkpoint, so that the task can build the model again from the file alone.
        Plain containers, numbers, strings and tensors only, so that it loads with ``weights_only``.
        """
        ...

    def loss(self, output: Any, batch: Any) -> Loss:
        """Compute the loss of a batch's output."""
        ...

    def measure(self) -> Measure:
        """Start measuring a pass over the validation examples."""
        ...

    def predict(self, output: Any, batch: Any) -> pa.Table:
        """Return what a model says of each validation example in a batch, a row each.

        The columns are ``unit``, whatever tells an example from others of its unit, ``label`` or another
        truth, and the prediction. All tables of a task have the same columns.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what prediction needs besides the weights: feature statistics, slots, classes.

        Of the same kinds as :meth:`input_table`.
        """
        ...
