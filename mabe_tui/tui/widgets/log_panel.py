"""A panel with a run's log and a search line; it loads lines on demand and remembers the position."""

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from core.errors import UserError
from mabe_tui.runs.following.feed import RunFeed
from mabe_tui.runs.following.feed_update import FeedUpdate
from mabe_tui.runs.following.live import RunSource
from mabe_tui.runs.following.run_log import LogRow, search_pattern
from mabe_tui.tui.messages import WorkFailed
from mabe_tui.tui.widgets.log_view import LogView
from mabe_tui.tui.widgets.search_bar import SearchBar

SETTLED_SECONDS = 0.5
"""Seconds without another move after which the position is reported."""
ROUND = {1: ", from the first line on", -1: ", from the last line on"}
"""Suffix for a match found after wrapping around the end or beginning of the log."""
NO_MATCH = "no match"
COUNTED_LINES, COUNTED_AT_ONCE = 20_000, 1_000
"""Matches are numbered only up to this line, counting in slices of this size: beyond, it takes too long."""


class Match(NamedTuple):
    """The result of a search."""

    position: int
    number: int | None
    """Rank among all matches, from 1; ``None`` if not counted."""
    matches: int | None = None
    """Number of all matches; ``None`` if not counted."""
    round: str = ""
    """Remark on a match that was found after wrapping around."""

    @property
    def words(self) -> str:
        """The match for the panel's border."""
        if self.number is None:
            return f"a match{self.round}"
        of = f" of {self.matches:,}" if self.matches is not None else ""
        return f"match {self.number:,}{of}{self.round}"


class LogPanel(Vertical):
    """The log of one run, set by :meth:`attach`."""

    class LinesRead(Message):
        """The requested lines have arrived."""

        def __init__(self, rows: list[LogRow], generation: tuple[int, int]) -> None:
            super().__init__()
            self.rows, self.generation = rows, generation

    class Found(Message):
        """A search has ended."""

        def __init__(self, search: object, match: "Match | None") -> None:
            super().__init__()
            self.search, self.match = search, match

    class Restated(Message):
        """:attr:`where` says something else.

        The view's own messages do not reach the screen if it was the panel that moved the view: Textual
        stops a message at the widget that caused it.
        """

    class Placed(Message):
        """The view stays at a line, counted from 1, or follows the end (``None``)."""

        def __init__(self, line: int | None) -> None:
            super().__init__()
            self.line = line

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="panel")
        self.border_title = "log"
        self._feed: RunFeed | None = None
        self._search: object = None
        self.is_searching = False
        """Whether a search is still running."""
        self._place: int | None = None
        """The line to go to once the beginning of the log is known."""
        self._settling: Timer | None = None
        self._is_replay = False
        self._written = ""
        self._found = ""
        """The result of the last search, in words."""

    def compose(self) -> ComposeResult:
        """Lay out the log and the search line."""
        yield LogView(id="log")
        yield SearchBar(placeholder="regular expression; no capitals: any case", id="search")

    @property
    def view(self) -> LogView:
        """The view of the lines."""
        return self.query_one(LogView)

    def attach(self, feed: RunFeed, line: int | None) -> None:
        """Show the log of a run.

        Args:
            feed: the feed of the run.
            line: the line to stay at, from 1; ``None`` to follow the end.
        """
        self._feed, self._place = feed, line

    def show(self, look: FeedUpdate) -> None:
        """Show what is new in the feed."""
        self._is_replay = look.replay is not None
        self.view.show(look.log, look.tail)
        if self._place is not None and look.log.complete:
            self.view.select(look.log.first + self._place - 1)
            self._place = None
        self._write_where()

    def open_search(self) -> None:
        """Open the search line."""
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
        """Search backwards from the selected line, because recent lines are usually meant."""
        message.stop()
        self.query_one(SearchBar).display = False
        self.view.focus()
        if not message.value:
            return
        try:
            self.view.pattern = search_pattern(message.value)
        except UserError as error:
            self.post_message(WorkFailed(str(error)))
            return
        self._begin(self.view.pattern, self.view.selected, -1)

    @on(SearchBar.Closed)
    def _search_no_more(self) -> None:
        self._search = self.view.pattern = None
        self._found = ""
        self.is_searching = False
        self.view.focus()
        self.view.refresh()
        self.post_message(LogView.Moved())

    def _begin(self, pattern: re.Pattern[str], start: int, direction: int) -> None:
        """Search slice by slice so that following continues; a newer search cancels this one."""
        if self._feed is None:
            return
        feed, search = self._feed, object()
        self._search = search
        self.is_searching = True

        def begin(source: RunSource) -> None:
            go_on(_matches(source, pattern, start, direction))

        def go_on(found: Iterator["Match | None"]) -> None:
            if self._search is not search:
                return
            match next(found, NO_MATCH):
                case Match() as one:
                    self.post_message(self.Found(search, one))
                case None:
                    feed.ask(lambda _: go_on(found))
                case _:
                    self.post_message(self.Found(search, None))

        feed.ask(begin)

    @on(Found)
    def _show_match(self, message: Found) -> None:
        if message.search is not self._search:
            return
        self.is_searching = False
        match = message.match
        self._found = NO_MATCH if match is None else match.words
        if match is not None:
            self.view.select(match.position)
        else:
            self.post_message(LogView.Moved())  # the words for the position change, too

    # ── position ──────────────────────────────────────────────────────────────────────────────

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

    @property
    def where(self) -> str:
        """The position in words: ``following, 812 lines``, or ``line 40 of 812, f follows``.

        During a search the match comes first: ``match 3 of 17``.
        """
        found = f"{self._found} · " if self._found else ""
        return found + self._position

    @property
    def _position(self) -> str:
        view, bounds = self.view, self.view.bounds
        lines = f"{bounds.stop - bounds.first:,}"
        if view.following:
            return f"following, {lines} lines"
        if not bounds.complete:
            return f"paused, {lines} lines, f follows"
        return f"line {view.selected - bounds.first + 1:,} of {lines}, f follows"

    def _write_where(self) -> None:
        if (where := self.where) == self._written:
            return
        self._written = where
        self.post_message(self.Restated())
        # Assigning it would repaint the whole panel, but only the border's last row changes.
        self._border_subtitle = self.render_str(where)
        left, below = -self.gutter.left, self.size.height + self.gutter.bottom - 1
        self.refresh(Region(left, below, self.outer_size.width, 1))


def _matches(
    source: RunSource, pattern: re.Pattern[str], start: int, direction: int
) -> Iterator["Match | None"]:
    """Search for one match, wrapping around if there is none."""
    log = source.log
    far = log.first if direction > 0 else log.stop - 1
    for begin, words in ((start, ""), (far, ROUND[direction])):
        for found in log.search(pattern, begin, direction):
            if found is not None:
                number, count = yield from _numbers_of(source, pattern, found)
                yield Match(found, number, count, words)
                return
            yield None


def _numbers_of(
    source: RunSource, pattern: re.Pattern[str], position: int
) -> Generator[None, None, tuple[int | None, int | None]]:
    """Return which match a line is, and how many there are; ``None`` where it takes too long to count."""
    log = source.log
    if not log.complete or position - log.first >= COUNTED_LINES:
        return None, None
    stop = log.stop if log.stop - log.first <= COUNTED_LINES else position + 1
    number = count = 0
    for first in range(log.first, stop, COUNTED_AT_ONCE):
        for row in log.lines(first, min(COUNTED_AT_ONCE, stop - first)):
            if pattern.search(row.text) is not None:
                count += 1
                number += row.position <= position
        yield None
    return number, count if stop == log.stop else None
