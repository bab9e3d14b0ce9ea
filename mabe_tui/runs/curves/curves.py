"""The curves of a run: its measurements over epochs, steps, time or dollars.

Training loss, learning rate and the like come from ``step`` events, if there are any; validation metrics
come from ``epoch`` events. Points that a resume has superseded stay in a curve and are marked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.config.strict import nearest
from core.config.task_spec import TaskSpec
from core.errors import RunError
from core.run.events import READINGS, Identity
from core.run.history import History
from core.run.limits import NO_LIMITS, Limits
from mabe_tui.plotting.braille import LineStyle
from mabe_tui.plotting.cursor import Beside
from mabe_tui.plotting.series import Series
from mabe_tui.plotting.smoothing import ema
from mabe_tui.plotting.ticks import TickKind
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.reading.points import Bools, Floats, Points, Table

TRAIN_LOSS, VALIDATION_LOSS = "train_loss", "validation_loss"
OF_TRAINING = (TRAIN_LOSS, "learning_rate", "gradient_norm", "frames_per_second")
FREE_CHART = "free"
"""Chart with all metrics that the run's own code reported; see :mod:`core.run.free_metrics`."""
SCORE_CHART, LABELS_CHART = "score", "labels"
"""Charts whose curves the task names: the leading metrics, and the metrics of each label."""
FREE_PREFIX = "free/"
TOGETHER = "+"
"""Separator between the names of curves that share a chart."""
GROUPS = {
    "loss": (TRAIN_LOSS, VALIDATION_LOSS),
    "system": READINGS,
    "use": ("gpu_percent", "cpu_percent"),
    "memory": ("gpu_memory_mib", "memory_mib"),
}
"""Names that stand for several curves in one chart, as ``recall`` stands for the recall of each label."""
TICKS: dict[Axis, TickKind] = {
    Axis.EPOCH: "integer",
    Axis.STEP: "integer",
    Axis.TIME: "duration",
    Axis.DOLLARS: "dollars",
}
"""Placement and format of the ticks of each axis."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One quantity of one run; all arrays are ``(points,)``, in the order of (attempt, ``seq``)."""

    name: str
    x: Floats
    y: Floats
    superseded: Bools
    """Points that are no longer part of the history: drawn faintly, or not at all."""
    attempts: tuple[str, ...]
    """Names of the run's attempts."""
    attempt: Floats
    """Index into ``attempts`` of each point."""
    seq: Floats
    time: Floats
    """When each point was reported, in seconds since 1970."""
    best: float | None = None
    """The x of the best epoch, if this is measured once an epoch, and not of a single label."""

    @property
    def counted(self) -> tuple[Floats, Floats]:
        """``(x, y)`` of the points that are not superseded: ``x`` never decreases."""
        if not self.superseded.any():
            return self.x, self.y
        kept = ~self.superseded
        return self.x[kept], self.y[kept]

    def identity(self, index: int) -> Identity:
        """Return the event that a point comes from; ``RunLog.line_of`` finds its line."""
        return Identity(self.attempts[int(self.attempt[index])], int(self.seq[index]))

    def nearest(self, x: float) -> int | None:
        """Return the index of the nearest point in x that is not superseded; ``None`` if there is none."""
        distance = np.where(self.superseded, np.inf, np.abs(self.x - x))
        if not distance.size or not np.isfinite(distance).any():
            return None
        return int(np.nanargmin(distance))

    def index_of(self, event: Identity) -> int | None:
        """Return the last point measured up to an event: the way from the log to the chart."""
        if event.attempt not in self.attempts or not self.seq.size:
            return None
        number = self.attempts.index(event.attempt)
        earlier = (self.attempt < number) | ((self.attempt == number) & (self.seq <= event.seq))
        count = int(np.count_nonzero(earlier))
        return count - 1 if count else 0


