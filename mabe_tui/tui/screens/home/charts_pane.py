"""Charts of the selected runs over one another: any curves, chosen by a regular expression."""

from dataclasses import replace
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from core.errors import UserError
from mabe_tui.runs.curves.axis import Axis
from mabe_tui.runs.curves.workspace import GridRequest, MadeCharts, SideRequest, matching
from mabe_tui.tui.widgets.chart_grid import ChartGrid

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)
NOTHING = "no curves yet"
EXAMPLE = "a regular expression on the names of curves, such as loss|rate"


class ChartsPane(Vertical):
    """A grid of charts, and the line in which its pattern is typed."""

    class Wanted(Message):
        """Other charts are to be shown: see :attr:`ChartsPane.request`."""

    class Chosen(Message):
        """The pattern or the axes were changed by the user."""

    def __init__(self, kept: dict[str, Any], *, id: str | None = None, classes: str = "") -> None:
        super().__init__(id=id, classes=classes)
        self.request = GridRequest(
            pattern=str(kept.get("charts") or ""),
            axis=Axis(kept["axis"]) if kept.get("axis") in [*Axis] else Axis.EPOCH,
            smooth=kept["smooth"] if kept.get("smooth") in SMOOTHINGS else 0.0,
            log_y=kept.get("log_y") is True,
        )
        self._made: MadeCharts | None = None
        self._subject = ""

    def compose(self) -> ComposeResult:
        """Lay out the pattern's line, its error and the charts."""
        line = Input(self.request.pattern, id="pattern", placeholder=EXAMPLE, compact=True)
        line.display = False
        yield line
        error = Static(id="pattern-error", markup=False)
        error.display = False
        yield error
        yield Static(NOTHING, id="no-charts", classes="dim", markup=False)
        yield ChartGrid(id="chart-grid")

    @property
    def grid(self) -> ChartGrid:
        """The charts."""
        return self.query_one(ChartGrid)

    @property
    def kept(self) -> dict[str, Any]:
        """What is kept between sessions."""
        request = self.request
        return {
            "charts": request.pattern,
            "axis": request.axis.value,
            "smooth": request.smooth,
            "log_y": request.log_y,
        }

    def draw_sides(self, sides: tuple[SideRequest, ...], subject: str) -> None:
        """Draw other runs.

        Args:
            sides: one for each line.
            subject: what the runs have in common, for the title.
        """
        self._subject = subject
        self._ask(sides=sides)

    async def show(self, made: MadeCharts, grow: bool) -> None:
        """Show charts; ``grow`` if one of the runs may report more."""
        self._made = made
        self.query_one("#no-charts", Static).display = not made.charts
        await self.grid.show(made.charts, grow)
        self._retitle()

    def _retitle(self) -> None:
        made, request = self._made, self.request
        title = f"charts of {self._subject}" if self._subject else "charts"
        if made is not None and len(made.names) > len(made.charts):
            title += f"  {made.first + 1}–{made.first + len(made.charts)} of {len(made.names)}"
        if request.pattern:
            title += f"  /{request.pattern}/"
        words = [(made.axis if made is not None else request.axis).value]
        words += ["log y"] if request.log_y else []
        words += [f"ema {request.smooth:g}"] if request.smooth else []
        title += f"  {' · '.join(words)}"
        if self.border_title != title:
            self.border_title = title.replace("[", r"\[")

    def _ask(self, **changes: Any) -> None:
        changed = replace(self.request, **changes, charts=self.grid.room)
        if changed != self.request:
            self.request = changed
            self._retitle()
            self.post_message(self.Wanted())

    @on(ChartGrid.RoomChanged)
    def _use_room(self) -> None:
        self._ask()

    # ── keys ──────────────────────────────────────────────────────────────────────────────────

    def open_pattern(self) -> None:
        """Open the line in which the pattern is typed."""
        line = self.query_one("#pattern", Input)
        line.display = True
        line.focus()

    def close_pattern(self) -> bool:
        """Close the line; return whether it was open. The pattern stays."""
        line = self.query_one("#pattern", Input)
        was_open, line.display = line.display, False
        self._show_error("")
        with self.prevent(Input.Changed):
            line.value = self.request.pattern
        return was_open

    def use_pattern(self, pattern: str) -> None:
        """Show the curves whose names match."""
        with self.prevent(Input.Changed):
            self.query_one("#pattern", Input).value = pattern
        self._ask(pattern=pattern, first=0)

    def turn_page(self, by: int) -> None:
        """Show the next or the previous charts."""
        if self._made is None or not self._made.names:
            return
        room, count = max(1, self.grid.room), len(self._made.names)
        pages = -(-count // room)
        self._ask(first=(self._made.first // room + by) % pages * room)

    def next_axis(self) -> None:
        """Switch to the next x axis."""
        axes = [*Axis]
        self.grid.reset()
        self._choose(axis=axes[(axes.index(self.request.axis) + 1) % len(axes)])

    def next_smoothing(self) -> None:
        """Increase smoothing, or turn it off after the most."""
        at = SMOOTHINGS.index(self.request.smooth)
        self._choose(smooth=SMOOTHINGS[(at + 1) % len(SMOOTHINGS)])

    def toggle_log_y(self) -> None:
        """Toggle the logarithmic y axis."""
        self._choose(log_y=not self.request.log_y)

    def _choose(self, **changes: Any) -> None:
        self._ask(**changes)
        self.post_message(self.Chosen())

    @on(Input.Changed, "#pattern")
    def _take_pattern(self, event: Input.Changed) -> None:
        event.stop()
        try:
            matching((), event.value)
        except UserError as error:
            self._show_error(str(error))
            return
        self._show_error("")
        self._choose(pattern=event.value, first=0)

    @on(Input.Submitted, "#pattern")
    def _leave_pattern(self, event: Input.Submitted) -> None:
        event.stop()
        self.close_pattern()
        if views := self.grid.views:
            views[0].focus()

    def _show_error(self, text: str) -> None:
        error = self.query_one("#pattern-error", Static)
        if error.display or text:
            error.display = bool(text)
            error.update(text)
