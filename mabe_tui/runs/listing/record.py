"""All values of one run that a table can show, sort or filter by: summary, settings, metrics."""

import datetime as dt
import math
from typing import Any

import msgspec

from core.config.experiment import flatten
from core.config.gpus import choices_of, gpu_text, match_device
from core.config.task_spec import TaskSpec, task_spec
from core.errors import DataError
from core.run.history import History
from core.run.request import RunRequest
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.folds import fold_group
from mabe_tui.runs.listing.seeds import data_digest, digest, request_digest
from mabe_tui.runs.store import STUDY_TAG, RunEntry
from mabe_tui.runs.summary.run_summary import RunSummary, summary_from
from mabe_tui.runs.tasks import spec_of

SMOOTHING = 0.6
"""Weight of the past in each epoch's smoothed value: TensorBoard's default."""
CURVE_POINTS = 64
"""Columns of a sparkline of thirty-two braille characters."""
TRAIN_LOSS = "train_loss"
LEFT_OUT = "actions."
"""Settings without a column: the map from actions to classes has dozens of keys."""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run for a table. Values that the run lacks or has not reported are absent or ``None``."""

    summary: RunSummary
    gpu: str | None = None
    """The rented GPU, such as ``H100`` or ``A100-80GB:2``; if several were requested, the one that the
    run got, or all until that is known; for a local run, the device's own name."""
    settings: dict[str, Any] = {}
    """Settings by dotted key, ``None`` if unset."""
    best: dict[str, float] = {}
    """Metrics of the epoch with the best monitored value."""
    smoothed: dict[str, float] = {}
    """Best value of each metric's curve, smoothed by :func:`~mabe_tui.plotting.smoothing.ema`."""
    curve: tuple[float, ...] = ()
    """The monitored metric over the epochs, at most :data:`CURVE_POINTS` values: for a sparkline."""
    alike: str = ""
    """Digest that runs share if their settings are the same, apart from the seed."""
    data: str = ""
    """Digest that runs share if they have the same data, training and validation videos."""
    validates: bool = True
    """Whether it kept anything for validation."""
    fold_group: str = ""
    """Digest that runs share if they differ only in fold and seed; see :mod:`mabe_tui.runs.listing.folds`."""
    fold_counts: dict[str, tuple[float, ...]] = {}
    """For a finished run of several folds: its evaluation rows at the best epoch, summed over the units:
    the counts of each label. The rows of all folds are their sum."""
    scored_on: str | None = None
    """Digest that runs share if their metrics are comparable: the same validation videos."""
    validation_source: str | None = None
    """See :class:`~core.run.request.Resolved`; if two runs have it, it decides instead of ``scored_on``."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.summary.id

    @property
    def seed(self) -> int | None:
        """Its training seed."""
        return self.summary.seed

    @property
    def state(self) -> RunState:
        """The run's state."""
        return self.summary.state

    @property
    def smoothed_score(self) -> float | None:
        """The best value of the leading metric's smoothed curve."""
        return self.smoothed.get(self.summary.metric or "")

    @property
    def folds(self) -> int | None:
        """Number of folds; ``None`` if it is not one of several."""
        return self.settings.get("data.folds")

    @property
    def fold(self) -> int | None:
        """Its fold, from 0."""
        return self.settings.get("data.fold")

    @property
    def is_trial(self) -> bool:
        """Whether `mabe tune` started it."""
        return any(tag.startswith(STUDY_TAG) for tag in self.summary.tags)


def record_from(entry: RunEntry, history: History, state: RunState, now: dt.datetime) -> RunRecord:
    """Collect the values of a run that can be read.

    Raises:
        RunError: its request cannot be read.
    """
    request = entry.require_request()
    summary = summary_from(entry, history, state, now)
    best = history.best_epoch(request.experiment.training.monitor)
    settings = flatten(request.experiment)
    return RunRecord(
        summary=summary,
        gpu=_gpu(request, summary),
        settings={k: v for k, v in settings.items() if not k.startswith(LEFT_OUT)},
        best=best.metrics if best else {},
        smoothed=smoothed_of(history, spec_of(request.experiment)),
        curve=_curve(history, request.experiment.training.monitor),
        alike=request_digest(request),
        data=data_digest(request),
        validates=request.experiment.data.validates,
        fold_group=fold_group(request) if request.experiment.data.folds is not None else "",
        fold_counts=_fold_counts(entry, request) if state is RunState.FINISHED else {},
        scored_on=_scored_on(request),
        validation_source=request.resolved.validation_source if request.resolved else None,
    )


def _fold_counts(entry: RunEntry, request: RunRequest) -> dict[str, tuple[float, ...]]:
    """Sum the rows of a run of several folds over its units; empty if it kept none."""
    if request.experiment.data.folds is None:
        return {}
    from core.evaluation.table import (
        read_rows,
    )  # imported late: pyarrow, which a list of other runs does not need

    try:
        rows = read_rows(entry.run.evaluation_table)
    except DataError:
        return {}
    return dict(zip(rows.labels, map(tuple, rows.pooled.tolist()), strict=True))


def falls(metric: str, spec: TaskSpec | None) -> bool:
    """Return whether a smaller value of a metric is better.

    Args:
        metric: a metric of the task, or the training loss.
        spec: the task; if ``None``, only losses count as better when smaller.
    """
    if metric.endswith("_loss") or spec is None:
        return metric == "loss" or metric.endswith("_loss")
    return not spec.rises(metric)


def smoothed_of(history: History, spec: TaskSpec) -> dict[str, float]:
    """Return the best value of each metric's smoothed curve, without metrics that have no finite value."""
    if not (epochs := history.epochs):
        return {}
    from mabe_tui.plotting.smoothing import ema  # numpy, which a list of cached runs does not need

    names = dict.fromkeys(name for epoch in epochs for name in epoch.metrics)
    curves = [[epoch.train_loss for epoch in epochs]]
    curves += [[epoch.metrics.get(name, math.nan) for epoch in epochs] for name in names]
    found = {}
    for name, values in zip([TRAIN_LOSS, *names], ema(curves, SMOOTHING).tolist(), strict=True):
        if known := [value for value in values if math.isfinite(value)]:
            found[name] = min(known) if falls(name, spec) else max(known)
    return found


def _curve(history: History, monitor: str) -> tuple[float, ...]:
    """Thin the metric out evenly; the first and the last epoch stay."""
    values = [e.metrics[monitor] for e in history.epochs if monitor in e.metrics]
    if len(values) <= CURVE_POINTS:
        return tuple(values)
    step = (len(values) - 1) / (CURVE_POINTS - 1)
    return tuple(values[round(step * point)] for point in range(CURVE_POINTS))


def rented_gpu(request: RunRequest, device_name: str | None) -> str | None:
    """Return the GPU that a rented run got; all requested ones until that is known.

    Args:
        request: the run's request.
        device_name: the name that the job reported.
    """
    asked = choices_of(request.experiment.hardware.gpu)
    given = match_device(device_name, asked) if len(asked) > 1 else None
    return given or gpu_text(asked)


def _gpu(request: RunRequest, summary: RunSummary) -> str | None:
    if request.launcher != "local":
        return rented_gpu(request, summary.device_name)
    return summary.device_name if summary.device == "cuda" else None


def _scored_on(request: RunRequest) -> str | None:
    """Name the validation set: real videos have unique ids, synthetic ones are all numbered alike."""
    found = request.resolved
    if found is None:
        return None
    made = request.data is None and task_spec(request.experiment.task).makes_data(
        request.experiment
    )
    return digest([found.data_fingerprint if made else None, *sorted(found.validation_units)])
