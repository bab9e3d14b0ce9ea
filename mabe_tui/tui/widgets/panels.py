"""The panels of a run's screen: which charts each has, and how they share cursor and zoom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import joint_range, roomy
from mabe_tui.tui.widgets.chart import Axes, ChartView
from mabe_tui.tui.widgets.log_panel import LogPanel

LOG = "log"
LARGE = ("loss", "f1", "classes")
"""Panels of the first column, where there is room for all; the others but the log are the second."""


@dataclass(frozen=True)
class ChartKind:
    """One chart of a panel."""

    name: str
    """See :func:`~mabe_tui.runs.curves.curves.curves_named`."""
    title: str
    is_scale: bool = False
    """Whether a logarithmic axis makes sense."""


@dataclass(frozen=True)
class PanelKind:
    """One panel: what its key shows."""

    key: str
    label: str
    charts: tuple[ChartKind, ...] = ()


PANELS = (
    PanelKind("loss", "loss", (ChartKind("loss", "loss", is_scale=True),)),
    PanelKind("f1", "F1", (ChartKind("f1_means", "F1, mean over classes"),)),
    PanelKind("classes", "classes", (ChartKind("f1", "F1 of each class"),)),
    PanelKind(
        "rates",
        "rates",
        (
            ChartKind("learning_rate", "learning rate", is_scale=True),
            ChartKind("gradient_norm", "gradient norm, before clipping", is_scale=True),
        ),
    ),
    PanelKind(
        "machine",
        "machine",
        (
            ChartKind("frames_per_second", "training frames/s"),
            ChartKind("use", "use, % (CPU: of one core)"),
            ChartKind("memory", "memory, MiB"),
        ),
    ),
    PanelKind(LOG, "log"),
)
CHARTS = {chart.name: chart for panel in PANELS for chart in panel.charts}
NOTHING = Panel((), ())
SCALES = frozenset(name for name, chart in CHARTS.items() if chart.is_scale)


class ChartPanel(Vertical):
    """The charts of one panel, one above another."""

    def __init__(self, kind: PanelKind) -> None:
        super().__init__(id=f"panel-{kind.key}", classes="panel")
        self.kind = kind
        self.border_title = kind.label

    def compose(self) -> ComposeResult:
        """Lay out the charts."""
        for chart in self.kind.charts:
            yield ChartView(_axes(chart, NOTHING), id=f"chart-{chart.name}")


class Panels(Horizontal):
    """All panels beside one another, or one of them alone."""

    DEFAULT_CSS = """
    Panels { height: 1fr; }
    Panels > #large { width: 3fr; }
    Panels > #small { width: 2fr; }
    Panels > #panel-log { width: 3fr; height: 1fr; }
    Panels #panel-rates { height: 2fr; }
    Panels #panel-machine { height: 3fr; }
    """

    def compose(self) -> ComposeResult:
        """Lay out two columns of charts and the log."""
        with Vertical(id="large"):
            yield from (ChartPanel(kind) for kind in PANELS if kind.key in LARGE)
        with Vertical(id="small"):
            others = [kind for kind in PANELS if kind.key not in (*LARGE, LOG)]
            yield from (ChartPanel(kind) for kind in others)
        yield LogPanel(id=f"panel-{LOG}")

    @property
    def charts(self) -> Iterator[ChartView]:
        """All charts, shown or not."""
        return iter(self.query(ChartView))

    @property
    def visible_charts(self) -> tuple[str, ...]:
        """Names of the charts that are shown."""
        shown = [panel for panel in self.query(ChartPanel) if panel.display]
        return tuple(chart.name for panel in shown for chart in panel.kind.charts)

    def show_only(self, only: str | None) -> None:
        """Show one panel alone, or all (``None``)."""
        self.set_class(only is not None, "alone")
        for kind in PANELS:
            self.query_one(f"#panel-{kind.key}").display = only in (None, kind.key)
        for column in ("large", "small"):
            box = self.query_one(f"#{column}")
            box.display = any(child.display for child in box.children)

    def focus_on(self, key: str) -> None:
        """Put the focus into a panel."""
        kind = next(kind for kind in PANELS if kind.key == key)
        name = f"#chart-{kind.charts[0].name}" if kind.charts else "#log"
        self.query_one(name).focus()

    def panel_of_focus(self) -> str | None:
        """Return the panel that has the focus."""
        focused = self.screen.focused
        for kind in PANELS:
            if focused is not None and self.query_one(f"#panel-{kind.key}") in focused.ancestors:
                return kind.key
        return None

    def show(self, charts: Mapping[str, Panel], grow: bool = False) -> None:
        """Draw the charts that are others than before, all over the same x: a column is one moment.

        Args:
            charts: by name.
            grow: whether more points are to come: the axes then have room for some.
        """
        extent = joint_range(one.x_bounds for panel in charts.values() for one in panel.series)
        if grow:
            extent = extent[0], roomy(*extent)[1]
        for name, panel in charts.items():
            chart = self.query_one(f"#chart-{name}", ChartView)
            axes = extent, grow
            if chart.series is not panel.series or (chart.extent, chart.grows) != axes:
                chart.show(panel.series, _axes(CHARTS[name], panel), panel.lines, *axes)

    @property
    def cursor(self) -> tuple[str, float | None]:
        """The chart that the cursor was put in, as far as that is known, and where it is."""
        focused = self.screen.focused
        chart = focused if isinstance(focused, ChartView) else next(self.charts)
        return (chart.id or "").removeprefix("chart-"), chart.cursor

    def put_cursor(self, x: float | None) -> None:
        """Put the cursor of all charts at an x."""
        for chart in self.charts:
            chart.put_cursor(x)

    def reset(self) -> None:
        """Show all of x, without a cursor: it means something else now."""
        for chart in self.charts:
            chart.put_cursor(None)
            chart.put_range(None)

    @on(ChartView.CursorMoved)
    def _share_cursor(self, message: ChartView.CursorMoved) -> None:
        self.put_cursor(message.x)

    @on(ChartView.Zoomed)
    def _share_zoom(self, message: ChartView.Zoomed) -> None:
        for chart in self.charts:
            chart.put_range(message.x_range)


def _axes(kind: ChartKind, panel: Panel) -> Axes:
    title = kind.title if panel.series else f"{kind.title}: nothing measured"
    return Axes(
        title=title,
        x_label=panel.x_label,
        x_kind=panel.x_kind,
        y_kind=panel.y_kind,
        log_y=panel.log_y,
    )
