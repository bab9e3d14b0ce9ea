"""The runs as a table that can be filtered, sorted and kept as a view."""

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
from mabe_tui.runs.listing.fields import Fields
from mabe_tui.runs.listing.measured import Measured
from mabe_tui.runs.listing.query_completion import completed
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.row_cache import RowCache
from mabe_tui.runs.listing.table import Arranged, arranged
from mabe_tui.runs.listing.view_state import Arrangement, View
from mabe_tui.runs.store import short_id
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.home.rows import RUNS, RunRows
from mabe_tui.tui.widgets.filter_line import FilterLine
from mabe_tui.tui.widgets.table import RowTable

NO_RUNS, NONE_PASSES = "no runs yet", "no run passes the filter"
UNSORTED = ("sign", "remarks", "curve")


class RunsPane(Vertical):
    """Filter line and table. What is wrong with a filter is said under it, as one types."""

    class ViewChanged(Message):
        """Another filter or order, which can be read."""

        def __init__(self, view: View) -> None:
            super().__init__()
            self.view = view

    class QueryUsed(Message):
        """A filter was typed to its end."""

        def __init__(self, queries: list[str]) -> None:
            super().__init__()
            self.queries = queries
            """The latest first."""

    def __init__(
        self,
        view: View,
        queries: Sequence[str] = (),
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.view = view
        self._passing = View()
        """The last view that could be read and let a run through."""
        self._queries = queries
        self._cache, self._laid_out = RowCache(), RunRows()
        self._table: Arranged | None = None
        self._records: Sequence[RunRecord] = ()
        self._names: dict[str, str] = {}
        """Id → a name as short as may be."""
        self._arrangement = Arrangement()
        self._baseline: Measured | None = None
        self._distinctions: Distinctions | None = None
        self._marked: Collection[str] = ()
        self._title = self._said = ""

    def compose(self) -> ComposeResult:
        """Lay out filter, what is wrong with it, and table."""
        line = FilterLine(self.view.query, self._queries, self._completed, id="filter")
        line.display = bool(self.view.query)
        yield line
        error = Static(id="filter-error", markup=False)
        error.display = False
        yield error
        yield RowTable(RUNS, empty=NO_RUNS, id="runs")

    @property
    def table(self) -> RowTable:
        """The table itself."""
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
            title: whose they are.
            records: newest first.
            arrangement: knows what is pinned.
            baseline: what Δ is the difference to.
            marked: ids that have a mark.
            distinctions: knows which differences are more than luck.
        """
        if records != self._records:
            self._names = _short_names(records)
        self._title, self._records = title, records
        self._arrangement, self._baseline, self._marked = arrangement, baseline, marked
        self._distinctions = distinctions
        self._draw()

    def change(self, **changes: object) -> None:
        """Filter or sort in another way."""
        self.view = msgspec.structs.replace(self.view, **changes)
        if self._draw():
            self.post_message(self.ViewChanged(self.view))

    def use(self, view: View) -> None:
        """Take over a saved view."""
        line = self.query_one(FilterLine)
        with self.prevent(Input.Changed):
            line.value = view.query
        line.display = bool(view.query)
        self.view = view
        self.change()

    def reverse(self) -> None:
        """Turn the order round."""
        if self._table is not None:
            self.change(descending=not self._table.descending)

    def pick_sort(self) -> None:
        """Let a person choose the key to sort by."""

        def chosen(key: str | None) -> None:
            if key is not None:
                self.change(sort=key, descending=None)

        self.app.push_screen(PickScreen("sort runs by", self._fields.keys), chosen)

    def open_filter(self) -> None:
        """Let a person type a filter."""
        line = self.query_one(FilterLine)
        line.display = True
        line.focus()

    def close_filter(self) -> bool:
        """Take the filter away; tells whether there was one."""
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

    @on(RowTable.HeaderClicked)
    def _sort_by_header(self, message: RowTable.HeaderClicked) -> None:
        message.stop()
        if message.column in UNSORTED:
            return
        same = self._table is not None and self._table.sort == message.column
        falls = not self._table.descending if same and self._table else None
        self.change(sort=message.column, descending=falls)

    def _draw(self) -> bool:
        """Fill the table; tells whether the filter could be read.

        One that cannot, as one half typed, leaves what the last one let through.
        """
        try:
            table = self._arranged(self.view)
        except UserError as error:
            self._say(str(error).removeprefix(f"{self.view.query}: "))
            with suppress(UserError):  # other runs need not have its keys
                self._fill(self._arranged(self._passing))
            return False
        self._say("")
        if table.rows:
            self._passing = self.view
        self._fill(table)
        return True

    def _arranged(self, view: View) -> Arranged:
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
            )
            for row in sorted(table.rows, key=lambda row: row["id"] not in pinned)
            if isinstance(name := row["id"], str)
        ]
        self.table.show(rows)
        self.table.mark_sorted(table.sort, table.descending)

    def _say(self, text: str) -> None:
        if text == self._said:  # an update lays the whole screen out anew, whatever the text
            return
        self._said = text
        error = self.query_one("#filter-error", Static)
        error.display = bool(text)
        error.update(text)


def _short_names(records: Sequence[RunRecord]) -> dict[str, str]:
    """Call each run by its id without the time, where that is no other's."""
    short = {record.id: short_id(record.id) for record in records}
    times = Counter(short.values())
    return {key: name if times[name] == 1 else key for key, name in short.items()}
