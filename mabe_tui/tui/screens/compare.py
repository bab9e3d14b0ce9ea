"""Runs, versions or checkpoints side by side: which is better, how sure can one be, and what differs."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Static

from core.errors import UserError
from core.progress import Progress
from mabe_tui.runs.axis import Axis
from mabe_tui.runs.overlay import LineNumbers, axes_of, metrics_of, overlay
from mabe_tui.runs.report import comparison_report, write_report
from mabe_tui.runs.side_by_side import SideBySide, candidates, side_by_side
from mabe_tui.tui.compare_messages import Drawn, Found, Measuring, Offered, Refused
from mabe_tui.tui.compare_rows import SIDES, code_text, figure_rows, setting_rows, side_rows
from mabe_tui.tui.compare_view import PANES, CompareView
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.messages import Done
from mabe_tui.tui.screens.base import MabeScreen
from mabe_tui.tui.screens.pick import PickScreen
from mabe_tui.tui.widgets.chart import Axes
from mabe_tui.tui.widgets.compare_panes import ComparePanes
from mabe_tui.tui.widgets.side_table import SideTable
from mabe_tui.tui.widgets.table import RowTable
from mabe_tui.tui.widgets.tabs import TabLine

ROOM_FOR_ALL = (120, 36)
"""From this width and height on, all panes are shown beside one another."""
LEAST = 2
"""Sides of a comparison."""


class CompareScreen(MabeScreen):
    """Two or more sides; the first is the reference that the others are held against."""

    PLACES: ClassVar[tuple[str, ...]] = ("compare", "chart", "sides", "table", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings("compare", "screen")
    CSS = """
    CompareScreen #sides { height: auto; max-height: 12; padding: 0 1; }
    CompareScreen.-low #sides { max-height: 6; }
    CompareScreen #sentence { height: auto; max-height: 4; padding: 0 1; text-style: bold; }
    ComparePanes { height: 1fr; }
    ComparePanes #left, ComparePanes #right { width: 1fr; }
    ComparePanes ClassView, ComparePanes #code { scrollbar-size: 1 1; }
    ComparePanes #pane-figures { height: 3fr; }
    ComparePanes #pane-settings { height: 2fr; }
    ComparePanes #pane-curves, ComparePanes #pane-classes { height: 1fr; }
    ComparePanes #pane-code { height: 1fr; }
    ComparePanes.alone .panel, ComparePanes.alone .panel:focus-within {
      border: none; padding: 0 1; height: 1fr;
    }
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = tuple(dict.fromkeys(names))
        self.found: SideBySide | None = None
        self.compare_view = CompareView()
        self._lines = LineNumbers()
        self._shown: tuple[str, ...] = ()
        """The names of what was found: older than ``names`` while something is being read."""
        self._alone: str | None = None
        self._busy = "reading …"

    # ── layout ────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """Lay out the sides, what can be said of the selected one, and the panes."""
        yield RowTable(SIDES, id="sides")
        yield Static(self._busy, id="sentence", markup=False)
        yield TabLine(id="tabs")
        yield ComparePanes(id="panes")

    def heading(self) -> str:
        """Count the sides."""
        return f"mabe  comparison of {len(self.names)}"

    def on_mount(self) -> None:
        """Begin to compare; look as one did the last time."""
        self.compare_view = CompareView.read(self.mabe.view_state)
        self._arrange()
        self._panes.focus_on(self.compare_view.pane)
        self._compare()

    def on_resize(self, event: events.Resize) -> None:
        """Show one pane or all, as there is room."""
        self.set_class(event.size.height < ROOM_FOR_ALL[1], "-low")
        self._arrange()

    @property
    def _panes(self) -> ComparePanes:
        return self.query_one(ComparePanes)

    @property
    def _sides(self) -> RowTable:
        return self.query_one("#sides", RowTable)

    @property
    def _is_roomy(self) -> bool:
        return self.size.width >= ROOM_FOR_ALL[0] and self.size.height >= ROOM_FOR_ALL[1]

    def _arrange(self) -> None:
        pane = self.compare_view.pane
        self._panes.show_only(self._alone if self._is_roomy else pane)
        self.query_one(TabLine).show(PANES, pane, self._words())

    def _words(self) -> str:
        view = self.compare_view
        parts = [f"{self._metric or ''} over {self._axis.value}"]
        parts += ["log y"] if view.log_y else []
        parts += [f"smooth {view.smooth:g}"] if view.smooth else []
        return " · ".join(parts)

    # ── comparing ─────────────────────────────────────────────────────────────────────────────

    def _compare(self) -> None:
        names, store, registry = self.names, self.mabe.store, self.mabe.session.registry
        self.retitle()
        self._say("reading …")

        def work() -> Message | None:
            try:
                for found in side_by_side(names, store, registry, self._teller(names)):
                    self.post_message(Found(names, found))
            except UserError as error:
                return Refused(names, str(error))
            return None

        self.ask(work, "compare")

    def _teller(self, names: tuple[str, ...]) -> Progress:
        def tell(done: int, total: int, what: str) -> None:
            share = f"{done} of {total} " if total else ""
            self.post_message(Measuring(names, f"measuring: {share}{what}"))

        return tell

    @on(Found)
    def _take_in(self, message: Found) -> None:
        if message.names != self.names:
            return
        before, self.found = self.found, message.found
        selected = self._sides.selected
        self._shown = message.names
        comparison, lines = self.found.comparison, self._lines.of(self._shown)
        self._busy = "" if comparison.verdicts else self._busy
        self._sides.show(side_rows(self.names, comparison, lines, self.mabe.options.ascii_only))
        if selected is None:
            self._sides.select(self.names[1])
        self._show_sentence()
        labels = [side.name for side in comparison.sides]
        self._panes.table("settings").show_sides(labels, setting_rows(comparison))
        self._panes.table("figures").show_sides(labels, figure_rows(comparison))
        self._panes.write_code(code_text(comparison, self.found.code))
        self._show_classes()
        if before is None or before.numbers is not self.found.numbers:
            self._draw()

    @on(Measuring)
    def _show_progress(self, message: Measuring) -> None:
        if message.names == self.names:
            self._say(message.text)

    @on(Refused)
    def _go_back(self, message: Refused) -> None:
        """Say why these cannot be compared; those that could be stay."""
        if message.names != self.names:
            return
        self.notify(message.text, severity="error", markup=False)
        self._say("" if self._shown else message.text)
        self.names = self._shown or self.names
        self.retitle()

    def _say(self, text: str) -> None:
        self._busy = text
        self._show_sentence()

    @on(RowTable.Moved, "#sides")
    def _show_sentence(self) -> None:
        self.query_one("#sentence", Static).update(self._busy or self._sentence())

    def _sentence(self) -> str:
        verdicts = self.found.comparison.verdicts if self.found is not None else ()
        if not verdicts:
            return ""
        place = self._sides.cursor
        if place == 0 and len(verdicts) > 1:
            return f"the others are held against {verdicts[0].first}"
        return verdicts[max(place - 1, 0)].sentence

    # ── curves ────────────────────────────────────────────────────────────────────────────────

    @property
    def _metrics(self) -> list[str]:
        return metrics_of(self.found.numbers) if self.found is not None else []

    @property
    def _metric(self) -> str | None:
        if self.found is None:
            return None
        monitor = self.found.comparison.sides[0].experiment.training.monitor
        wished, known = self.compare_view.metric, self._metrics
        return next((name for name in (wished, monitor, *known) if name in known), None)

    @property
    def _axis(self) -> Axis:
        axes = axes_of(self.found.numbers if self.found is not None else ())
        return self.compare_view.axis if self.compare_view.axis in axes else axes[0]

    def _draw(self) -> None:
        found, metric = self.found, self._metric
        self._arrange()
        if found is None or metric is None:
            return
        view, axis, lines = self.compare_view, self._axis, self._lines.of(self._shown)

        def work() -> Message:
            smooth, log_y = view.smooth, view.log_y
            panel = overlay(found.numbers, lines, metric, axis, smooth=smooth, log_y=log_y)
            return Drawn(panel)

        self.ask(work, "curves")

    @on(Drawn)
    def _show_curves(self, message: Drawn) -> None:
        panel = message.panel
        axes = Axes(
            title=panel.title,
            x_label=panel.x_label,
            x_kind=panel.x_kind,
            y_kind=panel.y_kind,
            log_y=panel.log_y,
        )
        self._panes.chart.show(panel.series, axes, panel.lines)

    def _show_classes(self) -> None:
        assert self.found is not None
        cells = self.compare_view.cells
        self._panes.class_view.show(self.found.classes, self._lines.of(self._shown), cells)

    # ── how it is looked at ───────────────────────────────────────────────────────────────────

    def _change(self, view: CompareView) -> None:
        self.compare_view = view

        def keep() -> None:
            view.keep(self.mabe.view_state)

        self.ask(keep, "keep")
        self._arrange()

    def action_pane(self, key: str) -> None:
        """Show a pane, or go to it; at a second press, alone."""
        again = self._panes.has_focus_in(key)
        self._alone = key if self._is_roomy and again and self._alone is None else None
        self._change(replace(self.compare_view, pane=key))
        self._panes.focus_on(key)

    def action_metric(self) -> None:
        """Choose what the curves are of."""

        def chosen(metric: str | None) -> None:
            if metric is not None:
                self._change(replace(self.compare_view, metric=metric))
                self._draw()

        self.app.push_screen(PickScreen("draw", self._metrics), chosen)

    def action_axis(self) -> None:
        """Draw over the next x."""
        axes = axes_of(self.found.numbers if self.found is not None else ())
        self._panes.chart.action_reset()
        self._change(self.compare_view.next_axis(axes))
        self._draw()

    def action_log_y(self) -> None:
        """Draw on a logarithmic axis, or not."""
        self._change(replace(self.compare_view, log_y=not self.compare_view.log_y))
        self._draw()

    def action_smooth(self) -> None:
        """Smooth more, or not at all."""
        self._change(self.compare_view.next_smoothing())
        self._draw()

    def action_cells(self) -> None:
        """Show other numbers in the confusion matrices."""
        self._change(self.compare_view.next_cells())
        if self.found is not None:
            self._show_classes()

    # ── which sides ───────────────────────────────────────────────────────────────────────────

    def action_select(self, by: int) -> None:
        """Select another side, wherever the focus is."""
        self._sides.action_move(by)

    def action_add(self) -> None:
        """Offer what could be added."""
        names, store, registry = self.names, self.mabe.store, self.mabe.session.registry
        self.ask(lambda: Offered(candidates(names, store, registry)), "offer")

    @on(Offered)
    def _offer(self, message: Offered) -> None:
        def chosen(name: str | None) -> None:
            if name is not None:
                self._take((*self.names, name))

        self.app.push_screen(PickScreen("add to the comparison", message.names), chosen)

    def action_drop(self) -> None:
        """Take the selected side out."""
        if len(self.names) <= LEAST:
            self.notify("a comparison has two sides: add another first", severity="warning")
        elif (selected := self._sides.selected) is not None:
            self._take(tuple(name for name in self.names if name != selected))

    def action_reference(self) -> None:
        """Hold the others against the selected side."""
        selected = self._sides.selected
        if selected is not None and selected != self.names[0]:
            others = (name for name in self.names if name != selected)
            self._take((selected, *others))

    def _take(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._compare()

    def action_reread(self) -> None:
        """Read the runs again."""
        self._compare()

    # ── elsewhere ─────────────────────────────────────────────────────────────────────────────

    @on(RowTable.Chosen, "#sides")
    def _open_run(self) -> None:
        from mabe_tui.tui.screens.run import RunScreen

        run = self.found and self.found.comparison.sides[self._sides.cursor].summary
        if run:
            self.app.push_screen(RunScreen(run.id))

    @on(RowTable.Chosen, "#settings, #figures")
    def _show_whole(self, message: RowTable.Chosen) -> None:
        """Show a row that may have been cut off."""
        table = self.query_one(f"#{message.table.id}", SideTable)
        label, text = table.whole(message.key)
        self.notify(text, title=label, markup=False, timeout=15)

    def action_export(self) -> None:
        """Write the comparison into the folder one is in."""
        found, store, axis = self.found, self.mabe.store, self._axis
        if found is None or not found.comparison.verdicts:
            self.notify("nothing to export yet", severity="warning")
            return

        def work() -> Message:
            report = comparison_report(found.comparison, store, axis, found.classes)
            page, picture = write_report(report, Path.cwd())
            return Done(f"wrote {page} and {picture.name}")

        self.ask(work, "export")
