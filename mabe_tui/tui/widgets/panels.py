"""The panels of a run's screen: their charts, with a shared cursor and zoom."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from core.config.task_spec import TaskSpec
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import joint_range, roomy
from mabe_tui.runs.curves.curves import FREE_CHART, LABELS_CHART, SCORE_CHART
from mabe_tui.tui.widgets.chart import Axes, ChartView, HeatScale
from mabe_tui.tui.widgets.chart_column import together
from mabe_tui.tui.widgets.log_panel import LogPanel

LOG = "log"
LARGE = ("loss", SCORE_CHART, LABELS_CHART)
"""Panels of the first column when all are shown; the others except the log form the second."""


@dataclass(frozen=True)
class ChartKind:
    """One chart of a panel."""

    name: str
    """A name as in :func:`~mabe_tui.runs.curves.curves.curves_in`."""
    title: str
    is_scale: bool = False
    """Whether a logarithmic axis is useful."""
    heat: HeatScale | None = None
    """How it is drawn as a heatmap, if that is useful."""


@dataclass(frozen=True)
class PanelKind:
    """A panel and the key that shows it."""

    key: str
    label: str
    charts: tuple[ChartKind, ...] = ()


def panel_kinds(spec: TaskSpec, has_free: bool = False) -> tuple[PanelKind, ...]:
    """Return the panels of a run according to its task's metrics, without duplicates.

    Args:
        spec: the task.
        has_free: whether the run's own code reported metrics; they are drawn below the rates.
    """
    score, of_label = spec.primary_metric, spec.label_metric
    kinds = [PanelKind("loss", "loss", (ChartKind("loss", "loss", is_scale=True),))]
    if score.name != "loss":
        chart = ChartKind(SCORE_CHART, score.title or score.label, is_scale=not score.rises)
        kinds.append(PanelKind(SCORE_CHART, score.label, (chart,)))
    if of_label is not None:
        title = of_label.title or f"{of_label.label} of each {spec.label.one}"
        kinds.append(
            PanelKind(
                LABELS_CHART, spec.label.many, (ChartKind(LABELS_CHART, title, heat="shared"),)
            )
        )
    rates = replace(RATES, charts=(*RATES.charts, FREE)) if has_free else RATES
    return (*kinds, rates, _machine(spec), PanelKind(LOG, "log"))


def panel_of(kept: str, spec: TaskSpec) -> str:
    """Return the panel saved for a run, also under a name used by earlier versions; else the first."""
    former = {spec.primary_metric.label.casefold(): SCORE_CHART, spec.label.many: LABELS_CHART}
    keys = [kind.key for kind in panel_kinds(spec)]
    key = former.get(kept, kept)
    return key if key in keys else keys[0]


RATES = PanelKind(
    "rates",
    "rates",
    (
        ChartKind("learning_rate", "learning rate", is_scale=True),
        ChartKind("gradient_norm", "gradient norm, before clipping", is_scale=True),
    ),
)
FREE = ChartKind(FREE_CHART, "metrics of its own", is_scale=True)
NOTHING = Panel((), ())


def _machine(spec: TaskSpec) -> PanelKind:
    charts = (
        ChartKind("frames_per_second", f"training {spec.rate_unit}", heat="own"),
        ChartKind("use", "use, % (CPU: of one core)", heat="shared"),
        ChartKind("memory", "memory, MiB", heat="own"),
    )
    return PanelKind("machine", "machine", charts)


class ChartPanel(Vertical):
    """The charts of one panel, stacked."""

    def __init__(self, kind: PanelKind) -> None:
        super().__init__(id=f"panel-{kind.key}", classes="panel")
        self.kind = kind
        self.border_title = kind.label

    def compose(self) -> ComposeResult:
        """Lay out the charts."""
        for chart in self.kind.charts:
            yield ChartView(_axes(chart, NOTHING), id=f"chart-{chart.name}")


class Panels(Horizontal):
    """All panels side by side, or one of them alone."""

    DEFAULT_CSS = """
    Panels { height: 1fr; }
    Panels > #large { width: 3fr; }
    Panels > #small { width: 2fr; }
    Panels > #panel-log { width: 3fr; height: 1fr; }
    Panels #panel-rates { height: 2fr; }
    Panels #panel-machine { height: 3fr; }
    """

    def __init__(self, spec: TaskSpec, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.kinds = panel_kinds(spec)
        self._is_heat = False

    def compose(self) -> ComposeResult:
        """Lay out two columns of charts and the log."""
        for column, kinds in _columns(self.kinds).items():
            with Vertical(id=column):
                yield from (ChartPanel(kind) for kind in kinds)
        yield LogPanel(id=f"panel-{LOG}")

    async def use(self, spec: TaskSpec, has_free: bool = False) -> None:
        """Switch to the panels of a task if they differ; see :func:`panel_kinds`."""
        if (kinds := panel_kinds(spec, has_free)) == self.kinds:
            return
        for column, of_column in _columns(kinds).items():
            box = self.query_one(f"#{column}")
            await box.remove_children()
            await box.mount_all([ChartPanel(kind) for kind in of_column])
        self.kinds = kinds

    @property
    def scales(self) -> frozenset[str]:
        """Names of the charts for which a logarithmic axis is useful."""
        return frozenset(name for name, chart in self.kind_of_chart.items() if chart.is_scale)

    @property
    def kind_of_chart(self) -> dict[str, ChartKind]:
        """All charts by name."""
        return {chart.name: chart for kind in self.kinds for chart in kind.charts}

    @property
    def charts(self) -> Iterator[ChartView]:
        """All charts, visible or not."""
        return iter(self.query(ChartView))

    @property
    def visible_charts(self) -> tuple[str, ...]:
        """Names of the visible charts."""
        shown = [panel for panel in self.query(ChartPanel) if panel.display]
        return tuple(chart.name for panel in shown for chart in panel.kind.charts)

    def show_only(self, only: str | None) -> None:
        """Show one panel alone, or all (``None``)."""
        self.set_class(only is not None, "alone")
        for kind in self.kinds:
            self.query_one(f"#panel-{kind.key}").display = only in (None, kind.key)
        for column in _columns(self.kinds):
            box = self.query_one(f"#{column}")
            box.display = any(child.display for child in box.children)
        self.call_after_refresh(self.align)

    def focus_on(self, key: str) -> None:
        """Focus a panel."""
        kind = next(kind for kind in self.kinds if kind.key == key)
        name = f"#chart-{kind.charts[0].name}" if kind.charts else "#log"
        self.query_one(name).focus()

    def panel_of_focus(self) -> str | None:
        """Return the panel that has the focus."""
        focused = self.screen.focused
        for kind in self.kinds:
            if focused is not None and self.query_one(f"#panel-{kind.key}") in focused.ancestors:
                return kind.key
        return None

    def show(self, charts: Mapping[str, Panel], grow: bool = False) -> None:
        """Redraw the charts that have changed, all over the same range of x so that columns line up.

        Args:
            charts: by name.
            grow: whether more points are to come: the axes then leave room for some.
        """
        extent = joint_range(one.x_bounds for panel in charts.values() for one in panel.series)
        if grow:
            extent = extent[0], roomy(*extent)[1]
        known = self.kind_of_chart  # charts requested before the task was known are left out
        with self._together():
            for name, panel in charts.items():
                if name not in known:
                    continue
                chart = self.query_one(f"#chart-{name}", ChartView)
                axes = _axes(known[name], panel, self._is_heat)
                now = chart.axes, chart.extent, chart.grows
                if chart.series is not panel.series or now != (axes, extent, grow):
                    chart.show(panel.series, axes, panel.lines, extent, grow)

    def toggle_heat(self) -> bool:
        """Draw the charts for which that is useful as heatmaps, or as lines again; return which."""
        self._is_heat = not self._is_heat
        known = self.kind_of_chart
        with self._together():
            for chart in self.charts:
                kind = known[(chart.id or "").removeprefix("chart-")]
                axes = replace(chart.axes, heat=kind.heat if self._is_heat else None)
                chart.show(chart.series, axes, chart.lines, chart.extent, chart.grows)
        return self._is_heat

    @property
    def cursor(self) -> tuple[str, float | None]:
        """The chart that has the cursor, as far as known, and its x."""
        focused = self.screen.focused
        chart = focused if isinstance(focused, ChartView) else next(self.charts)
        return (chart.id or "").removeprefix("chart-"), chart.cursor

    def put_cursor(self, x: float | None) -> None:
        """Set the cursor of all charts to an x."""
        with self._together():
            for chart in self.charts:
                chart.put_cursor(x)

    def reset(self) -> None:
        """Show the whole range of x without a cursor, because x has another meaning now."""
        with self._together():
            for chart in self.charts:
                chart.put_cursor(None)
                chart.put_range(None)

    def _together(self) -> AbstractContextManager[None]:
        return together([chart for chart in self.charts if chart.size])

    def align(self) -> None:
        """Give the charts that are now below one another the same left margin."""
        with self._together():
            pass

    @on(ChartView.CursorMoved)
    def _share_cursor(self, message: ChartView.CursorMoved) -> None:
        self.put_cursor(message.x)

    @on(ChartView.Zoomed)
    def _share_zoom(self, message: ChartView.Zoomed) -> None:
        with self._together():
            for chart in self.charts:
                chart.put_range(message.x_range)


def _columns(kinds: Sequence[PanelKind]) -> dict[str, list[PanelKind]]:
    """Divide the panels with charts into two columns."""
    return {
        "large": [kind for kind in kinds if kind.key in LARGE],
        "small": [kind for kind in kinds if kind.key not in (*LARGE, LOG)],
    }


def _axes(kind: ChartKind, panel: Panel, is_heat: bool = False) -> Axes:
    title = kind.title if panel.series else f"{kind.title}: nothing measured"
    return Axes(
        title=title,
        x_label=panel.x_label,
        x_kind=panel.x_kind,
        y_kind=panel.y_kind,
        log_y=panel.log_y,
        beside=panel.beside,
        heat=kind.heat if is_heat else None,
    )
