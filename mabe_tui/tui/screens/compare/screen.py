"""The screen that compares runs, versions or checkpoints: which is better, how certain, and what differs."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from core.errors import UserError
from core.system.progress import Progress, sparing
from mabe_tui.runs.comparison.evaluate import AT
from mabe_tui.runs.comparison.report import comparison_report, write_report
from mabe_tui.runs.comparison.side_by_side import candidates, checkpoint_briefs, side_by_side
from mabe_tui.runs.listing.brief import briefs
from mabe_tui.runs.videos.wish import VideoWish
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.messages import Done
from mabe_tui.tui.screens.compare.messages import (
    ComparisonFound,
    Measuring,
    Offered,
    Refused,
)
from mabe_tui.tui.screens.compare.panes import ComparePanes
from mabe_tui.tui.screens.compare.rows import (
    code_text,
    confusion_choices,
    figure_rows,
    runs_to_watch,
    setting_rows,
    side_columns,
    side_rows,
)
from mabe_tui.tui.screens.compare.settling import SettlingScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.widgets.side_table import SideTable
from mabe_tui.tui.widgets.table import RowTable
from mabe_tui.tui.widgets.tabs import TabLine
from mabe_tui.tui.work import SECONDS_BETWEEN

READING = "reading …"
FASTEST_SECONDS, SHARE = 10.0, 100
"""Live runs are read again after ten seconds, or this multiple of the time that reading took."""
LEAST = 2
"""Minimum number of sides in a comparison."""


class CompareScreen(SettlingScreen):
    """A comparison of two or more sides with the first, the reference."""

    PLACES: ClassVar[tuple[str, ...]] = ("compare", "chart", "classes", "sides", "table", "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings("compare", "screen")
    CSS = """
    CompareScreen #sides { height: auto; max-height: 12; padding: 0 1; }
    CompareScreen.-low #sides { max-height: 6; }
    CompareScreen #sentence { height: auto; max-height: 7; padding: 0 1; text-style: bold; }
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
        self.is_open = False
        self.names = tuple(dict.fromkeys(names))
        self._busy = READING
        self._began, self._pause = 0.0, FASTEST_SECONDS
        self._next_reading: Timer | None = None

    # ── layout ────────────────────────────────────────────────────────────────────────────────

    def body(self) -> ComposeResult:
        """Lay out the sides, the verdict on the selected one, and the panes."""
        yield RowTable(side_columns(), id="sides")
        yield Static(self._busy, id="sentence", markup=False)
        yield TabLine(id="tabs")
        yield ComparePanes(id="panes")

    def heading(self) -> str:
        """Return the number of sides."""
        return f"mabe  comparison of {len(self.names)}"

    def on_mount(self) -> None:
        """Start comparing with the saved view settings."""
        self.look_as_before()
        self._compare()

    @property
    def _sides(self) -> RowTable:
        return self.query_one("#sides", RowTable)

    # ── comparing ─────────────────────────────────────────────────────────────────────────────

    def _compare(self) -> None:
        self.retitle()
        self._show_message(READING)
        self._read()

    def _read(self) -> None:
        names, store, registry = self.names, self.mabe.store, self.mabe.session.registry
        self._began = self.mabe.seconds()

        def work() -> Message | None:
            try:
                for found in side_by_side(names, store, registry, self._teller(names)):
                    self.post_message(ComparisonFound(names, found))
            except UserError as error:
                return Refused(names, str(error))
            return None

        self.ask(work, "compare")

    def _teller(self, names: tuple[str, ...]) -> Progress:
        def tell(done: int, total: int, what: str) -> None:
            share = f"{done} of {total} " if total else ""
            self.post_message(Measuring(names, f"measuring: {share}{what}"))

        return sparing(tell, SECONDS_BETWEEN)

    @on(ComparisonFound)
    def _take_in(self, message: ComparisonFound) -> None:
        if message.names != self.names:
            return
        self.is_open = True
        before, self.found = self.found, message.found
        if before is not None and self.shown == message.names and not self.found.numbers:
            self.found = replace(self.found, numbers=before.numbers, code=before.code)
        selected = self._sides.selected
        self.shown = message.names
        comparison, lines = self.found.comparison, self.line_numbers
        self._busy = "" if comparison.verdicts else self._busy
        self._sides.columns = side_columns(comparison.by)
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
        if message.found.code is not None:
            took = self.mabe.seconds() - self._began
            self._pause = max(FASTEST_SECONDS, SHARE * took)
            self._look_again()

    def _look_again(self) -> None:
        """Schedule reading live runs again; checkpoints do not change."""
        assert self.found is not None
        sides = self.found.comparison.sides
        alive = any(run.state.may_speak for side in sides for run in side.runs)
        if self._next_reading is not None:
            self._next_reading.stop()
        if alive and all(side.checkpoint is None for side in sides):
            self._next_reading = self.set_timer(self._pause, self._read_if_seen)

    def _read_if_seen(self) -> None:
        if self.is_current:
            self._read()
        else:
            self._look_again()

    @on(Measuring)
    def _show_progress(self, message: Measuring) -> None:
        self.is_open = True
        if message.names == self.names:
            self._show_message(message.text)

    @on(Refused)
    def _go_back(self, message: Refused) -> None:
        """Show why the sides cannot be compared; the last valid comparison stays."""
        self.is_open = True
        if message.names != self.names:
            return
        self.notify(message.text, severity="error", markup=False)
        self._show_message("" if self.shown else message.text)
        self.names = self.shown or self.names
        self.retitle()

    def _show_message(self, text: str) -> None:
        self._busy = text
        self._show_sentence()

    @on(RowTable.Moved, "#sides")
    def _show_sentence(self) -> None:
        self.query_one("#sentence", Static).update(self._busy or self._sentence())

    @property
    def selected_verdict(self) -> int:
        """The place of the verdict on the selected side."""
        return max(self._sides.cursor - 1, 0)

    def _sentence(self) -> str:
        verdicts = self.found.comparison.verdicts if self.found is not None else ()
        if not verdicts:
            return ""
        if self._sides.cursor == 0 and len(verdicts) > 1:
            return f"the others are held against {verdicts[0].first}"
        verdict = verdicts[self.selected_verdict]
        if verdict.settling is None:
            return verdict.sentence
        launches = " (l launches)" if any(verdict.settling.seeds) else ""
        return f"{verdict.sentence}\n{verdict.settling.sentence}{launches}"

    # ── sides ─────────────────────────────────────────────────────────────────────────────────

    def action_select(self, by: int) -> None:
        """Select another side, wherever the focus is."""
        self._sides.action_move(by)

    def action_add(self) -> None:
        """Offer candidates to add."""
        names, store, registry = self.names, self.mabe.store, self.mabe.session.registry
        catalog, now = self.mabe.catalog, self.mabe.now

        def work() -> Message:
            offered = candidates(names, store, registry)
            records = catalog.records(now())
            if any(AT in name for name in names):
                return Offered(offered, checkpoint_briefs(offered, store))
            return Offered(offered, briefs(offered, records, registry.versions))

        self.ask(work, "offer", keys_wait=True)

    @on(Offered)
    def _offer(self, message: Offered) -> None:
        def chosen(name: str | None) -> None:
            if name is not None:
                self._take((*self.names, name))

        self.app.push_screen(
            PickScreen("add to the comparison", message.names, details=message.details), chosen
        )

    def action_drop(self) -> None:
        """Remove the selected side."""
        if len(self.names) <= LEAST:
            self.notify("a comparison has two sides: add another first", severity="warning")
        elif (selected := self._sides.selected) is not None:
            self._take(tuple(name for name in self.names if name != selected))

    def action_reference(self) -> None:
        """Make the selected side the reference."""
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

    # ── other screens ─────────────────────────────────────────────────────────────────────────

    @on(RowTable.Chosen, "#sides")
    def _open_run(self) -> None:
        run = self.found and self.found.comparison.sides[self._sides.cursor].summary
        if run:
            self.mabe.open_run(run.id)

    @on(RowTable.Chosen, "#settings, #figures")
    def _show_whole(self, message: RowTable.Chosen) -> None:
        """Show a row that may be truncated in full."""
        table = self.query_one(f"#{message.table.id}", SideTable)
        label, text = table.whole(message.key)
        self.notify(text, title=label, markup=False, timeout=15)

    def action_frames(self) -> None:
        """Choose a confusion of the selected side, and watch its frames beside the reference's answer."""
        found, place = self.found, max(self._sides.cursor, 0)
        classes = found.classes[place] if found is not None and found.classes else None
        if found is None or classes is None or not classes.confusions:
            why = (
                classes.problem
                if classes is not None and classes.problem
                else "nothing is confused"
            )
            self.notify(why, severity="warning", markup=False)
            return
        offered = confusion_choices(classes)
        run, beside = runs_to_watch(found.comparison.sides, place)

        def chosen(name: str | None) -> None:
            if name is not None and run is not None:
                self.mabe.open_videos(run, VideoWish(pair=offered[name], beside=beside))

        title = f"frames of {classes.name}: true → predicted"
        self.app.push_screen(PickScreen(title, [*offered]), chosen)

    def copyable(self) -> dict[str, str]:
        """Return the verdict, the commands that settle it, and the command of this comparison."""
        words = {"command": shlex.join(["mabe", "compare", *self.names])}
        verdicts = self.found.comparison.verdicts if self.found is not None else ()
        if verdicts:
            verdict = verdicts[self.selected_verdict]
            words |= {"verdict": verdict.sentence, "difference": f"{verdict.difference}"}
            if verdict.settling is not None:
                words["commands that settle it"] = "\n".join(verdict.settling.commands)
        return words

    def action_export(self) -> None:
        """Write the comparison into the current folder."""
        found, store, axis = self.found, self.mabe.store, self._axis
        if found is None or not found.comparison.verdicts:
            self.notify("nothing to export yet", severity="warning")
            return

        def work() -> Message:
            report = comparison_report(found.comparison, store, axis, found.classes)
            page, picture = write_report(report, Path.cwd())
            return Done(f"wrote {page} and {picture.name}")

        self.ask(work, "export")
