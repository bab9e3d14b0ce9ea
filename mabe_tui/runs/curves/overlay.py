"""One curve of several sides over one another, each in a line of its own that it keeps."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.errors import RunError
from mabe_tui.plotting.braille import STYLES, LineStyle
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import Series
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import TICKS, curve, curve_names, series_of
from mabe_tui.runs.curves.panels import RunNumbers


@dataclass(frozen=True, eq=False)
class SideNumbers:
    """What the curves of one side are made of."""

    label: str
    runs: tuple[RunNumbers, ...]
    """One a seed, the newest first; none where the side has no run."""


def metrics_of(sides: Sequence[SideNumbers]) -> list[str]:
    """Name the curves that any side has, in the order in which they are worth a look."""
    return [
        *dict.fromkeys(n for side in sides for run in side.runs for n in curve_names(run.points))
    ]


def axes_of(sides: Sequence[SideNumbers]) -> list[Axis]:
    """Give what the curves can be drawn over: dollars only where the price of each run is known."""
    priced = all(run.usd_per_hour is not None for side in sides for run in side.runs)
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
    """Draw a metric of all sides in one chart: the newest run as a line, its other seeds faintly.

    Args:
        sides: in the order of the legend; one without the metric is left out.
        lines: for each side, the number of its line, which is its colour and its style wherever it is.
        metric: one of :func:`metrics_of`.
        axis: what is x.
        smooth: see :func:`~mabe_tui.runs.curves.curves.series_of`.
        log_y: logarithmic y.

    Raises:
        RunError: dollars are asked for, and a price is not known.
    """
    drawn = [
        (series, line)
        for side, line in zip(sides, lines, strict=True)
        for series in _of_side(side, line, metric, axis, smooth)
    ]
    drawn.sort(key=lambda pair: bool(pair[0].name))  # faint lines lie under all others
    return Panel(
        tuple(series for series, _ in drawn),
        tuple(line for _, line in drawn),
        f"{metric}, smoothed {smooth:g}" if smooth else metric,
        x_label=axis.value,
        x_kind=TICKS[axis],
        log_y=log_y,
    )


class LineNumbers:
    """Gives each name a line's number, which it keeps when others come and go."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, names: Sequence[str]) -> list[int]:
        """Give the numbers of names: a new one gets the lowest that is free; others are forgotten."""
        self._numbers = {name: n for name, n in self._numbers.items() if name in names}
        for name in names:
            if name not in self._numbers:
                taken = self._numbers.values()
                self._numbers[name] = next(n for n in itertools.count() if n not in taken)
        return [self._numbers[name] for name in names]


def style_of(line: int) -> LineStyle:
    """Give the style that goes with a line's number, so that lines differ without colour too."""
    return STYLES[line % len(STYLES)]


def _of_side(
    side: SideNumbers, line: int, metric: str, axis: Axis, smooth: float
) -> Iterator[Series]:
    for place, run in enumerate(side.runs):
        if metric not in curve_names(run.points):
            continue
        try:
            one = curve(run.points, run.history, metric, axis, run.usd_per_hour)
        except RunError as error:
            raise RunError(f"{run.label}: {error}") from error
        if place:
            yield Series("", *one.counted, "faint")
        else:
            yield from series_of(one, side.label, style_of(line), smooth)
