"""The table of runs, which can be filtered, sorted and saved as a view."""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from core.errors import UserError
from mabe_tui.runs.comparison.told_apart import Distinctions
from mabe_tui.runs.curves.overlay import LineNumbers
from mabe_tui.runs.listing.brief import aligned
from mabe_tui.runs.listing.fields import Fields
from mabe_tui.runs.listing.groups import NOTHING, RunGroup, group_cells, grouped, query_for
from mabe_tui.runs.listing.measured import Measured
from mabe_tui.runs.listing.query_completion import completed
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.row_cache import RowCache
from mabe_tui.runs.listing.table import Arranged, arranged
from mabe_tui.runs.listing.view_state import Arrangement, SavedView
from mabe_tui.runs.store import short_id
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.home.rows import RUNS, RunRows
from mabe_tui.tui.widgets.filter_line import FilterLine
from mabe_tui.tui.widgets.table import HEADER, RowTable

NO_RUNS, NONE_PASSES = "no runs yet", "no run passes the filter"
MOST_DRAWN = 7
"""Runs drawn at once if none is marked: as many as there are colours."""
LEAST_HEIGHT, BORDER = 6, 2
UNSORTED = ("sign", "remarks", "curve")


class RunsPane(Vertical):
    """Filter line and table. Errors in a filter are shown below it while typing."""

    class ViewChanged(Message):
        """The filter or sort order changed and is valid."""

        def __init__(self, view: SavedView) -> None:
            super().__init__()
            self.view = view

    class QueryUsed(Message):
        """The filter was submitted."""

        def __init__(self, queries: list[str]) -> None:
            super().__init__()
            self.queries = queries
            """Earlier filters, latest first."""

    def __init__(
        self,
        view: SavedView,
        lines: LineNumbers,
        queries: Sequence[str] = (),
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.view = view
        self.drawn: dict[str, int] = {}
        """What the charts draw, with the numbers of their lines: the marked rows, or the first ones."""
        self._lines = lines
        self._most_rows: int | None = None
        self._passing = SavedView()
        """The last view that was valid and matched a run."""
        self._queries = queries
        self._cache, self._laid_out = RowCache(), RunRows()
        self._table: Arranged | None = None
        self._records: Sequence[RunRecord] = ()
        self._names: dict[str, str] = {}
        """Run id → its shortest unique name."""
        self._arrangement = Arrangement()
        self._baseline: Measured | None = None
        self._distinctions: Distinctions | None = None
        self._marked: Collection[str] = ()
        self._title = self._shown_error = ""
        self._height: int | str = ""

    def compose(self) -> ComposeResult:
        """Lay out filter, error line and table."""
        line = FilterLine(self.view.query, self._queries, self._completed, id="filter")
        line.display = bool(self.view.query)
        yield line
        error = Static(id="filter-error", markup=False)
        error.display = False
        yield error
        yield RowTable(RUNS, empty=NO_RUNS, id="runs")

    @property
    def table(self) -> RowTable:
        """The table of runs."""
        return self.query_one("#runs", RowTable)

    @property
    def _fields(self) -> Fields:
        return self._table.fields if self._table else Fields()

    def _completed(self, text: str) -> str | None:
        return completed(text, self._fields, self._cache.latest)

    def show(
        self,
        title: str,
        records: Sequence[RunRecord],
        arrangement: Arrangement,
        baseline: Measured | None,
        marked: Collection[str],
        distinctions: Distinctions,
    ) -> None:
        """Show runs.

        Args:
            title: the table's title.
            records: newest first.
            arrangement: contains the pinned runs.
            baseline: the reference of the Δ column.
            marked: ids of the marked runs.
            distinctions: tells which differences are significant.
        """
        if records != self._records:
            self._names = _short_names(records)
        self._title, self._records = title, records
        self._arrangement, self._baseline, self._marked = arrangement, baseline, marked
        self._distinctions = distinctions
        self._draw()

    @property
    def subject(self) -> str:
        """What the charts are about."""
        return (
            f"{len(self._marked)} marked" if self._marked else self._title.removeprefix("runs of ")
        )

    @property
    def most_rows(self) -> int | None:
        """The height that the table takes at most; ``None`` without charts below it."""
        return self._most_rows

    @most_rows.setter
    def most_rows(self, rows: int | None) -> None:
        if rows != self._most_rows:
            self._most_rows = rows
            if self._table is not None:
                self._fill(self._table)

    def draw_selected(self) -> bool:
        """Draw the selected run too; return whether it was not drawn before."""
        name = self.table.selected
        if name is None or name in self.drawn or self._marked or self._table is None:
            return False
        self._fill(self._table)
        return True

    def change(self, **changes: object) -> None:
        """Change the filter or sort order."""
        self.view = msgspec.structs.replace(self.view, **changes)
        if self._draw():
            self.post_message(self.ViewChanged(self.view))

    def use(self, view: SavedView) -> None:
        """Apply a saved view."""
        line = self.query_one(FilterLine)
        with self.prevent(Input.Changed):
            line.value = view.query
        line.display = bool(view.query)
        self.view = view
        self.change()

    def reverse(self) -> None:
        """Reverse the order."""
        if self._table is not None:
            self.change(descending=not self._table.descending)

    def pick_sort(self) -> None:
        """Open the choice of the sort key."""

        def chosen(key: str | None) -> None:
            if key is not None:
                self.change(sort=key, descending=None)

        self.app.push_screen(PickScreen("sort runs by", self._fields.keys), chosen)

    def pick_group(self) -> None:
        """Choose a key, then see the runs put together by it; a chosen group becomes the filter."""

        def keyed(key: str | None) -> None:
            if key is None or self._table is None:
                return
            groups = grouped(self._table.rows, key)
            cells = {group.value or NOTHING: group_cells(group)[1:] for group in groups}
            details = aligned({n: [text or "" for text in row] for n, row in cells.items()})
            title = f"by {key}: runs, mean, best, its run, time, cost"
            screen = PickScreen(title, [*details], details=details)
            self.app.push_screen(screen, lambda value: self._filter_to(key, value, groups))

        self.app.push_screen(PickScreen("group runs by", self._fields.keys), keyed)

    def _filter_to(self, key: str, value: str | None, groups: Sequence[RunGroup]) -> None:
        """Show the runs of one group only."""
        if value is None:
            return
        ids = next(group.runs for group in groups if (group.value or NOTHING) == value)
        own = [row for row in self._table.rows if row["id"] in ids] if self._table else []
        self.use(msgspec.structs.replace(self.view, query=query_for(key, own)))

    def open_filter(self) -> None:
        """Open the filter line."""
        line = self.query_one(FilterLine)
        line.display = True
        line.focus()

    def close_filter(self) -> bool:
        """Clear the filter; return whether there was one."""
        line = self.query_one(FilterLine)
        if not line.display:
            return False
        line.value = ""
        line.display = False
        self.table.focus()
        return True

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self.change(query=event.value)

    @on(Input.Submitted)
    def _leave_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_line()

    @on(FilterLine.Left)
    def _close_line(self) -> None:
        line = self.query_one(FilterLine)
        line.remember()
        self.post_message(self.QueryUsed(line.queries))
        line.display = bool(line.value)
        self.table.focus()
        if self._table is not None:
            self._fit(len(self.table.rows))

    @on(RowTable.HeaderClicked)
    def _sort_by_header(self, message: RowTable.HeaderClicked) -> None:
        message.stop()
        if message.column in UNSORTED:
            return
        same = self._table is not None and self._table.sort == message.column
        falls = not self._table.descending if same and self._table else None
        self.change(sort=message.column, descending=falls)

    def _draw(self) -> bool:
        """Fill the table; return whether the filter is valid.

        An invalid filter, such as a half-typed one, leaves the previous rows in place.
        """
        try:
            table = self._arranged(self.view)
        except UserError as error:
            self._show_error(str(error).removeprefix(f"{self.view.query}: "))
            with suppress(UserError):  # other runs may not have its keys
                self._fill(self._arranged(self._passing))
            return False
        self._show_error("")
        if table.rows:
            self._passing = self.view
        self._fill(table)
        return True

    def _arranged(self, view: SavedView) -> Arranged:
        return arranged(
            self._records,
            view,
            baseline=self._baseline,
            pinned=self._arrangement.pinned,
            cache=self._cache,
        )

    @property
    def _empty(self) -> str:
        if self._records:
            return NONE_PASSES
        return f"{NO_RUNS}: l launches one" if self.screen.check_action("launch", ()) else NO_RUNS

    def _fill(self, table: Arranged) -> None:
        self._table = table
        self.table.empty = self._empty
        left_out = len(self._records) - len(table.rows)
        self.border_title = self._title + (f" ({left_out} filtered out)" if left_out else "")
        by_id = {record.id: record for record in self._records}
        pinned = self._arrangement.pinned
        in_order = sorted(table.rows, key=lambda row: row["id"] not in pinned)
        self._choose_drawn([str(row["id"]) for row in in_order])
        rows = [
            self._laid_out.row(
                by_id[name],
                row,
                name=self._names[name],
                baseline=self._arrangement.baseline,
                pinned=pinned,
                marked=self._marked,
                told_apart=self._distinctions.known(name, self._baseline)
                if self._distinctions
                else None,
                line=self.drawn.get(name),
            )
            for row in in_order
            if isinstance(name := row["id"], str)
        ]
        self._fit(len(rows))
        self.table.show(rows)
        self.table.mark_sorted(table.sort, table.descending)

    def _choose_drawn(self, names: Sequence[str]) -> None:
        """Choose what the charts draw: the marked rows, or the first runs and the selected one."""
        if self._most_rows is None:
            self.drawn = {}
            return
        chosen = [*self._marked] or [*names[:MOST_DRAWN]]
        selected = self.table.selected
        if not self._marked and selected is not None and selected in set(names) - set(chosen):
            chosen[-1] = selected
        self.drawn = dict(zip(chosen, self._lines.of(chosen), strict=True))

    def _fit(self, rows: int) -> None:
        """Leave the room that the rows do not need to the charts; nothing moves while a filter is typed."""
        if self.query_one(FilterLine).has_focus and self._height:
            return
        height: int | str = "1fr"
        if self._most_rows is not None:
            line = int(self.query_one(FilterLine).display)
            height = max(LEAST_HEIGHT, min(rows + HEADER + BORDER + line, self._most_rows))
        if height != self._height:
            self._height = self.styles.height = height

    def _show_error(self, text: str) -> None:
        # Any update triggers a layout of the whole screen, whatever the text
        if text == self._shown_error:
            return
        self._shown_error = text
        error = self.query_one("#filter-error", Static)
        error.display = bool(text)
        error.update(text)


def _short_names(records: Sequence[RunRecord]) -> dict[str, str]:
    """Return the id without its time, if that is unique."""
    short = {record.id: short_id(record.id) for record in records}
    times = Counter(short.values())
    return {key: name if times[name] == 1 else key for key, name in short.items()}
