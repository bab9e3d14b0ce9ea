"""The charts of one live run: each is rebuilt only after its own numbers have changed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.errors import RunError
from core.run.events import READINGS
from mabe_tui.plotting.panel import Panel
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.curves import GROUPS, LABELS_CHART, OF_TRAINING, curves_in, curves_named
from mabe_tui.runs.curves.panels import RunNumbers, panels
from mabe_tui.runs.following.live import RunSource

EMPTY = Panel((), ())


@dataclass(frozen=True)
class ChartOptions:
    """Display options of charts."""

    axis: Axis = Axis.EPOCH
    smooth: float = 0.0
    """See :func:`~mabe_tui.runs.curves.curves.series_of`."""
    log: frozenset[str] = frozenset()
    """Names of the charts whose y is logarithmic."""


class ChartCache:
    """Caches the charts of one source, so that unchanged charts are not computed again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, Panel]] = {}

    def charts(
        self, source: RunSource, names: Iterable[str], view: ChartOptions
    ) -> dict[str, Panel]:
        """Return one chart per name; a chart with no measurements yet has no series.

        Args:
            source: the run; a different one than before clears the cache.
            names: see :func:`~mabe_tui.runs.curves.curves.curves_named`.
            view: display options.

        Raises:
            RunError: dollars are requested, and the price is not known.
        """
        return {name: self._chart(source, name, view) for name in names}

    def _chart(self, source: RunSource, name: str, view: ChartOptions) -> Panel:
        state = (_amount(source, name), view, tuple(source.history.counted.items()))
        kept = self._kept.get(name)
        if kept is None or kept[0] != state:
            self._kept[name] = kept = state, _made(source, name, view)
        return kept[1]


def _amount(source: RunSource, name: str) -> tuple[int, ...]:
    """Return the size of a chart's data, which changes whenever the chart does."""
    points, curves = source.points, GROUPS.get(name, (name,))
    if any(curve in READINGS for curve in curves):
        return id(points), len(points.system)
    if any(curve in OF_TRAINING for curve in curves):
        return id(points), len(points.steps), len(points.epochs)
    return id(points), len(points.epochs), sum(map(len, points.free.values()))


def _made(source: RunSource, name: str, view: ChartOptions) -> Panel:
    numbers, log_y = RunNumbers.of(source, ""), name in view.log
    try:
        curves = curves_in(name, source.points, numbers.spec)
        if not curves_named(source.points, curves):
            return EMPTY
    except RunError:  # nothing of this kind is measured
        return EMPTY
    made = panels([numbers], [curves], view.axis, smooth=view.smooth, log_y=log_y, superseded=True)[
        0
    ]
    if name != LABELS_CHART:
        return made
    named = (replace(one, name=one.name.rpartition("/")[2]) for one in made.series)
    return replace(made, series=tuple(named))
