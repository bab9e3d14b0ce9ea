"""The interface between an attempt and a fit, by whatever method a run reaches its result."""

from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from core.evaluation.table import confusion_path
from core.run.rundir import RunDir
from core.system.files import replace_atomically
from core.tasks.task import Learner, Measure
from core.training.state import TrainingProgress
from core.training.stopping import StopReason

Complete = Literal["epochs", "early_stopping"]
EPOCHS_KEPT: tuple[Literal["last", "best"], ...] = ("last", "best")
"""The epochs whose evaluation tables a run keeps."""


class Fit(Protocol):
    """A method of fitting what a run requests, on data that have been found.

    :class:`core.training.epochs.EpochFit` trains by steps on batches; :class:`core.ensembles.mean.MeanFit`
    averages the predictions of other runs. An attempt reports the data, fits, and reports the ending.
    """

    @property
    def learner(self) -> Learner:
        """Description of the data and the metrics."""
        ...

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps per epoch; 0 if there are none."""
        ...

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        ...

    @property
    def progress(self) -> TrainingProgress:
        """Current position in training."""
        ...

    def fit(self) -> Complete | StopReason:
        """Continue to the end or to a reason to stop; emit an event for each epoch on the way.

        Raises:
            UserError: the fit cannot continue; the message says why.
        """
        ...


def keep_evaluation(run_dir: RunDir, measure: Measure, better: bool) -> None:
    """Store the tables of an epoch as those of the last epoch and, if it is better, of the best."""
    rows, confusion = measure.table(), measure.confusion()
    for path in map(run_dir.evaluation_of, EPOCHS_KEPT if better else EPOCHS_KEPT[:1]):
        if confusion is not None:
            write_table(confusion_path(path), confusion)
        write_table(path, rows)


def write_table(path: Path, table: pa.Table, compression: str = "snappy") -> None:
    """Write a table in one step."""
    with replace_atomically(path) as file:
        pq.write_table(table, file, compression=compression)
