"""Experiments: the registry as a table, the selected version's settings, and its runs."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from mabe_tui.runs.view import RunSummary, summary_of
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.widgets.table import Column, Row, RowTable

EXPERIMENTS = (
    Column("version", "version"),
    Column("status", "status"),
    Column("model", "model", rank=1),
    Column("gpu", "gpu", rank=2),
)
RUNS = (Column("run", "run"), Column("state", "state"), Column("best", "best", align="right"))


class HomeScreen(MabeScreen):
    """What people open in the morning."""

    PLACES: ClassVar[tuple[str, ...]] = ("home", "table")
    BINDINGS: ClassVar[list[BindingType]] = bindings("home")

    class Loaded(Message):
        """The runs were read."""

        def __init__(self, runs: list[RunSummary]) -> None:
            super().__init__()
            self.runs = runs

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[RunSummary] = []

    def body(self) -> ComposeResult:
        """Lay out experiments above runs."""
        yield RowTable(EXPERIMENTS, id="experiments")
        yield RowTable(RUNS, empty="no runs of this version yet", id="runs")

    def on_mount(self) -> None:
        """Show the registry at once, the runs when they are read."""
        registry = self.mabe.session.registry
        rows = []
        for version in registry.versions:
            experiment = registry.experiment(version)
            cells = (
                version,
                experiment.status,
                experiment.model.name,
                str(experiment.hardware.gpu),
            )
            rows.append(Row(version, cells))
        self.query_one("#experiments", RowTable).show(rows)
        self.query_one("#experiments", RowTable).focus()
        self.ask(self._load, "runs")

    def _load(self) -> Message:
        return self.Loaded([summary_of(entry) for entry in self.mabe.store.entries()])

    @on(Loaded)
    def _keep(self, message: Loaded) -> None:
        self._runs = message.runs
        self._show_runs()

    @on(RowTable.Moved, "#experiments")
    def _show_runs(self) -> None:
        version = self.query_one("#experiments", RowTable).selected
        rows = [
            Row(run.id, (run.id, run.state.value, f"{run.best_metric or 0:.3f}"))
            for run in self._runs
            if run.version == version
        ]
        self.query_one("#runs", RowTable).show(rows)
