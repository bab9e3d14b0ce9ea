"""Experiments: the registry as a table, the runs of the selected version, and details of either."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message

from core.errors import UserError
from mabe_tui.runs.experiments import ExperimentRow, experiment_rows
from mabe_tui.runs.measured import Measured, measured_name, measured_version
from mabe_tui.runs.record import RunRecord
from mabe_tui.runs.view_state import Arrangement, View, ViewState
from mabe_tui.tui.actions import ACTING, RunActions
from mabe_tui.tui.home_rows import EXPERIMENTS, experiment_row, plain_signs, version_order
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.notices import RunWatch
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.entry import EntryScreen
from mabe_tui.tui.screens.pick import PickScreen
from mabe_tui.tui.widgets.details import Details
from mabe_tui.tui.widgets.runs_pane import RunsPane
from mabe_tui.tui.widgets.table import RowTable

FASTEST_SECONDS, SHARE = 1.0, 50
"""The runs are read anew after a second, or after so many times what reading them took."""
REFRESH_SECONDS = 10.0
"""How often runs elsewhere are asked how they are."""
SAVE_VIEW = "+ save what is shown as a view"
NAME = "home"


class HomeScreen(RunActions):
    """What people open in the morning and leave open."""

    PLACES: ClassVar[tuple[str, ...]] = ("home", ACTING, "table")
    BINDINGS: ClassVar[list[BindingType]] = bindings("home", ACTING)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - as Textual declares it

    class Loaded(Message):
        """The runs were read."""

        def __init__(self, records: list[RunRecord], seconds: float) -> None:
            super().__init__()
            self.records, self.seconds = records, seconds

    class Refreshed(Message):
        """Runs elsewhere were asked; why some could not be heard."""

        def __init__(self, problems: Sequence[str]) -> None:
            super().__init__()
            self.problems = problems

    def __init__(self) -> None:
        super().__init__()
        self._records: list[RunRecord] = []
        self._versions: list[ExperimentRow] = []
        self._arrangement = Arrangement()
        self._marked: dict[str, None] = {}
        self._watch = RunWatch()
        self._said: frozenset[str] = frozenset()
        self._version_sort: tuple[str, bool] | None = None
        self._all = False

    # ── layout ────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """Lay out experiments above runs, details at the side; as they were left."""
        kept = self.mabe.view_state.screen(NAME)
        self._all = bool(kept.get("all", False))
        view = View(
            query=str(kept.get("query") or ""),
            sort=kept.get("sort"),
            descending=kept.get("descending"),
        )
        with Horizontal(id="panes"):
            with Vertical(id="tables"):
                yield RowTable(EXPERIMENTS, id="experiments", classes="panel")
                yield RunsPane(view, id="run-pane", classes="panel")
            yield Details(id="details", classes="panel")

    def heading(self) -> str:
        """Count the runs, and say which of them are alive."""
        alive = sum(record.state.is_alive for record in self._records)
        where = self.mabe.session.registry.path.name
        readonly = "  (read only)" if self.mabe.options.readonly else ""
        return f"mabe  {where}  {len(self._records)} runs, {alive} alive{readonly}"

    def on_mount(self) -> None:
        """Show the registry at once, the runs when they have been read."""
        self._experiments.border_title = "experiments"
        self._show_versions()
        self._experiments.focus()
        kept = self.mabe.view_state.screen(NAME).get("version")
        if isinstance(kept, str):
            self._experiments.select(kept)
        self._load()
        self.set_interval(REFRESH_SECONDS, self._ask_elsewhere)

    def on_screen_resume(self) -> None:
        """Read the runs again: something was done on another screen."""
        self._load()

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def _load(self) -> None:
        def read() -> Message:
            began = self.mabe.seconds()
            records = self.mabe.catalog.records(self.mabe.now())
            return self.Loaded(records, self.mabe.seconds() - began)

        self.ask(read, "records")

    @on(Loaded)
    def _take_in(self, message: Loaded) -> None:
        self._records = message.records
        for notice in self._watch.look(message.records):
            self.mabe.tell(notice)
        if self.is_current:
            self._show_all()
            self.set_timer(max(FASTEST_SECONDS, SHARE * message.seconds), self._load)

    def _ask_elsewhere(self) -> None:
        alive = any(r.summary.launcher != "local" and r.state.may_speak for r in self._records)
        if alive and self.is_current:
            self.ask(lambda: self.Refreshed(self.mabe.catalog.refresh()), "elsewhere")

    @on(Refreshed)
    def _say_unheard(self, message: Refreshed) -> None:
        for problem in set(message.problems) - self._said:
            self.notify(f"what is shown may be old: {problem}", severity="warning", markup=False)
        self._said = frozenset(message.problems)

    # ── showing ───────────────────────────────────────────────────────────────────────────────

    def _show_all(self) -> None:
        self._arrangement = self.mabe.view_state.read()
        self._show_versions()
        self._show_runs()
        self.retitle()

    def _show_versions(self) -> None:
        registry = self.mabe.session.registry
        try:
            rows = experiment_rows(registry, self._records, self._arrangement.baseline)
        except UserError:  # the pinned run was removed
            rows = experiment_rows(registry, self._records)
        self._versions = rows
        if self._version_sort is not None:
            key, falls = self._version_sort
            rows = sorted(rows, key=version_order(key), reverse=falls)
        shown = [experiment_row(row, self._marked) for row in rows]
        if self.mabe.options.ascii_only:
            shown = [plain_signs(row) for row in shown]
        self._experiments.show(shown)

    def _show_runs(self) -> None:
        version = self._experiments.selected
        self._runs.show(
            "all runs" if self._all else f"runs of {version}",
            [r for r in self._records if self._all or r.summary.version == version],
            self._arrangement,
            self._measured_baseline(),
            self._marked,
        )
        self._show_details()

    def _measured_baseline(self) -> Measured | None:
        name = self._arrangement.baseline
        if name is None:
            return None
        if name in self.mabe.session.registry.versions:
            return measured_version(name, self._records)
        try:
            return measured_name(name, self._records)
        except UserError:
            return None

    def _show_details(self) -> None:
        details = self.query_one(Details)
        if not details.display:
            return
        record = self._record() if self._runs.table.has_focus else None
        if record is not None:
            details.show_run(record)
        elif (version := self._experiments.selected) is not None:
            details.show_version(self.mabe.session.registry, version)

    # ── what is selected ──────────────────────────────────────────────────────────────────────

    @property
    def selected_version(self) -> str | None:
        """The version under the cursor: of the run, where the runs have the focus."""
        record = self._record() if self._runs.table.has_focus else None
        return record.summary.version if record else self._experiments.selected

    @property
    def selected_run(self) -> str | None:
        """The run under the cursor; where the experiments have the focus, the version's latest."""
        if self._runs.table.has_focus:
            return self._runs.table.selected
        version = self._experiments.selected
        return next((row.last_run for row in self._versions if row.version == version), None)

    @property
    def _experiments(self) -> RowTable:
        return self.query_one("#experiments", RowTable)

    @property
    def _runs(self) -> RunsPane:
        return self.query_one(RunsPane)

    @property
    def _focused(self) -> RowTable:
        return self._runs.table if self._runs.table.has_focus else self._experiments

    def _record(self) -> RunRecord | None:
        chosen = self._runs.table.selected
        return next((record for record in self._records if record.id == chosen), None)

    @on(RowTable.Moved, "#experiments")
    def _version_moved(self, message: RowTable.Moved) -> None:
        self._keep(version=message.key)
        self._show_runs()

    @on(RowTable.Moved, "#runs")
    def _run_moved(self) -> None:
        self._show_details()

    def on_descendant_focus(self) -> None:
        """Show details of what has the focus now."""
        self._show_details()

    # ── filtering and sorting ─────────────────────────────────────────────────────────────────

    def action_filter(self) -> None:
        """Open the filter."""
        self._runs.open_filter()

    def action_back(self) -> None:
        """Close the filter, or take marks away."""
        if not self._runs.close_filter() and self._marked:
            self._marked.clear()
            self._show_all()

    def action_all_runs(self) -> None:
        """Show the runs of all versions, or of the selected one."""
        self._all = not self._all
        self._keep(all=self._all)
        self._show_runs()

    def action_sort(self) -> None:
        """Choose the key that the runs are sorted by."""

        def chosen(key: str | None) -> None:
            if key is not None:
                self._runs.change(sort=key, descending=None)

        self.app.push_screen(PickScreen("sort runs by", self._runs.fields.keys), chosen)

    def action_reverse(self) -> None:
        """Turn the order of the runs round."""
        self._runs.reverse()

    @on(RowTable.HeaderClicked, "#experiments")
    def _sort_versions(self, message: RowTable.HeaderClicked) -> None:
        before = self._version_sort
        falls = before == (message.column, False)
        self._version_sort = None if before == (message.column, True) else (message.column, falls)
        self._show_versions()
        self._experiments.mark_sorted(self._version_sort and self._version_sort[0], falls)

    @on(RunsPane.ViewChanged)
    def _keep_view(self, message: RunsPane.ViewChanged) -> None:
        view = message.view
        self._keep(query=view.query, sort=view.sort, descending=view.descending)

    def _keep(self, **values: object) -> None:
        try:
            self.mabe.view_state.keep(NAME, **values)
        except UserError as error:
            self.log.warning(str(error))

    def action_views(self) -> None:
        """Choose a saved view, or save this one."""

        def chosen(name: str | None) -> None:
            if name == SAVE_VIEW:
                self.app.push_screen(EntryScreen("save view as", hint="its name"), self._save_view)
            elif name is not None:
                self._runs.use(self._arrangement.views[name])

        names = [*self._arrangement.views, SAVE_VIEW]
        self.app.push_screen(PickScreen("views", names), chosen)

    def _save_view(self, name: str | None) -> None:
        if name:
            self._arrange(lambda state: state.save_view(name, self._runs.view))

    # ── baseline, pins, marks ─────────────────────────────────────────────────────────────────

    def action_baseline(self) -> None:
        """Hold everything against the selected row, or against nothing."""
        name = self._focused.selected
        other = None if name == self._arrangement.baseline else name
        self._arrange(lambda state: state.set_baseline(other))

    def action_pin(self) -> None:
        """Keep the selected run at the top, or let it go."""
        run = self.selected_run
        if run is None:
            return
        pinned = run in self._arrangement.pinned
        self._arrange(lambda state: state.unpin(run) if pinned else state.pin(run))

    def action_mark(self) -> None:
        """Mark the selected row for a comparison."""
        name = self._focused.selected
        if name is None:
            return
        if name in self._marked:
            del self._marked[name]
        else:
            self._marked[name] = None
        self._show_all()
        self._focused.action_move(1)

    def _arrange(self, change: Callable[[ViewState], None]) -> None:
        try:
            change(self.mabe.view_state)
        except UserError as error:
            self.notify(str(error), severity="error", markup=False)
        self._show_all()

    # ── other screens ─────────────────────────────────────────────────────────────────────────

    @on(RowTable.Chosen, "#experiments")
    def _enter_runs(self) -> None:
        if self._runs.table.rows:
            self._runs.table.focus()
        else:
            self.action_launch()

    @on(RowTable.Chosen, "#runs")
    def _open_run(self, message: RowTable.Chosen) -> None:
        from mabe_tui.tui.screens.run import RunScreen

        self.app.push_screen(RunScreen(message.key))

    def action_details(self) -> None:
        """Show or hide the details."""
        details = self.query_one(Details)
        details.display = not details.display
        self._show_details()

    def action_launch(self) -> None:
        """Launch the selected version."""
        from mabe_tui.tui.screens.launch import LaunchScreen

        if (version := self.selected_version) is not None:
            self.app.push_screen(LaunchScreen(version))

    def action_compare(self) -> None:
        """Compare what is marked; else the selected row with the baseline."""
        from mabe_tui.tui.screens.compare import CompareScreen

        names = list(self._marked)
        if len(names) < 2:
            names = [
                n for n in (self._arrangement.baseline, self._focused.selected) if n is not None
            ]
        if len(dict.fromkeys(names)) < 2:
            self.notify("mark two with space, or pin a baseline with b", severity="warning")
            return
        self.app.push_screen(CompareScreen(names))

    def action_checkpoints(self) -> None:
        """List the checkpoints of the selected run."""
        from mabe_tui.tui.screens.checkpoints import CheckpointsScreen

        self._open_of_run(CheckpointsScreen)

    def action_video(self) -> None:
        """Watch a validation video of the selected run."""
        from mabe_tui.tui.screens.video import VideoScreen

        self._open_of_run(VideoScreen)

    def _open_of_run(self, screen: Callable[[str], MabeScreen]) -> None:
        if (run := self.selected_run) is not None:
            self.app.push_screen(screen(run))
        else:
            self.notify("there is no run yet: l launches one", severity="warning")