def curve_names(points: Points) -> list[str]:
    """Name the curves of a run, the most informative first."""
    # an imported log may lack the training loss, which does not mean that training diverged
    has_loss = len(points.steps) or _has_numbers(points.epochs, TRAIN_LOSS)
    names = [TRAIN_LOSS] if has_loss else []
    metrics = [VALIDATION_LOSS if name == "loss" else name for name in points.metrics]
    names += sorted(metrics, key=lambda name: (name != VALIDATION_LOSS, "/" in name))
    names += free_curves(points)
    training = points.steps if len(points.steps) else points.epochs
    names += [name for name in OF_TRAINING[1:] if _has_numbers(training, name)]
    return names + [name for name in READINGS if _has_numbers(points.system, name)]


def free_curves(points: Points) -> dict[str, str]:
    """Return the curves of free metrics, with the metric of each.

    One that is called as a metric of the task gets :data:`FREE_PREFIX`.
    """
    return {(FREE_PREFIX if m in points.metrics else "") + m: m for m in sorted(points.free)}


def curves_named(points: Points, name: str) -> list[str]:
    """Return those of the curves that a name stands for which the run has.

    Until its first epoch ends, a run has not reported its metrics, so any name is accepted.

    Args:
        points: the run's numbers.
        name: a curve, ``loss`` (training and validation), ``recall`` and the like (of each label),
            ``system`` or ``free``; or several of these, joined by :data:`TOGETHER`.

    Raises:
        RunError: there is no such curve; names the nearest.
    """
    known = curve_names(points)
    parts = name.split(TOGETHER)
    return [*dict.fromkeys(each for part in parts for each in _curves_of(part, known, points))]


def _curves_of(name: str, known: Sequence[str], points: Points) -> list[str]:
    if name in GROUPS:
        return [each for each in GROUPS[name] if each in known]
    if name == FREE_CHART:
        return [*free_curves(points)]
    if name in known:
        return [name]
    if of_labels := [each for each in known if each.startswith(f"{name}/")]:
        return of_labels
    if name in READINGS or not len(points.epochs):
        return []
    raise RunError(f"no curve {name!r}{nearest(name, [*known, *GROUPS])}")


def leading_metric(points: Points, spec: TaskSpec) -> str:
    """Return the metric that leads in the run's latest measurements."""
    return spec.leading({name: float(points.epochs[name][-1]) for name in measured(points)})


def measured(points: Points) -> list[str]:
    """Return the metrics that a run has measured; none before its first epoch ends."""
    return points.metrics if len(points.epochs) else []


def curves_in(chart: str, points: Points, spec: TaskSpec) -> str:
    """Return the name that :func:`curves_named` takes for a chart whose curves the task chooses.

    Args:
        chart: :data:`SCORE_CHART`, :data:`LABELS_CHART`, or a name that :func:`curves_named` takes.
        points: the run's numbers.
        spec: the run's task.
    """
    if chart == SCORE_CHART:
        known, found = measured(points), (leading_metric(points, spec), *spec.charted)
        return TOGETHER.join(name for name in found if name in known or name == found[0])
    if chart == LABELS_CHART and spec.label_metric is not None:
        return spec.label_metric.name
    return chart


def curve(
    points: Points,
    history: History,
    name: str,
    axis: Axis,
    limits: Limits = NO_LIMITS,
    monitor: str | None = None,
) -> Curve:
    """Return one curve of a run.

    Args:
        points: the run's numbers.
        history: decides which points are superseded.
        name: one of :func:`curve_names`.
        axis: quantity on the x axis.
        limits: the run's limits, which hold its prices; needed for dollars.
        monitor: the metric that decides which epoch is the best; ``None`` to mark none.

    Raises:
        RunError: dollars are requested, and the price is not known.
    """
    table, column = _where(points, name)
    x, superseded = _x(points, table, axis, limits), ~points.counts(table, history.counted)
    is_of_epochs = table is points.epochs and "/" not in name and monitor is not None
    return Curve(
        name=name,
        x=x,
        y=table[column],
        best=_best(points, history, monitor, x, superseded) if is_of_epochs and monitor else None,
        superseded=superseded,
        attempts=tuple(points.attempts),
        attempt=table["attempt"],
        seq=table["seq"],
        time=table["time"],
    )


def _best(
    points: Points, history: History, monitor: str, x: Floats, superseded: Bools
) -> float | None:
    best = history.best_epoch(monitor)
    if best is None:
        return None
    found = np.flatnonzero((points.epochs["epoch"] == best.epoch) & ~superseded)
    return float(x[found[-1]]) if found.size else None


