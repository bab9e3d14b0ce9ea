"""The home screen: the registry, the runs of the selected version, and details of either."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer

from core.run import places
from mabe_tui.runs.comparison.told_apart import Distinctions
from mabe_tui.runs.listing.measured import Measured
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.view_state import SavedView
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.tasks import VIEWS, find_spec, lacking_view
from mabe_tui.tui.actions import ACTING
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.messages import RunChanged, WorkFailed
from mabe_tui.tui.notices import RunWatch
from mabe_tui.tui.screens.home.charting import Charting
from mabe_tui.tui.screens.home.charts_pane import ChartsPane
from mabe_tui.tui.screens.home.choices import Choices
from mabe_tui.tui.screens.home.details import Details
from mabe_tui.tui.screens.home.reader import Reader, Readings, ToldApart, Unanswered, Underway
from mabe_tui.tui.screens.home.rows import state_counts
from mabe_tui.tui.screens.home.runs_pane import RunsPane
from mabe_tui.tui.screens.home.versions_table import VersionsTable
from mabe_tui.tui.view_writer import ViewWriter
from mabe_tui.tui.widgets.table import RowTable

REFRESH_SECONDS = 10.0
"""Seconds between queries of remote runs."""
QUIET_SECONDS = 1.0
"""Seconds without typing in the filter before the runs are read again."""
AGAIN_SECONDS = 10.0
"""Seconds until the next reading after an error."""
NAME = "home"


class HomeScreen(Charting):
    """The overview of versions and runs, meant to stay open."""

    PLACES: ClassVar[tuple[str, ...]] = ("home", ACTING, "table", "filter", "chart")
    BINDINGS: ClassVar[list[BindingType]] = bindings("home", ACTING)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide"), (170, "-very-wide")]  # noqa: RUF012 - as Textual declares it

    def __init__(self) -> None:
        super().__init__()
        self.is_open = False
        self._records: list[RunRecord] = []
        self._awaited: int | None = 0
        """Number of runs while they are first read; ``None`` once all have been read."""
        self._shown: tuple[object, ...] = ()
        """Records that the tables were built from; they may have changed under another screen."""
        self._watch = RunWatch()
        self._unheard: frozenset[str] = frozenset()
        self._next_reading: Timer | None = None
        self._all = False
        self._kept_version: object = None
        """The version that was selected last time."""
        self._told_apart_for: Measured | None = None
        self._told_apart_of: list[RunRecord] | None = None

    # ── layout ────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """Lay out versions above runs and charts, with details at the side, and restore the saved view."""
        self.choices = Choices(self.mabe.view_state)
        self._distinctions = Distinctions(places.runs(self.mabe.session.home))
        self.reader = Reader(
            self.mabe.catalog, self.mabe.view_state, self.mabe.now, self._distinctions
        )
        self._keeper = ViewWriter(self.mabe.view_state, NAME)
        kept = self.mabe.view_state.screen(NAME)
        self._all = bool(kept.get("all", False))
        self._kept_version = kept.get("version")
        self._wished = kept["charted"] if isinstance(kept.get("charted"), bool) else None
        view = SavedView(
            query=str(kept.get("query") or ""),
            sort=kept.get("sort"),
            descending=kept.get("descending"),
        )
        order = kept.get("version_sort"), bool(kept.get("versions_fall"))
        with Horizontal(id="panes"):
            with Vertical(id="tables"):
                yield VersionsTable(*order, id="experiments", classes="panel")
                yield RunsPane(
                    view, self.lines, kept.get("queries") or (), id="run-pane", classes="panel"
                )
                yield ChartsPane(kept, id="chart-pane", classes="panel")
            yield Details(id="details", classes="panel")

    def heading(self) -> str:
        """Return the number of runs, and how many are in each state."""
        where = self.mabe.session.registry.path.name
        readonly = "  (read only)" if self.mabe.options.readonly else ""
        runs = "1 run" if len(self._records) == 1 else f"{len(self._records)} runs"
        if self._awaited:
            runs = f"reading {self._awaited} runs: {len(self._records)} so far"
        states = f": {counted}" if (counted := state_counts(self._records)) else ""
        return f"mabe  {where}  {runs}{states}{readonly}"

    def on_mount(self) -> None:
        """Show the registry at once; the runs follow when the screen comes to the front."""
        self._versions.border_title = "experiments"
        self._show_versions()
        self._versions.focus()
        self.set_interval(REFRESH_SECONDS, self._ask_elsewhere)

    def on_resize(self) -> None:
        """Show what there is room for, and fill the details once the layout is known."""
        self.arrange_charts()
        self.call_next(self._show_details)  # after the classes for the new width are set

    def on_screen_resume(self) -> None:
        """Read the runs again, as work on another screen may have changed them."""
        self._read_runs(thorough=True)
        self.look_at_live_runs()

    def on_run_changed(self, message: RunChanged) -> None:
        """Read the runs again after one of them was changed from here."""
        del message
        self._read_runs(thorough=True)

    def on_work_failed(self, message: WorkFailed) -> None:
        """Read the runs again in case that failed; the base class shows the error."""
        del message
        self.forget_charts()
        self._look_in(AGAIN_SECONDS)

    # ── reading ───────────────────────────────────────────────────────────────────────────────

    def _read_runs(self, thorough: bool = False) -> None:
        if self._next_reading is not None:
            self._next_reading.stop()

        def read() -> Readings:
            self.mabe.reread_registry()
            return self.reader.read(thorough, told if self._awaited is not None else None)

        def told(records: list[RunRecord], total: int) -> None:
            self.post_message(Underway(records, total))

        self.ask(read, "records")

    @on(Underway)
    def _take_in_some(self, message: Underway) -> None:
        """Show the runs read so far: a thousand runs take two seconds without a cache."""
        if self._awaited is not None and self.is_current:
            self._records, self._awaited = message.records, message.total
            self._begin_at_news()
            self.show_all()

    @on(Readings)
    def _take_in(self, message: Readings) -> None:
        for notice in self._watch.look(message.records):
            if notice.run != getattr(self.app.screen, "tells_of", None):
                self.mabe.tell(notice)
        self._awaited = None
        self._records, self.choices.kept = message.records, message.arrangement
        self._begin_at_news()
        is_edited = self._versions.registry is not self.mabe.session.registry
        if self.is_current and (is_edited or self._shown != self._to_show):
            self.show_all()
        self.look_at_live_runs()
        self._look_in(message.pause(self.is_current))

    def _begin_at_news(self) -> None:
        """Select what is alive; else what was selected last, if it has runs; else the newest run."""
        if self.is_open:
            return
        self.is_open = True
        alive = next((record for record in self._records if record.state.is_alive), None)
        versions = {record.summary.version for record in self._records}
        if alive is None and (self._kept_version in versions or not self._records):
            self._versions.select(str(self._kept_version))
            return
        newest = alive or self._records[0]
        self._versions.select(newest.summary.version)
        self._show_runs()
        self.runs.table.select(newest.id)

    def _look_in(self, seconds: float) -> None:
        if self._next_reading is not None:
            self._next_reading.stop()
        self._next_reading = self.set_timer(seconds, self._read_runs)

    def _ask_elsewhere(self) -> None:
        alive = any(r.summary.launcher != "local" and r.state.may_speak for r in self._records)
        if alive and self.is_current:
            self.ask(self.reader.ask_elsewhere, "elsewhere")

    @on(Unanswered)
    def _show_unanswered(self, message: Unanswered) -> None:
        for problem in set(message.problems) - self._unheard:
            self.notify(f"what is shown may be old: {problem}", severity="warning", markup=False)
        self._unheard = frozenset(message.problems)

    # ── showing ───────────────────────────────────────────────────────────────────────────────

    @property
    def _to_show(self) -> tuple[object, ...]:
        return self._records, self.choices.kept, self._awaited

    def show_all(self) -> None:
        """Update versions, runs and heading."""
        self._shown = self._to_show
        self._show_versions()
        self._show_runs()
        self.retitle()
        self._tell_apart()

    def _tell_apart(self) -> None:
        """Determine in a thread which differences from the baseline are significant."""
        records, versions = self._records, tuple(self.mabe.session.registry.versions)
        baseline = self.choices.measured_baseline(records, versions)
        if baseline is None or (
            self._told_apart_for == baseline and self._told_apart_of is records
        ):
            return
        self._told_apart_for, self._told_apart_of = baseline, records
        self.ask(lambda: self.reader.tell_apart(baseline, records, versions), "told apart")

    @on(ToldApart)
    def _show_told_apart(self, message: ToldApart) -> None:
        if message.is_news and self.is_current:
            self._show_versions()
            self._show_runs()

    def _show_versions(self) -> None:
        registry, baseline = self.mabe.session.registry, self.choices.kept.baseline
        self._versions.show_versions(
            registry, self._records, baseline, self.choices.marked, self._distinctions
        )

    def _show_runs(self) -> None:
        version = self._versions.selected
        self.runs.show(
            "all runs" if self._all else f"runs of {version}",
            [r for r in self._records if self._all or r.summary.version == version],
            self.choices.kept,
            self.choices.measured_baseline(self._records, self.mabe.session.registry.versions),
            self.choices.marked,
            self._distinctions,
        )
        self.draw_charts()
        self._show_details()

    def _show_details(self) -> None:
        details = self.query_one(Details)
        if not details.display:
            return
        record = self._record() if self.runs.table.has_focus else None
        if record is not None:
            details.show_run(record)
        elif (version := self._versions.selected) is not None:
            details.show_version(self.mabe.session.registry, version)

    # ── selection ─────────────────────────────────────────────────────────────────────────────

    @property
    def selected_version(self) -> str | None:
        """The version under the cursor, or that of the run if the runs have the focus."""
        record = self._record() if self.runs.table.has_focus else None
        return record.summary.version if record else self._versions.selected

    @property
    def selected_run(self) -> str | None:
        """The run under the cursor, or the version's latest run if the versions have the focus."""
        if self.runs.table.has_focus:
            return self.runs.table.selected
        return self._versions.last_run(self._versions.selected)

    def name_of(self, entry: RunEntry) -> str:
        """Return the name of the run that keys act on, if it is not the one under the cursor."""
        if self.runs.table.has_focus:
            return entry.short
        return f"{entry.short} (latest run of {self._versions.selected})"

    def lacks(self, action: str) -> str | None:
        """Return why the selected run's task does not support an action; ``None`` if it does."""
        if action not in VIEWS or not self._records:
            return None
        run = self.selected_run
        record = next((record for record in self._records if record.id == run), None)
        return None if record is None else lacking_view(action, find_spec(record.summary.task))

    @property
    def records(self) -> Sequence[RunRecord]:
        """All runs, newest first."""
        return self._records

    @property
    def _versions(self) -> VersionsTable:
        return self.query_one(VersionsTable)

    @property
    def focused_table(self) -> RowTable:
        """The table that keys act on."""
        return self.runs.table if self.runs.table.has_focus else self._versions

    def _record(self) -> RunRecord | None:
        chosen = self.runs.table.selected
        return next((record for record in self._records if record.id == chosen), None)

    @on(RowTable.Moved, "#experiments")
    def _version_moved(self, message: RowTable.Moved) -> None:
        if self.is_open:
            self.keep(version=message.key)
        self._show_runs()

    @on(RowTable.Moved, "#runs")
    def _run_moved(self) -> None:
        if self.is_charted and self.runs.draw_selected():
            self.draw_charts()
        self._show_details()

    def on_descendant_focus(self) -> None:
        """Show details of the focused row."""
        self._show_details()

    # ── filtering and sorting ─────────────────────────────────────────────────────────────────

    def action_filter(self) -> None:
        """Open the filter."""
        self.runs.open_filter()

    def action_back(self) -> None:
        """Close the line of the charts or the filter, or clear the marks."""
        if self.charts.close_pattern():
            self.focused_table.focus()
        elif not self.runs.close_filter() and self.choices.marked:
            self.choices.marked.clear()
            self.show_all()

    def action_all_runs(self) -> None:
        """Toggle between the runs of all versions and those of the selected one."""
        self._all = not self._all
        self.keep(all=self._all)
        self._show_runs()

    def action_sort(self) -> None:
        """Choose the key that the runs are sorted by."""
        self.runs.pick_sort()

    def action_group(self) -> None:
        """Put the runs together by a key."""
        self.runs.pick_group()

    def action_reverse(self) -> None:
        """Reverse the order of the runs."""
        self.runs.reverse()

    @on(VersionsTable.Sorted)
    def _keep_order(self, message: VersionsTable.Sorted) -> None:
        self.keep(version_sort=message.key, versions_fall=message.descending)

    @on(RunsPane.ViewChanged)
    def _keep_view(self, message: RunsPane.ViewChanged) -> None:
        view = message.view
        self.draw_charts()
        self.keep(query=view.query, sort=view.sort, descending=view.descending)
        if self._next_reading is not None:
            self._look_in(
                QUIET_SECONDS
            )  # otherwise some key would have to wait until all runs are read

    @on(RunsPane.QueryUsed)
    def _keep_queries(self, message: RunsPane.QueryUsed) -> None:
        self.keep(queries=message.queries)

    def keep(self, **values: object) -> None:
        """Keep view settings between sessions."""
        self._keeper.add(**values)
        self.ask(self._keeper.write, "keep")

    # ── other screens ─────────────────────────────────────────────────────────────────────────

    @on(RowTable.Chosen, "#experiments")
    def _enter_runs(self) -> None:
        if self.runs.table.rows:
            self.runs.table.focus()
        elif self.check_action("launch", ()):
            self.action_launch()

    @on(RowTable.Chosen, "#runs")
    def _open_run(self, message: RowTable.Chosen) -> None:
        self.mabe.open_run(message.key)

    def action_details(self) -> None:
        """Show or hide the details."""
        details = self.query_one(Details)
        details.display = not details.display
        self._show_details()
