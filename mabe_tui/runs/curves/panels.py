"""Curves of one or several runs as charts, which can be drawn in a terminal, as SVG or in a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.config.task_spec import TaskSpec
from core.errors import RunError
from core.run.history import History
from core.run.limits import NO_LIMITS, Limits
from core.run.request import RunRequest
from mabe_tui.plotting.braille import line_styles
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import Series
from mabe_tui.plotting.ticks import TickKind
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import (
    TICKS,
    Curve,
    beside,
    curve,
    curve_names,
    leading_metric,
    measured,
    series_of,
    shared_names,
)
from mabe_tui.runs.reading.event_files import EventReader
from mabe_tui.runs.reading.growing import GrowingFold
from mabe_tui.runs.reading.points import Points
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.tasks import default_spec, spec_of


class Numbered(Protocol):
    """A run whose numbers are loaded: one that is followed or replayed."""

    @property
    def request(self) -> RunRequest:
        """The run's request."""
        ...

    @property
    def points(self) -> Points:
        """All numbers so far."""
        ...

    @property
    def history(self) -> History:
        """The history so far, without most of the heartbeats."""
        ...


@dataclass(frozen=True, eq=False)
class RunNumbers:
    """The source of one run's curves."""

    label: str
    """Name of the run beside the others."""
    points: Points
    history: History
    limits: Limits = NO_LIMITS
    spec: TaskSpec = field(default_factory=default_spec)
    monitor: str | None = None
    """The metric that decides which epoch is the best."""

    @classmethod
    def read(cls, entry: RunEntry, label: str) -> "RunNumbers":
        """Read all events of a run.

        Raises:
            RunError: its request cannot be read.
        """
        request = entry.require_request()
        fold = GrowingFold()
        fold.feed(EventReader(entry.run).read())
        spec = spec_of(request.experiment)
        monitor = request.experiment.training.monitor
        return cls(label, fold.points, fold.history, request.limits, spec, monitor)

    @classmethod
    def of(cls, source: Numbered, label: str) -> "RunNumbers":
        """Take the numbers of a run that is followed or replayed."""
        request = source.request
        spec = spec_of(request.experiment)
        monitor = request.experiment.training.monitor
        return cls(label, source.points, source.history, request.limits, spec, monitor)


def usual_charts(runs: Sequence[RunNumbers]) -> list[str]:
    """Return the default charts: the loss, and the leading metrics of each run's task."""
    leading = [
        leading_metric(run.points, run.spec)
        for run in runs
        if measured(run.points) or not len(run.points.epochs)  # else it trains on everything
    ]
    return [*dict.fromkeys(["loss", *leading])]


def curves_of(
    runs: Sequence[RunNumbers], names: Sequence[str], axis: Axis
) -> list[tuple[str, Curve]]:
    """Return the curves that names stand for, each with its run's label; skip runs without one.

    Raises:
        RunError: no run has such a curve, or dollars are requested and the price is not known.
    """
    wanted = dict.fromkeys(
        found for name in names for found in shared_names([run.points for run in runs], name)
    )
    return [pair for name in wanted for pair in _over_runs(runs, name, axis)]


def _over_runs(runs: Sequence[RunNumbers], name: str, axis: Axis) -> Iterator[tuple[str, Curve]]:
    for run in runs:
        if name not in curve_names(run.points):
            continue
        try:
            found = curve(run.points, run.history, name, axis, run.limits, run.monitor)
            yield run.label, found
        except RunError as error:
            raise RunError(f"{run.label}: {error}") from error


def panels(
    runs: Sequence[RunNumbers],
    names: Sequence[str],
    axis: Axis = Axis.EPOCH,
    *,
    smooth: float = 0.0,
    log_y: bool = False,
    superseded: bool = False,
) -> list[Panel]:
    """Return one chart per name, with the lines of all runs in it.

    Args:
        runs: the runs to draw, in this order.
        names: see :func:`~mabe_tui.runs.curves.curves.curves_named`.
        axis: quantity on the x axis.
        smooth: see :func:`~mabe_tui.runs.curves.curves.series_of`.
        log_y: use a logarithmic y axis.
        superseded: also draw superseded points, faintly.

    Raises:
        RunError: no run has such a curve, or dollars are requested and the price is not known.
    """
    options = {"smooth": smooth, "show_superseded": superseded}
    charts = []
    for name in names:
        series, lines = _drawn(curves_of(runs, [name], axis), len(runs) > 1, options)
        title = f"{name}, smoothed {smooth:g}" if smooth else name
        charts.append(
            Panel(
                series,
                lines,
                title,
                x_label=axis.value,
                x_kind=x_kind(axis, series),
                log_y=log_y,
                beside=beside(runs[0].points, axis, runs[0].limits) if len(runs) == 1 else None,
            )
        )
    return charts


def x_kind(axis: Axis, series: Sequence[Series]) -> TickKind:
    """Put ticks at whole epochs once there is one; before that, at fractions of the first."""
    ends = [one.x_bounds[1] for one in series if one.x_bounds is not None]
    return "linear" if axis is Axis.EPOCH and max(ends, default=1) < 1 else TICKS[axis]


def _drawn(
    curves: Sequence[tuple[str, Curve]], several_runs: bool, options: dict[str, Any]
) -> tuple[tuple[Series, ...], tuple[int, ...]]:
    """Return all series and the line number of each; bands come before all lines."""
    several_names = len({one.name for _, one in curves}) > 1
    found: list[tuple[Series, int]] = []
    for number, (label, one) in enumerate(curves):
        parts = [label] if several_runs else []
        parts += [one.name] if several_names or not several_runs else []
        style = line_styles(len(curves))[number]
        found += [(s, number) for s in series_of(one, " ".join(parts), style, **options)]
    found.sort(key=lambda pair: bool(pair[0].name))
    return tuple(series for series, _ in found), tuple(number for _, number in found)
