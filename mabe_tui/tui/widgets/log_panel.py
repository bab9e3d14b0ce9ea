"""A run's log with the line to search in it: brings the log's lines here, and keeps one's place."""

import re
from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from core.errors import UserError
from mabe_tui.runs.following.feed import Look, RunFeed
from mabe_tui.runs.following.live import RunSource
from mabe_tui.runs.following.run_log import LogRow, search_pattern
from mabe_tui.tui.messages import Problem
from mabe_tui.tui.widgets.log_view import LogView
from mabe_tui.tui.widgets.search_bar import SearchBar

SETTLED_SECONDS = 0.5
"""After so long without another move, the place is told."""
WORDS = {
    1: "no match below: going on from the first line",
    -1: "no match above: going on from the last line",
}


class LogPanel(Vertical):
    """The log of one run; :meth:`attach` says of which."""

    class LinesRead(Message):
        """Lines that were wanted."""

        def __init__(self, rows: list[LogRow], generation: tuple[int, int]) -> None:
            super().__init__()
            self.rows, self.generation = rows, generation

    class Found(Message):
        """A search has come to an end."""

        def __init__(self, search: object, position: int | None, words: str = "") -> None:
            super().__init__()
            self.search, self.position, self.words = search, position, words

    class Placed(Message):
        """One stays at a line, counted from 1, or follows the end (``None``)."""

        def __init__(self, line: int | None) -> None:
            super().__init__()
            self.line = line

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="panel")
        self.border_title = "log"
        self._feed: RunFeed | None = None
        self._search: object = None
        self._place: int | None = None
        """The line to go to, once the log's beginning is known."""
        self._settling: Timer | None = None
        self._is_replay = False

    def compose(self) -> ComposeResult:
        """Lay out log and search line."""
        yield LogView(id="log")
        yield SearchBar(placeholder="regular expression; no capitals: any case", id="search")

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one(LogView)

    def attach(self, feed: RunFeed, line: int | None) -> None:
        """Show the log of a run.

        Args:
            feed: follows it.
            line: to stay at, from 1; ``None``: follow the end.
        """
        self._feed, self._place = feed, line

    def show(self, look: Look) -> None:
        """Take in what is new."""
        self._is_replay = look.replay is not None
        self.view.show(look.log, look.tail)
        if self._place is not None and look.log.complete:
            self.view.select(look.log.first + self._place - 1)
            self._place = None
        self._write_where()

    def open_search(self) -> None:
        """Ask what to look for."""
        self.query_one(SearchBar).open()

    @on(LogView.Wanted)
    def _read_lines(self, message: LogView.Wanted) -> None:
        generation = self.view.bounds.generation

        def read(source: RunSource) -> None:
            rows = source.log.lines(message.first, message.count)
            self.post_message(self.LinesRead(rows, generation))

        if self._feed is not None:
            self._feed.ask(read)

    @on(LinesRead)
    def _put_lines(self, message: LinesRead) -> None:
        self.view.put(message.rows, message.generation)

    # ── search ────────────────────────────────────────────────────────────────────────────────

    @on(LogView.SearchWanted)
    def _search_on(self, message: LogView.SearchWanted) -> None:
        pattern = self.view.pattern
        if message.direction and pattern is not None:
            self._begin(pattern, self.view.selected + message.direction, message.direction)
        else:
            self.open_search()

    @on(Input.Submitted)
    def _search_typed(self, message: Input.Submitted) -> None:
        """Look from the selected line up: what is sought was mostly said of late."""
        message.stop()
        self.query_one(SearchBar).display = False
        self.view.focus()
        if not message.value:
            return
        try:
            self.view.pattern = search_pattern(message.value)
        except UserError as error:
            self.post_message(Problem(str(error)))
            return
        self._begin(self.view.pattern, self.view.selected, -1)

    @on(SearchBar.Closed)
    def _search_no_more(self) -> None:
        self._search = self.view.pattern = None
        self.view.focus()
        self.view.refresh()

    def _begin(self, pattern: re.Pattern[str], start: int, direction: int) -> None:
        """Search slice by slice, so that the run is followed meanwhile; a newer search ends this one."""
        if self._feed is None:
            return
        feed, search = self._feed, object()
        self._search = search

        def begin(source: RunSource) -> None:
            go_on(_matches(source, pattern, start, direction))

        def go_on(found: Iterator["int | str | None"]) -> None:
            if self._search is not search:
                return
            match next(found, "no match"):
                case int(position):
                    self.post_message(self.Found(search, position))
                case str(words):
                    self.post_message(self.Found(search, None, words))
                    if words in WORDS.values():
                        feed.ask(lambda _: go_on(found))
                case _:
                    feed.ask(lambda _: go_on(found))

        feed.ask(begin)

    @on(Found)
    def _show_match(self, message: Found) -> None:
        if message.search is not self._search:
            return
        if message.words:
            self.notify(message.words, markup=False, timeout=3)
        if message.position is not None:
            self.view.select(message.position)

    # ── where one is ──────────────────────────────────────────────────────────────────────────

    @on(LogView.Moved)
    def _moved(self) -> None:
        self._write_where()
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLED_SECONDS, self._settle)

    def _settle(self) -> None:
        view = self.view
        if not self._is_replay and (view.following or view.bounds.complete):
            line = None if view.following else view.selected - view.bounds.first + 1
            self.post_message(self.Placed(line))

    def _write_where(self) -> None:
        view, bounds = self.view, self.view.bounds
        number = f"{view.selected - bounds.first + 1:,} of " if bounds.complete else ""
        place = "following" if view.following else "f: follow the end"
        self.border_subtitle = f"{number}{bounds.stop - bounds.first:,} lines, {place}"


def _matches(
    source: RunSource, pattern: re.Pattern[str], start: int, direction: int
) -> Iterator["int | str | None"]:
    """Look for one match, at the far end again where there is none before; words on the way are told."""
    log = source.log
    for found in log.search(pattern, start, direction):
        yield found
        if found is not None:
            return
    yield WORDS[direction]
    for found in log.search(pattern, log.first if direction > 0 else log.stop - 1, direction):
        yield found
        if found is not None:
            return
