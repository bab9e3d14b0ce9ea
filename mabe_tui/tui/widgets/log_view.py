"""A view of a log of any length that holds only the lines near the screen.

The lines come from elsewhere: the view posts which lines it needs, and receives them.

"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from core.run.events import Epoch, Failed, Finished, FreeMetrics, Step, System, Warned
from mabe_tui.runs.following.feed_update import LogBounds
from mabe_tui.runs.following.run_log import LogRow
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.widgets.lines import LineWidget

KEPT_SCREENS = 6
"""Lines are cached for this many screenfuls around the view."""
COLOURS: dict[type, str] = {
    Warned: "warning",
    Failed: "error",
    Finished: "success",
    Epoch: "primary",
}
SIGNS_OF_LIFE = (Step, System, FreeMetrics)


class LogView(ScrollView, LineWidget, can_focus=True):
    """Lines of a log, one of them selected. Follows the end until the user scrolls up."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    DEFAULT_CSS = "LogView { height: 1fr; overflow-x: hidden; scrollbar-size: 0 1; }"

    class Wanted(Message):
        """Lines that are not loaded need to be shown: pass them to :meth:`LogView.put`."""

        def __init__(self, first: int, count: int) -> None:
            super().__init__()
            self.first, self.count = first, count

    class Chosen(Message):
        """A line was opened."""

        def __init__(self, position: int) -> None:
            super().__init__()
            self.position = position

    class Moved(Message):
        """The selection moved, or following the end was started or stopped."""

    class SearchWanted(Message):
        """Find the next match: 1 downwards, −1 upwards, 0 asks for the pattern."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.bounds = LogBounds()
        self.selected = -1
        """Position of the selected line; meaningful only if there are lines."""
        self.following = True
        self.pattern: re.Pattern[str] | None = None
        self._rows: dict[int, LogRow] = {}
        self._widest, self._left = 1, 0
        """Width of the longest line seen, and the number of columns scrolled off to the left."""
        self._moving = False
        self._requested: tuple[int, int] | None = None

    # ── content ───────────────────────────────────────────────────────────────────────────────

    def show(self, bounds: LogBounds, tail: Sequence[LogRow] = ()) -> None:
        """Update the extent of the log and its last lines."""
        if bounds == self.bounds and all(row.position in self._rows for row in tail):
            return
        top = self._top
        if bounds.generation != self.bounds.generation:
            self._rows.clear()
            self.following = True
        self.bounds = bounds
        # Before scrolling, which would otherwise request these lines and paint them twice.
        self._rows.update((row.position, row) for row in tail)
        self._measure(tail)
        if self.following:
            self.selected = bounds.stop - 1
        self._scroll_to_position(bounds.stop if self.following else top)
        self.put(tail, bounds.generation)

    def put(self, rows: Sequence[LogRow], generation: tuple[int, int]) -> None:
        """Add lines."""
        if generation != self.bounds.generation:
            return
        self._requested = None
        self._rows.update((row.position, row) for row in rows)
        self._measure(rows)
        self._forget()
        self._ask()
        self.refresh()

    def select(self, position: int) -> None:
        """Select a line, centred if it is not in view yet; stop following the end."""
        self.following = False
        self.selected = min(max(position, self.bounds.first), self.bounds.stop - 1)
        top, height = self._top, self.size.height
        if not top <= self.selected < top + height:
            self._scroll_to_position(self.selected - height // 2)
        self._changed()

    def follow(self) -> None:
        """Show the end and follow it."""
        self.following, self.selected = True, self.bounds.stop - 1
        self._scroll_to_position(self.bounds.stop)
        self._changed()

    @property
    def empty(self) -> bool:
        """Whether there are no lines."""
        return self.bounds.stop <= self.bounds.first

    @property
    def lines_here(self) -> Mapping[int, LogRow]:
        """The loaded lines by position."""
        return self._rows

    # ── keys and mouse ────────────────────────────────────────────────────────────────────────

    def action_move(self, by: int) -> None:
        """Move the selection up or down; the view follows."""
        self.following = False
        self.selected = min(max(self.selected + by, self.bounds.first), self.bounds.stop - 1)
        top, height = self._top, self.size.height
        self._scroll_to_position(min(max(top, self.selected - height + 1), self.selected))
        self._changed()

    def action_page(self, direction: int) -> None:
        """Move up or down by a screenful."""
        by = direction * max(1, self.size.height - 1)
        self._scroll_to_position(self._top + by)
        self.action_move(by)

    def action_end(self, direction: int) -> None:
        """Go to the first line, or to the end and follow it."""
        if direction > 0:
            self.follow()
        else:
            self.select(self.bounds.first)

    def action_follow(self) -> None:
        """Follow the end again."""
        self.follow()

    def action_sideways(self, by: int) -> None:
        """Scroll long lines sideways."""
        most = max(0, self._widest - self.size.width)
        self._left = min(max(self._left + by, 0), most)
        self.refresh()

    def action_search(self, direction: int) -> None:
        """Find a match."""
        self.post_message(self.SearchWanted(direction))

    def action_choose(self) -> None:
        """Open the selected line."""
        if not self.empty:
            self.post_message(self.Chosen(self.selected))

    def on_click(self, event: events.Click) -> None:
        """Select a line; a second click opens it."""
        position = self._top + event.y
        if position < self.bounds.stop:
            self.select(position)
            if event.chain > 1:
                self.action_choose()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Load lines that come into view; scrolling up stops following the end."""
        super().watch_scroll_y(old_value, new_value)
        # When the view grows, Textual scrolls up to the last screenful; that is not the user's doing.
        goes_up = new_value < min(old_value, self.max_scroll_y)
        if goes_up and not self._moving and self.following:
            self.following = False
            self._changed()
        self._ask()

    def on_resize(self) -> None:
        """Keep the end in view."""
        if self.following:
            self._scroll_to_position(self.bounds.stop)
        self._ask()

    # ── drawing ───────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """Draw one line, cropped on both sides."""
        width, position = self.size.width, self._top + y
        if self.empty and y == 0:
            words = "nothing printed"[:width]
            return Strip([Segment(words, self._base + Style(dim=True))]).adjust_cell_length(
                width, self._base
            )
        if position >= self.bounds.stop:
            return Strip.blank(width, self._base)
        over = self._selection() if position == self.selected else Style()
        row = self._rows.get(position)
        if row is None:
            return Strip.blank(width, self._base + over)
        style = self._style(row) + over
        # Most lines, and one strip instead of three
        if self.pattern is None and row.text.isascii():
            text = row.text[self._left : self._left + width]
            rest = Segment(" " * (width - len(text)), self._base + over)
            return Strip([Segment(text, style), rest] if text else [rest], width)
        shown = self._marked(row, style).crop(self._left, self._left + width)
        return shown.adjust_cell_length(width, self._base + over)

    def _marked(self, row: LogRow, style: Style) -> Strip:
        """Draw the whole line with matches inverted, also on a selected line, which is inverted itself."""
        parts, at = [], 0
        found = style + Style(bold=True, reverse=not style.reverse)
        for match in self.pattern.finditer(row.text) if self.pattern is not None else ():
            start, stop = match.span()
            parts += [Segment(row.text[at:start], style)]
            parts += [Segment(row.text[start:stop], found)]
            at = stop
        return Strip([*parts, Segment(row.text[at:], style)])

    def _style(self, row: LogRow) -> Style:
        style, event = self._base, row.event
        if (colour := COLOURS.get(type(event))) is not None:
            style += Style(color=self.app.theme_variables.get(colour))
        if isinstance(event, SIGNS_OF_LIFE) or self._is_superseded(row):
            style += Style(dim=True)
        return style

    def _is_superseded(self, row: LogRow) -> bool:
        last = self.bounds.counted.get(row.attempt)
        if row.event is None:
            return last is None and bool(self.bounds.counted)
        return row.event.seq > (last or 0)

    @cached_property
    def _base(self) -> Style:
        """The widget's own style. Cached, because resolving it takes longer than drawing a line."""
        return self.rich_style

    def notify_style_update(self) -> None:
        """Redraw in the current colours."""
        super().notify_style_update()
        self.__dict__.pop("_base", None)

    def _selection(self) -> Style:
        if self.has_focus:
            return Style(reverse=True)
        return Style(bgcolor=self.app.theme_variables.get("panel"))

    # ── position ──────────────────────────────────────────────────────────────────────────────

    @property
    def _top(self) -> int:
        """The position of the topmost line."""
        return self.bounds.first + self.scroll_offset.y

    def _measure(self, rows: Sequence[LogRow]) -> None:
        self._widest = max([self._widest, *(len(row.text) for row in rows)])
        size = Size(self.size.width, max(0, self.bounds.stop - self.bounds.first))
        scroll_update = getattr(self, "_scroll_update", None)  # private, so perhaps not there
        is_scrolled = self.show_vertical_scrollbar and size.height > self.size.height
        if is_scrolled and scroll_update is not None:
            # Assigning it would lay out the whole screen five times a second.
            self.set_reactive(LogView.virtual_size, size)
            scroll_update(size)
        else:
            self.virtual_size = size

    def _scroll_to_position(self, position: int) -> None:
        lines = self.bounds.stop - self.bounds.first
        most = max(0, lines - self.size.height)
        self._moving = True
        y = min(max(position - self.bounds.first, 0), most)
        # Immediately: after the next refresh it would be painted a second time.
        self.scroll_to(y=y, animate=False, force=True, immediate=True)
        self._moving = False

    def _ask(self) -> None:
        """Request the lines around the view if one of them is missing and not requested yet."""
        height = max(self.size.height, 1)
        first, stop = self._top, min(self._top + height, self.bounds.stop)
        if all(position in self._rows for position in range(first, stop)):
            return
        wanted = max(self.bounds.first, first - height), 3 * height
        if wanted != self._requested:
            self._requested = wanted
            self.post_message(self.Wanted(*wanted))

    def _forget(self) -> None:
        reach = KEPT_SCREENS * max(self.size.height, 1)
        if len(self._rows) <= 4 * reach:
            return
        top = self._top
        self._rows = {at: row for at, row in self._rows.items() if abs(at - top) <= reach}

    def _changed(self) -> None:
        self.post_message(self.Moved())
        self.refresh()
