"""Prediction with trained checkpoints, as every task offers it.

``predictor`` of a :class:`~core.config.task_spec.TaskSpec` names a function that takes the loaded checkpoints
of one or several members and a device, and returns a :class:`Predictor`. :mod:`core.inference` loads the
checkpoints; ``mabe predict``, ``mabe eval`` and ``mabe compare RUN@CHECKPOINT`` use what is returned, and
know nothing else of the task.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from core.blending.blend import Blend
from core.evaluation.rows import Rows
from core.evaluation.table import Confusions, confusions_of, rows_of
from core.frames.store import FrameStore
from core.postprocess.rules import Rules
from core.run.request import RunRequest
from core.system.progress import Progress
from core.system.tree import Tree, in_float32
from core.tasks.task import Measure, Task

HOW_TO_SKIP = " (--skip-bad leaves damaged videos out)"
"""Ends the error about a damaged video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionOptions:
    """How data are to be predicted. A predictor names the options that it knows in ``accepts``."""

    table: str | None = None
    """Which of a data folder's tables, such as ``train`` or ``test``; ``None``: the task's choice."""
    skip_bad: bool = False
    """Leave damaged units out, with a warning, instead of failing."""
    tta: bool = False
    """Test-time augmentation: average over views of the data that should not change the answer."""
    median: int = 1
    """Odd; probabilities are smoothed by their median over this many frames."""
    merge_gap: int = 0
    """Bouts separated by at most this many frames are merged."""
    min_frames: int = 1
    """Shorter bouts are dropped."""
    rules: Rules | None = None
    """Fitted post-processing, in place of the three above."""
    actions: tuple[tuple[str, str], ...] = ()
    """Pairs of a name in the data and the run's own word for it, for data labelled in other words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What :meth:`Predictor.write` wrote."""

    document: Mapping[str, Any]
    """The files and their counts, as ``mabe predict --json`` prints them."""
    sentence: str
    """The same for people."""
    bad: Mapping[str, str] = field(default_factory=dict)
    """Damaged units that were left out, and the problem of each."""
    notes: tuple[str, ...] = ()
    """What else the user should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The result of checkpoints on labelled data, measured as in training."""

    metrics: Mapping[str, float]
    rows: Rows
    """Additive counts of each unit and label."""
    examples: int
    """Number of examples that were measured, in the task's unit."""
    confusions: Confusions | None = None
    """For a task with mutually exclusive labels."""
    source: str | None = None
    """Identifies the measured units, like ``validation_source`` of a run; ``None``: not known."""
    bad: Mapping[str, str] = field(default_factory=dict)
    """Damaged units that were left out, and the problem of each."""
    unmapped: Mapping[str, int] = field(default_factory=dict)
    """Labels of the data that the experiment does not know, and how often they occur."""
    nan_examples: int = 0
    """Examples for which the model returned NaN."""
    warnings: tuple[str, ...] = ()
    """What the user should know before trusting the metrics."""


class Predictor(Protocol):
    """Predicts with the checkpoints of one or several members, whose answers are averaged or blended."""

    @property
    def accepts(self) -> frozenset[str]:
        """Names of the fields of :class:`PredictionOptions` that it knows."""
        ...

    def targets(self, output: Path) -> tuple[Path, ...]:
        """Return all files that :meth:`write` makes for a path; the path itself comes first.

        Raises:
            UserError: the path's suffix names no format that predictions are written in.
        """
        ...

    def write(
        self,
        data: Path,
        output: Path,
        options: PredictionOptions,
        progress: Progress | None = None,
    ) -> Written:
        """Predict everything in a data folder, and write it; files are replaced only when complete.

        Args:
            data: the folder; labels are not read.
            output: a path that :meth:`targets` accepts.
            options: fields not in ``accepts`` have their defaults.
            progress: called with (done, total, what).

        Raises:
            UserError: the data cannot be used, or a file cannot be written.
        """
        ...

    def evaluate(
        self, data: Path, options: PredictionOptions, progress: Progress | None = None
    ) -> Evaluation:
        """Measure on the labelled part of a data folder.

        Raises:
            UserError: nothing in it is labelled, or it cannot be used.
        """
        ...

    def validate(self, request: RunRequest, cache: Path, progress: Progress) -> Evaluation:
        """Measure on the validation units of a run.

        :func:`validated` does this for a task that is trained by epochs.

        Args:
            request: of the run; its ``data`` say where the data are now.
            cache: where prepared and synthetic data are kept.
            progress: called with (done, total, what).

        Raises:
            UserError: the data are gone or cannot be used.
        """
        ...


@runtime_checkable
class Blends(Protocol):
    """Implemented in addition by a :class:`Predictor` that can predict with a fitted second level."""

    blend: Blend | None
    """Makes one answer of those of all members; ``None``: their mean."""


@runtime_checkable
class PredictsFrames(Protocol):
    """Predicts the frames of one video, as the predictor of a task with the view ``video`` must."""

    def predict_frames_of(
        self, store: FrameStore, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Predict the first video of a store.

        Args:
            store: positions of the mice and keypoints of the training.
            progress: called with (done, total, what).

        Returns:
            ``(frames, classes)``, each row summing to 1.

        Raises:
            UserError: the video cannot be predicted.
        """
        ...


def validated(task: Task, answer: Callable[[Tree], Any]) -> Evaluation:
    """Measure a model on a task's validation examples, as training does after each epoch.

    Args:
        task: built from the run's request.
        answer: computes the output for a batch's inputs: the model itself, in evaluation mode, or the mean of
            several models.
    """
    measure = task.measure()
    with torch.no_grad():
        for batch in task.validation_batches():
            measure.update(in_float32(answer(batch.inputs)), batch)
    return evaluation_of(measure, task.summary.validation_examples, task.summary.validation_source)


def evaluation_of(measure: Measure, examples: int, source: str | None = None) -> Evaluation:
    """Return the result of a measure.

    Args:
        measure: has seen all examples.
        examples: number of examples.
        source: see :class:`Evaluation`.
    """
    confusion = measure.confusion()
    where = "what was measured"
    return Evaluation(
        metrics={name: float(value) for name, value in measure.metrics().items()},
        rows=rows_of(measure.table(), where),
        examples=examples,
        confusions=None if confusion is None else confusions_of(confusion, where),
        source=source,
    )
