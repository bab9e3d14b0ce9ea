"""One curve of several sides in one chart; each side keeps its own line style."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import RunError
from mabe_tui.plotting.braille import STYLES, LineStyle
from mabe_tui.plotting.cursor import Beside
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import Series
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import Curve, beside, curve, curve_names, series_of, shared_names
from mabe_tui.runs.curves.panels import RunNumbers, x_kind
from mabe_tui.runs.curves.seeds import has_points, over_seeds, series_over_seeds


@dataclass(frozen=True, eq=False)
class SideNumbers:
    """The source of one side's curves."""

    label: str
    runs: tuple[RunNumbers, ...]
    """One per seed, newest first; empty if the side has no run."""


def metrics_of(sides: Sequence[SideNumbers]) -> list[str]:
    """Name the curves that any side has, the most informative first."""
    return [
        *dict.fromkeys(n for side in sides for run in side.runs for n in curve_names(run.points))
    ]


def axes_of(sides: Sequence[SideNumbers]) -> list[Axis]:
    """Return the available axes: dollars only if the price of every run is known."""
    priced = all(run.limits.usd_per_hour is not None for side in sides for run in side.runs)
    return [axis for axis in Axis if priced or axis is not Axis.DOLLARS]


def overlay(
    sides: Sequence[SideNumbers],
    lines: Sequence[int],
    metric: str,
    axis: Axis = Axis.EPOCH,
    *,
    smooth: float = 0.0,
    log_y: bool = False,
) -> Panel:
    """Draw a metric of all sides in one chart: one line per side, or the mean and band of several seeds.

    Args:
        sides: in the order of the legend; a side without the metric is left out.
        lines: the line number of each side, which fixes its colour and style everywhere.
        metric: one of :func:`metrics_of`.
        axis: quantity on the x axis.
        smooth: see :func:`~mabe_tui.runs.curves.curves.series_of`.
        log_y: use a logarithmic y axis.

    Raises:
        RunError: dollars are requested, and a price is not known.
    """
    named = [(side.label, side, metric, line) for side, line in zip(sides, lines, strict=True)]
    return _panel(metric, named, axis, smooth, log_y)


def overlays(sides: Sequence[SideNumbers], names: Sequence[str], axis: Axis) -> list[Panel]:
    """Return one chart per name; a name may stand for several curves, as ``loss`` does.

    Args:
        sides: in the order of the legends.
        names: see :func:`~mabe_tui.runs.curves.curves.curves_named`; a chart without a line is left out.
        axis: quantity on the x axis.

    Raises:
        RunError: no side has such a curve, or dollars are requested and a price is not known.
    """
    points = [run.points for side in sides for run in side.runs]
    found = []
    for name in names:
        metrics = shared_names(points, name)
        named = [
            (f"{side.label} {metric}" if len(metrics) > 1 else side.label, side, metric, line)
            for line, (metric, side) in enumerate(itertools.product(metrics, sides))
        ]
        found.append(_panel(name, named, axis))
    return [panel for panel in found if panel.series]


class LineNumbers:
    """Assigns each name a line number, which it keeps while other names come and go."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, names: Sequence[str]) -> list[int]:
        """Return the numbers of names: a new name gets the lowest free one; others are forgotten."""
        self._numbers = {name: n for name, n in self._numbers.items() if name in names}
        for name in names:
            if name not in self._numbers:
                taken = self._numbers.values()
                self._numbers[name] = next(n for n in itertools.count() if n not in taken)
        return [self._numbers[name] for name in names]


def style_of(line: int) -> LineStyle:
    """Return the style of a line number, so that lines can be distinguished without colour."""
    return STYLES[line % len(STYLES)]


_Named = tuple[str, SideNumbers, str, int]
"""One line to draw: its name in the legend, the side, the metric, the line number."""


def _panel(
    title: str, named: Sequence[_Named], axis: Axis, smooth: float = 0.0, log_y: bool = False
) -> Panel:
    found = [(label, _curves(side, metric, axis), line) for label, side, metric, line in named]
    drawn = [
        (one, line)
        for label, curves, line in found
        for one in _drawn(curves, label, style_of(line), smooth)
    ]
    drawn.sort(
        key=lambda pair: bool(pair[0].name)
    )  # bands and faint lines are drawn below all others
    series = tuple(one for one, _ in drawn)
    words = [title]
    words += ["mean and std over seeds"] if any(len(curves) > 1 for _, curves, _ in found) else []
    words += [f"smoothed {smooth:g}"] if smooth else []
    return Panel(
        series,
        tuple(line for _, line in drawn),
        ", ".join(words),
        x_label=axis.value,
        x_kind=x_kind(axis, series),
        log_y=log_y,
        beside=_time_of_one([side for _, side, _, _ in named], axis),
    )


def _time_of_one(sides: Sequence[SideNumbers], axis: Axis) -> Beside | None:
    """Return the time along x if all lines are of one run; several runs have none in common."""
    runs = {id(run.points): run for side in sides for run in side.runs}
    run = next(iter(runs.values()), None)
    return beside(run.points, axis, run.limits) if run is not None and len(runs) == 1 else None


def _curves(side: SideNumbers, metric: str, axis: Axis) -> list[Curve]:
    """Return the metric of each run that has measured it."""
    found = []
    for run in side.runs:
        if metric not in curve_names(run.points):
            continue
        try:
            found.append(curve(run.points, run.history, metric, axis, run.limits, run.monitor))
        except RunError as error:
            raise RunError(f"{run.label}: {error}") from error
    return [one for one in found if has_points(one)]


def _drawn(curves: Sequence[Curve], label: str, style: LineStyle, smooth: float) -> list[Series]:
    if len(curves) > 1:
        return series_over_seeds(over_seeds(curves), label, style, smooth)
    return [series for one in curves for series in series_of(one, label, style, smooth)]
