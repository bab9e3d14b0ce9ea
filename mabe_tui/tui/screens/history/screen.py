"""The screen of the versions' history: score, hours and dollars along the lineage, and what each changed."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from mabe_tui.plotting.panel import Panel
from mabe_tui.runs.comparison.history_charts import history_panels
from mabe_tui.runs.listing.lineage import HistoryRow, history_cells, history_rows, of_lineage
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.widgets.chart import Axes, ChartView
from mabe_tui.tui.widgets.columns import Column, TableRow
from mabe_tui.tui.widgets.table import RowTable

MISSING = "–"
HISTORY = (
    Column("version", "version"),
    Column("status", "status", rank=3),
    Column("metric", "metric", rank=4),
    Column("reported", "reported", align="right", rank=1),
    Column("measured", "measured", align="right"),
    Column("hours", "hours (reported)", align="right", rank=1),
    Column("cost", "cost (reported)", align="right", rank=1),
    Column("changed", "changed", rank=2, shrinks=True, widest=400),
)


class HistoryScreen(MabeScreen):
    """Charts above a table of versions, each below the one that it extends.

    Args:
        version: the version whose lineage is shown, and which is selected; ``None`` for all versions.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("history", "table", "chart", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings("history", "screen")
    CSS = """
    HistoryScreen #history-charts { height: 1fr; }
    HistoryScreen #history-charts ChartView { width: 1fr; margin: 0 1; }
    HistoryScreen #history-list { height: auto; max-height: 40%; }
    HistoryScreen #history-changes { height: auto; max-height: 25%; }
    """

    class Listed(Message):
        """The versions and what was measured of them."""

        def __init__(self, rows: list[HistoryRow]) -> None:
            super().__init__()
            self.rows = rows

    def __init__(self, version: str | None) -> None:
        super().__init__()
        self.is_open = False
        self._version, self._is_all = version, version is None
        self._rows: list[HistoryRow] = []

    def body(self) -> ComposeResult:
        """Lay out charts, versions, and what the selected one changed."""
        yield Horizontal(id="history-charts")
        table = RowTable(HISTORY, empty="looking …", id="history-list", classes="panel")
        table.border_title = "versions"
        yield table
        changes = VerticalScroll(id="history-changes", classes="panel", can_focus=False)
        changes.border_title = "changed"
        with changes:
            yield Static(id="changes", markup=False)

    def heading(self) -> str:
        """Return what the history is of."""
        return (
            "mabe  history of all versions" if self._is_all else f"mabe  history of {self._version}"
        )

    def on_mount(self) -> None:
        """Read the runs."""
        self.query_one(RowTable).focus()
        self.ask(self._read, "history")

    def _read(self) -> Listed:
        records = self.mabe.catalog.records(self.mabe.now())
        return self.Listed(history_rows(self.mabe.session.registry, records))

    @on(Listed)
    async def _show(self, message: Listed) -> None:
        self._rows, self.is_open = message.rows, True
        await self._draw()

    @property
    def _shown(self) -> list[HistoryRow]:
        known = any(row.version == self._version for row in self._rows)
        if self._is_all or self._version is None or not known:
            return self._rows
        return of_lineage(self._rows, self._version)

    async def _draw(self) -> None:
        rows, table = self._shown, self.query_one(RowTable)
        table.show([_table_row(row) for row in rows])
        if self._version is not None:
            table.select(self._version)
        box = self.query_one("#history-charts")
        await box.remove_children()
        panels = history_panels(rows)
        await box.mount_all([_chart(panel) for panel in panels])
        if not panels:
            await box.mount(Static("nothing was reported or measured yet", classes="dim"))
        self.retitle()

    @on(RowTable.Moved)
    def _tell_changes(self, message: RowTable.Moved) -> None:
        self._version = message.key
        row = next(row for row in self._rows if row.version == message.key)
        lines = [f"{key}  {' → '.join(row.changed[key])}" for key in row.changed_keys]
        self.query_one("#history-changes").border_title = (
            f"changed from {row.extends}" if row.extends else row.version
        )
        self.query_one("#changes", Static).update("\n".join(lines or [row.title]))

    @on(RowTable.Chosen)
    def action_compare(self) -> None:
        """Compare the version with the one that it extends."""
        row = next((row for row in self._rows if row.version == self._version), None)
        if row is None or row.extends is None:
            self.notify("it extends no other version", severity="warning")
        else:
            self.mabe.open_comparison([row.extends, row.version])

    async def action_all(self) -> None:
        """Show all versions, or the lineage of the selected one."""
        self._is_all = not self._is_all
        await self._draw()


def _table_row(row: HistoryRow) -> TableRow:
    cells = history_cells(row)
    texts = tuple(str(cells[column.key] or MISSING) for column in HISTORY)
    return TableRow(row.version, texts, tuple("text-muted" if t == MISSING else "" for t in texts))


def _chart(panel: Panel) -> ChartView:
    chart = ChartView(Axes(title=panel.title, x_names=panel.x_names))
    chart.series, chart.lines = panel.series, panel.lines
    return chart
