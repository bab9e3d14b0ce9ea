"""How a run comes to its result: what an attempt knows of fitting, whichever way it is done."""

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
"""Whose evaluation tables a run keeps."""


class Fit(Protocol):
    """One way to fit what a run asks for, on data that have been found.

    :class:`core.training.epochs.EpochFit` steps through batches; :class:`core.ensembles.mean.MeanFit`
    averages what other runs predict. An attempt says what was found, fits, and says how it ended.
    """

    @property
    def learner(self) -> Learner:
        """What is said of the data and the metrics."""
        ...

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in an epoch; 0 where there are none."""
        ...

    @property
    def parameters(self) -> int:
        """Trainable numbers."""
        ...

    @property
    def progress(self) -> TrainingProgress:
        """Where it stands."""
        ...

    def fit(self) -> Complete | StopReason:
        """Go on to the end, or to a reason to stop; emit an event for each epoch on the way.

        Raises:
            UserError: it cannot go on; says why.
        """
        ...


def keep_evaluation(run_dir: RunDir, measure: Measure, better: bool) -> None:
    """Keep the tables of an epoch as the last one's, and as the best one's where it is that."""
    rows, confusion = measure.table(), measure.confusion()
    for path in map(run_dir.evaluation_of, EPOCHS_KEPT if better else EPOCHS_KEPT[:1]):
        if confusion is not None:
            write_table(confusion_path(path), confusion)
        write_table(path, rows)


def write_table(path: Path, table: pa.Table, compression: str = "snappy") -> None:
    """Write a table in one step."""
    with replace_atomically(path) as file:
        pq.write_table(table, file, compression=compression)