def beside(points: Points, axis: Axis, limits: Limits = NO_LIMITS) -> Beside | None:
    """Return the time at each x of a run; over time itself, the epoch. ``None`` before the first point."""
    table = points.steps if len(points.steps) else points.epochs
    if not len(table):
        return None
    x = _x(points, table, axis, limits)
    if axis is Axis.TIME:
        return Beside(x, table["epoch"], Axis.EPOCH.value, TICKS[Axis.EPOCH])
    return Beside(x, points.paid(table), Axis.TIME.value, TICKS[Axis.TIME])


def _where(points: Points, name: str) -> tuple[Table, str]:
    """Return the table and the column that hold a curve."""
    if name in READINGS:
        return points.system, name
    if name in OF_TRAINING:
        if len(points.steps):
            return points.steps, "loss" if name == TRAIN_LOSS else name
        return points.epochs, name
    if name in (free := free_curves(points)):
        return points.free[free[name]], "value"
    return points.epochs, "loss" if name == VALIDATION_LOSS else name


def _x(points: Points, table: Table, axis: Axis, limits: Limits) -> Floats:
    if axis is Axis.TIME:
        return points.paid(table)
    if axis is Axis.DOLLARS:
        if (dollars := points.dollars(table, limits)) is None:
            raise RunError("what it costs an hour is not known; take time for the x axis")
        return dollars
    if axis.value in table.columns:
        return table[axis.value]
    if axis is Axis.EPOCH and table is not points.system and (each := _steps_per_epoch(points)):
        return np.asarray(table["step"] / each)
    return _progress_at(points, points.paid(table), axis)


def _steps_per_epoch(points: Points) -> float:
    """Return the optimiser steps of an epoch; 0 if the run has reported none."""
    source = points.steps if len(points.steps) else points.epochs
    if not len(source) or not source["epoch"][-1] > 0:
        return 0.0
    return float(source["step"][-1] / source["epoch"][-1])


def _progress_at(points: Points, seconds: Floats, axis: Axis) -> Floats:
    """Return epoch or step at each moment, interpolated between points that have one (readings do not).

    It is 0 before the first such point.
    """
    source = points.steps if len(points.steps) else points.epochs
    if not len(source):
        return np.zeros(len(seconds))
    return np.interp(seconds, points.paid(source), source[axis.value], left=0.0)


def _has_numbers(table: Table, name: str) -> bool:
    numbers = table[name]
    return bool(np.isfinite(numbers[-1:]).any() or np.isfinite(numbers).any())


def series_of(
    one: Curve,
    label: str,
    style: LineStyle = "solid",
    smooth: float = 0.0,
    show_superseded: bool = False,
) -> list[Series]:
    """Return the series of a curve: the raw line, drawn faintly, and the smoothed line over it.

    Args:
        one: the curve.
        label: name in the legend.
        style: style of the line.
        smooth: weight of the moving average, in [0, 1); see :func:`~mabe_tui.plotting.smoothing.ema`.
            0 draws the raw line alone.
        show_superseded: also draw superseded points, faintly.
    """
    x, y = one.counted
    note = f"ema {smooth:g}" if smooth > 0 else ""
    series = _superseded(one) if show_superseded else []
    if smooth > 0:
        series.append(Series("", x, y, "faint"))
        y = ema(y, smooth)
    return [*series, Series(label, x, y, style, one.best, note)]


def _superseded(one: Curve) -> list[Series]:
    parts = [one.superseded & (one.attempt == number) for number in range(len(one.attempts))]
    return [Series("", one.x[part], one.y[part], "faint") for part in parts if part.any()]


def shared_names(of_runs: Sequence[Points], name: str) -> list[str]:
    """Return the curves that a name stands for in any of the runs.

    Raises:
        RunError: no run has such a curve.
    """
    found: dict[str, None] = {}
    problem: RunError | None = None
    for points in of_runs:
        try:
            found |= dict.fromkeys(curves_named(points, name))
        except RunError as error:
            problem = error
    if not found and problem is not None:
        raise problem
    return [*found]
