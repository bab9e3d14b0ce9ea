"""The screen of one run: progress, curves and log, live or replayed."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from mabe_tui.runs.following.feed_update import FeedRequest, FeedUpdate
from mabe_tui.runs.following.jumps import line_at, x_at, x_on
from mabe_tui.runs.following.live import RunSource
from mabe_tui.runs.format.event_text import best_name, best_words
from mabe_tui.runs.format.export import write_charts
from mabe_tui.runs.tasks import default_spec, lacking_view, spec_of
from mabe_tui.tui.actions import ACTING
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.messages import Done, WorkFailed
from mabe_tui.tui.notices import Notice
from mabe_tui.tui.screens.run.following import FollowingScreen
from mabe_tui.tui.screens.run.messages import (
    Began,
    ComparisonWanted,
    CursorKept,
    LineFound,
    Looked,
    PointFound,
)
from mabe_tui.tui.screens.run.view import OF_FILES, RunView, state_word
from mabe_tui.tui.widgets.chart import ChartView
from mabe_tui.tui.widgets.log_panel import LogPanel
from mabe_tui.tui.widgets.log_view import LogView
from mabe_tui.tui.widgets.panels import LOG, Panels, panel_of
from mabe_tui.tui.widgets.run_header import RunHeader
from mabe_tui.tui.widgets.tabs import TabLine

ROOM_FOR_ALL = (120, 36)
"""Minimum width and height for showing all panels side by side."""
LOG_LINES = 60
"""Lines of the log's end that come with every update: a screenful."""


