"""The charts of the home screen: which runs they draw, and the keys that change them."""

from collections.abc import Sequence

from textual import on
from textual.message import Message
from textual.timer import Timer

from core.run.rundir import RunDir
from mabe_tui.runs.curves.overlay import LineNumbers
from mabe_tui.runs.curves.workspace import GridRequest, MadeCharts, SideRequest, Workspace
from mabe_tui.runs.listing.measured import measured_version
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.store import RunEntry, short_id
from mabe_tui.tui.screens.home.charts_pane import ChartsPane
from mabe_tui.tui.screens.home.opening import Opening

ROOM_FOR_CHARTS = (80, 34)
"""From this width and height on, charts are shown unless they were hidden."""
RESTING_SECONDS = 0.1
"""Seconds without a change of the selection before its charts are made."""
SHARE_OF_RUNS = 0.3
"""Share of the height that the table of runs takes at most, above charts."""


class ChartsMade(Message):
    """The charts that were asked for."""

    def __init__(self, made: MadeCharts) -> None:
        super().__init__()
        self.made = made


class Charting(Opening):
    """A screen whose selected runs are drawn over one another."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = LineNumbers()
        """The line numbers of what is drawn."""
        self._workspace = Workspace()
        self._wished: bool | None = None
        """Whether charts are shown; ``None``: if there is room."""
        self._charts_due: Timer | None = None
        self._asked_for: GridRequest | None = None
        """What is being made; one thread at a time reads the runs."""
        self._shown_for: GridRequest | None = None

    @property
    def records(self) -> Sequence[RunRecord]:
        """All runs, newest first."""
        raise NotImplementedError

    @property
    def charts(self) -> ChartsPane:
        """The charts."""
        return self.query_one(ChartsPane)

    @property
    def are_charts_due(self) -> bool:
        """Whether other charts are about to be shown."""
        request = self.charts.request
        nothing = not request.sides and self._shown_for is None
        return self.is_charted and not nothing and self._shown_for != request

    @property
    def is_charted(self) -> bool:
        """Whether charts are shown."""
        return self.has_class("-charted")

    def keep(self, **values: object) -> None:
        """Keep view settings between sessions."""
        raise NotImplementedError

    @property
    def pattern(self) -> str:
        """The pattern that chooses the curves of the charts."""
        return self.charts.request.pattern

    def use_pattern(self, pattern: str) -> None:
        """Choose the curves of the charts."""
        self.charts.use_pattern(pattern)
        self.keep(**self.charts.kept)

    def arrange_charts(self) -> None:
        """Show or hide the charts, as wished or as the size allows."""
        width, height = ROOM_FOR_CHARTS
        is_roomy = self.size.width >= width and self.size.height >= height
        shown = is_roomy if self._wished is None else self._wished
        self.set_class(not is_roomy, "-short")
        self.set_class(shown, "-charted")
        self.runs.most_rows = int(self.size.height * SHARE_OF_RUNS) if shown else None
        if shown and not is_roomy and not self.runs.table.has_focus:
            self.runs.table.focus()  # the table of versions is hidden
        self.draw_charts()

    def draw_charts(self) -> None:
        """Draw the charts of what is selected now."""
        if self.is_charted:
            self.charts.draw_sides(self._sides(), self.runs.subject)

    def forget_charts(self) -> None:
        """Make the charts again, after an attempt that failed."""
        self._asked_for = None

    def look_at_live_runs(self) -> None:
        """Draw what the live ones among the drawn runs have reported since."""
        if self.is_charted and any(self._grows(side) for side in self.charts.request.sides):
            self._make_charts()

    def _sides(self) -> tuple[SideRequest, ...]:
        folder = self.mabe.store.folder
        versions = {record.summary.version for record in self.records}
        sides = []
        for name, line in self.runs.drawn.items():
            is_version = name in versions
            runs = measured_version(name, self.records).runs if is_version else (name,)
            entries = tuple(RunEntry(RunDir(folder / run)) for run in runs)
            sides.append(SideRequest(name if is_version else short_id(name), entries, line))
        return tuple(sides)

    def _grows(self, side: SideRequest) -> bool:
        names = {entry.id for entry in side.runs}
        return any(record.state.may_speak for record in self.records if record.id in names)

    @on(ChartsPane.Wanted)
    def _wait_for_rest(self) -> None:
        if not self.charts.request.sides and self._shown_for is None:
            return  # the runs have not been read yet
        if self._charts_due is not None:
            self._charts_due.stop()
        self._charts_due = self.set_timer(RESTING_SECONDS, self._make_charts)

    def _make_charts(self) -> None:
        request = self.charts.request
        is_shown = self.is_current and self.is_charted and request.charts > 0
        if is_shown and self._asked_for is None:
            self._asked_for = request
            self.ask(lambda: ChartsMade(self._workspace.look(request)), "charts")

    @on(ChartsMade)
    async def _show_charts(self, message: ChartsMade) -> None:
        asked_for, self._asked_for = self._asked_for, None
        self._shown_for = asked_for
        if asked_for != self.charts.request:
            self._make_charts()
        sides = self.charts.request.sides
        await self.charts.show(message.made, any(self._grows(side) for side in sides))

    @on(ChartsPane.Chosen)
    def _keep_charts(self) -> None:
        self.keep(**self.charts.kept)

    # ── keys ──────────────────────────────────────────────────────────────────────────────────

    def action_charts(self) -> None:
        """Show or hide the charts."""
        self._wished = not self.is_charted
        self.keep(charted=self._wished)
        self.arrange_charts()

    def action_pattern(self) -> None:
        """Type which curves the charts show."""
        if not self.is_charted:
            self.action_charts()
        self.charts.open_pattern()

    def action_page_charts(self, by: int) -> None:
        """Show the next or the previous charts."""
        self.charts.turn_page(by)

    def action_axis(self) -> None:
        """Switch to the next x axis."""
        self.charts.next_axis()

    def action_smooth(self) -> None:
        """Increase smoothing, or turn it off after the most."""
        self.charts.next_smoothing()

    def action_log_y(self) -> None:
        """Toggle the logarithmic y axis."""
        self.charts.toggle_log_y()