class RunScreen(FollowingScreen):
    """A screen that follows one run.

    All files are read by a :class:`~mabe_tui.runs.following.feed.RunFeed` in its own thread, whose results
    arrive as messages.
    """

    PLACES: ClassVar[tuple[str, ...]] = ("run", ACTING, "chart", "log", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings("run", ACTING, "screen")
    CSS = """
    RunScreen Panels, RunScreen #large, RunScreen #small, RunScreen ChartPanel { visibility: hidden; }
    RunScreen ChartPanel.panel, RunScreen ChartPanel.panel:focus-within { border: none; padding: 0; }
    RunScreen #small { margin: 0 1; }
    RunScreen ChartView, RunScreen LogPanel { visibility: visible; }
    RunScreen.-low #chart-memory, RunScreen.-middle #chart-memory { display: none; }
    RunScreen.-middle #panel-machine { height: 2fr; }
    RunScreen .alone .panel, RunScreen .alone .panel:focus-within { border: none; padding: 0; }
    """

    VERTICAL_BREAKPOINTS = [(0, "-low"), (ROOM_FOR_ALL[1], "-middle"), (48, "-high")]  # noqa: RUF012 - as Textual declares it

    def __init__(self, run_id: str, replay: bool = False) -> None:
        super().__init__(run_id, replay)
        self.run_view = RunView()
        self.look: FeedUpdate | None = None
        self._has_price = self._has_begun = False
        self._spec = default_spec()
        self._alone: str | None = None
        """The panel maximised by a second press of its key, if all panels fit."""
        self._chart_panel = self.run_view.panel
        """The last panel with charts that was shown."""

    def body(self) -> ComposeResult:
        """Lay out header, panel names and panels."""
        yield RunHeader(id="standing")
        yield TabLine("panel", id="tabs")
        yield Panels(default_spec(), id="panels")

    def heading(self) -> str:
        """Return the run's name and state."""
        return (
            f"mabe  {self.run_id}  {state_word(self.look)}" if self.look else f"mabe  {self.run_id}"
        )

    @property
    def panels(self) -> Panels:
        """The panels."""
        return self.query_one(Panels)

    @property
    def log_panel(self) -> LogPanel:
        """The log."""
        return self.query_one(LogPanel)

    def copyable(self) -> dict[str, str]:
        """Return the run's id, its best score, its folder and a command for it."""
        folder = self.mabe.store.folder / self.run_id
        words = {"id": self.run_id, "folder": str(folder), "command": f"mabe status {self.run_id}"}
        if self.look is not None and self.look.summary.best_metric is not None:
            words["best"] = f"{best_name(self.look.summary)} {best_words(self.look.summary)}"
        return words

    def lacks(self, action: str) -> str | None:
        """Return why the run's task does not support an action; ``None`` if it does."""
        return lacking_view(action, self._spec)

    def why_not(self, action: str) -> str | None:
        """Return why an action is not available, e.g. for a removed or imported run."""
        if self.look is not None:
            state = self.look.summary.state
            if self.look.is_gone and action in OF_FILES:
                return "the run is gone: its folder was removed"
            if action == "replay" and state.is_alive and self.look.replay is None:
                return f"the run is {state}: it can be replayed when it has ended"
            if action == "resume_run" and self.look.summary.imported:
                return "the run was imported from a log, so there is nothing to go on with"
        return super().why_not(action)

    @property
    def is_ready(self) -> bool:
        """Whether the run is shown and no search is running."""
        return super().is_ready and not self.log_panel.is_searching

    # ── the feed ──────────────────────────────────────────────────────────────────────────────

    def on_screen_suspend(self) -> None:
        """Update less often while another screen covers this one."""
        self._request(unseen=True)

    def on_screen_resume(self) -> None:
        """Update at the normal rate again."""
        self._request()

    def begin(self, source: RunSource) -> None:
        """Read the saved view."""
        price, spec = source.request.limits.usd_per_hour, spec_of(source.request.experiment)
        view = RunView.read(self.mabe.view_state, self.run_id)
        view = replace(view, panel=panel_of(view.panel, spec))
        self._post(Began(view, price is not None, spec))

    def on_work_failed(self, message: WorkFailed) -> None:
        """Show the error permanently if the run cannot be read; the base class shows the notice."""
        self.query_one(RunHeader).show_problem(message.text)

    @on(Began)
    async def _take_view(self, message: Began) -> None:
        self._spec = message.spec
        self.refresh_bindings()
        has_free = self.look is not None and self.look.has_free
        await self.panels.use(message.spec, has_free)
        self.run_view, self._has_price = message.view, message.has_price
        self._has_begun = True
        self.log_panel.attach(self.feed, message.view.lines.get(self.run_id))
        self._arrange()
        self.panels.focus_on(self.run_view.panel)

    def _request(self, unseen: bool = False) -> None:
        charts = () if unseen else self.panels.visible_charts
        view = self.run_view.drawn(self._has_price, self.panels.scales)
        self.feed.request(FeedRequest(charts, view, 0 if unseen else LOG_LINES, unseen))

    @on(Looked)
    def _show(self, message: Looked) -> None:
        before, self.look = self.look, message.look
        self.is_open = self.is_open or self._has_begun
        if before is None or state_word(before) != state_word(self.look):
            self.retitle()
            self.refresh_bindings()
        self.query_one(RunHeader).show(self.look)
        if self.look.has_free and not (before is not None and before.has_free):
            self.call_later(self._add_free)
        self.panels.show(self.look.charts, self.look.grows)
        self.log_panel.show(self.look)
        for alert in self.look.alerts:
            # The header already shows these, and notices would hide the charts
            if alert.kind != "warning":
                text = f"{self.run_id}: {alert.message}"
                self.mabe.tell(Notice(self.run_id, text, alert.severity))

    async def _add_free(self) -> None:
        """Make room for the metrics that the run's own code reported, once there are any."""
        focused = self.panels.panel_of_focus()
        await self.panels.use(self._spec, has_free=True)
        self._arrange()
        if focused is not None:
            self.panels.focus_on(focused)

    # ── panels ────────────────────────────────────────────────────────────────────────────────

    @property
    def _is_roomy(self) -> bool:
        return self.size.width >= ROOM_FOR_ALL[0] and self.size.height >= ROOM_FOR_ALL[1]

    def on_resize(self, event: events.Resize) -> None:
        """Show one panel or all, depending on the size."""
        del event
        self._arrange()
        self.query_one(RunHeader).lay_out()

    def action_panel(self, key: str) -> None:
        """Show a panel, or focus it; at a second press, maximise it."""
        if key not in [kind.key for kind in self.panels.kinds]:
            self.notify(f"the task {self._spec.name} has no such chart", severity="warning")
            return
        is_there = self.panels.panel_of_focus() == key
        self._alone = key if self._is_roomy and is_there and self._alone is None else None
        self._chart_panel = self._chart_panel if key == LOG else key
        self._change(replace(self.run_view, panel=key))
        self.panels.focus_on(key)

    def action_axis(self) -> None:
        """Switch to the next x axis; the cursor stays at its point."""
        name, x = self.panels.cursor
        before = self.run_view.drawn(self._has_price).axis
        self.panels.reset()
        self._change(self.run_view.next_axis(self._has_price))
        after = self.run_view.drawn(self._has_price).axis
        if x is not None:
            self.ask_feed(
                lambda source: self._post(CursorKept(x_on(source, name, before, after, x)))
            )

    @on(CursorKept)
    def _keep_cursor(self, message: CursorKept) -> None:
        self.panels.put_cursor(message.x)

    def action_log_y(self) -> None:
        """Toggle the logarithmic axis of losses and rates."""
        self._change(replace(self.run_view, log_y=not self.run_view.log_y))

    def action_heat(self) -> None:
        """Draw classes and machine as heatmaps, or as lines again."""
        self.panels.toggle_heat()

    def action_smooth(self) -> None:
        """Increase smoothing, or turn it off after the most."""
        self._change(self.run_view.next_smoothing())

    def _change(self, view: RunView) -> None:
        self._keep(view)
        self._arrange()

    def _keep(self, view: RunView) -> None:
        if view != self.run_view:
            self.run_view = view
            self.feed.ask(lambda _: view.keep(self.mabe.view_state, self.run_id))

    def _arrange(self) -> None:
        self.panels.show_only(self._alone if self._is_roomy else self.run_view.panel)
        self._write_tabs()
        self._request()

    @on(LogPanel.Restated)
    def _write_tabs(self) -> None:
        is_log = self.run_view.panel == LOG and not self._is_roomy
        words = self.log_panel.where if is_log else self.run_view.words(self._has_price)
        names = [(kind.key, kind.label) for kind in self.panels.kinds]
        self.query_one(TabLine).show(names, self.run_view.panel, words)

    # ── log and charts ────────────────────────────────────────────────────────────────────────

    @on(LogPanel.Placed)
    def _keep_place(self, message: LogPanel.Placed) -> None:
        self._keep(self.run_view.staying_at(self.run_id, message.line))

    def action_find(self) -> None:
        """Search the log."""
        if self.panels.panel_of_focus() != LOG:
            self.action_panel(LOG)
        self.log_panel.open_search()

    def action_jump(self) -> None:
        """Go to the log line of the point under the cursor."""
        chart, axis = self.focused, self.run_view.drawn(self._has_price).axis
        if not isinstance(chart, ChartView) or chart.cursor is None or chart.id is None:
            self.notify("put the cursor on a point first: left and right, or a click")
            return
        name, x = chart.id.removeprefix("chart-"), chart.cursor
        self.ask_feed(lambda source: self._post(LineFound(line_at(source, name, axis, x))))

    @on(LineFound)
    def _go_to_line(self, message: LineFound) -> None:
        if message.position is None:
            self.notify("the log has no line of this point")
            return
        self.action_panel(LOG)
        self.log_panel.view.select(message.position)

    @on(LogView.Chosen)
    def _find_point(self, message: LogView.Chosen) -> None:
        axis, position = self.run_view.drawn(self._has_price).axis, message.position
        self.ask_feed(lambda source: self._post(PointFound(x_at(source, axis, position))))

    @on(PointFound)
    def _go_to_point(self, message: PointFound) -> None:
        if message.x is None:
            self.notify("nothing was measured there")
            return
        self.panels.put_cursor(message.x)
        if not self._is_roomy or self._alone is not None:
            self.action_panel(self._chart_panel)

    # ── other screens ─────────────────────────────────────────────────────────────────────────

    def action_export(self) -> None:
        """Write the visible charts to an SVG file."""
        charts = {} if self.look is None else self.look.charts
        if not charts:
            self.notify("no chart is shown: 1 to 5 choose one", severity="warning")
            return
        kinds = self.panels.kind_of_chart
        known = [(kinds[name].title, panel) for name, panel in charts.items() if name in kinds]
        panels = [replace(panel, title=title) for title, panel in known]
        name = f"{self.run_id}-{self.run_view.panel}"
        self.ask(lambda: Done(f"wrote {write_charts(panels, name, Path.cwd())}"), "export")

    def action_compare(self) -> None:
        """Compare the run with the baseline."""
        self.ask(self._with_baseline, "compare", keys_wait=True)

    def _with_baseline(self) -> Message:
        baseline = self.mabe.view_state.read().baseline
        if baseline is None:
            return WorkFailed("no baseline to compare with: b on the first screen chooses one")
        return ComparisonWanted([baseline, self.run_id])

    @on(ComparisonWanted)
    def _compare(self, message: ComparisonWanted) -> None:
        self.mabe.open_comparison(message.names)

    def action_checkpoints(self) -> None:
        """List the run's checkpoints."""
        self.mabe.open_checkpoints(self.run_id)

    def action_video(self) -> None:
        """Show the run's validation videos."""
        self.mabe.open_videos(self.run_id)

    def action_examples(self) -> None:
        """Show the examples that the run got most wrong."""
        self.mabe.open_examples(self.run_id)
