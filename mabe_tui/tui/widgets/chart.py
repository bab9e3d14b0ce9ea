"""A chart that can be looked into: a cursor with values, zoom and pan, by key and by mouse."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from mabe_tui.plotting.chart import Chart, Range, render_chart, visible_y
from mabe_tui.plotting.grid import ALERT, AXIS, CURSOR, PLAIN
from mabe_tui.plotting.series import Series, joint_range, roomy
from mabe_tui.plotting.ticks import TickKind
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.themes import CurveStyles
from mabe_tui.tui.widgets.lines import LineWidget

PAN_SHARE = 0.25
FAINT = Style(dim=True)
SMALLEST_SHARE = 1e-6
"""Of everything: zoom no further in."""


@dataclass(frozen=True, kw_only=True)
class Axes:
    """How a chart is labelled and scaled."""

    title: str = ""
    x_label: str = ""
    x_kind: TickKind = "linear"
    y_kind: TickKind = "linear"
    log_y: bool = False
    y_range: Range | None = None


class ChartView(LineWidget, can_focus=True):
    """Curves over one another.

    Charts that show the same x belong together: their screen hands :class:`CursorMoved` and
    :class:`Zoomed` of one to the others.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("chart")

    class CursorMoved(Message):
        """The cursor is at another x, or gone."""

        def __init__(self, chart: "ChartView", x: float | None) -> None:
            super().__init__()
            self.chart, self.x = chart, x

    class Zoomed(Message):
        """Another part of x is shown; ``None``: all of it."""

        def __init__(self, chart: "ChartView", x_range: Range | None) -> None:
            super().__init__()
            self.chart, self.x_range = chart, x_range

    def __init__(self, axes: Axes | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.axes = axes or Axes()
        self.series: tuple[Series, ...] = ()
        self.lines: tuple[int, ...] = ()
        self.x_range: Range | None = None
        self.extent: Range | None = None
        self.grows = False
        self.cursor: float | None = None
        self._chart: Chart | None = None
        self._drawn_for = Size(0, 0)

    def show(
        self,
        series: Sequence[Series],
        axes: Axes | None = None,
        lines: Sequence[int] = (),
        extent: Range | None = None,
        grows: bool = False,
    ) -> None:
        """Draw other curves. Hand in the same Series objects again where they have not changed.

        Args:
            series: one over another.
            axes: ``None``: as they are.
            lines: for each series, the number of its colour; none: each its own.
            extent: all of x, where charts beside it go further than these curves; ``None``: as they do.
            grows: whether points are still added: the y axis then has room for some of them, and jumps.
        """
        self.extent, self.grows = extent, grows
        looks = self.lines, [one.style for one in self.series]
        self.series, self.lines = tuple(series), tuple(lines)
        if looks != (self.lines, [one.style for one in self.series]):
            self._forget_styles()
        self.axes = axes or self.axes
        self._redraw()

    def put_cursor(self, x: float | None) -> None:
        """Put the cursor without telling of it."""
        if x != self.cursor:
            self.cursor = x
            self._redraw()

    def put_range(self, x_range: Range | None) -> None:
        """Show another part of x without telling of it."""
        if x_range != self.x_range:
            self.x_range = x_range
            self._redraw()

    @property
    def drawn(self) -> Chart:
        """The chart as it is drawn now."""
        # A widget is painted in its new size before it is told of it: a row of the old width would push
        # all that stands right of it.
        if self._chart is None or self._drawn_for != self.size:
            self._drawn_for = self.size
            self._chart = render_chart(
                self.series,
                max(self.size.width, 1),
                max(self.size.height, 1),
                log_y=self.axes.log_y,
                x_range=self.x_range or self.extent,
                y_range=self.axes.y_range or self._y_with_room(),
                title=self.axes.title,
                x_label=self.axes.x_label,
                x_kind=self.axes.x_kind,
                y_kind=self.axes.y_kind,
                ascii_only=self.app.has_class("ascii"),
                cursor=self.cursor,
            )
        return self._chart

    def _y_with_room(self) -> Range | None:
        if not self.grows:
            return None
        log, everything = self.axes.log_y, self._everything()
        return roomy(*visible_y(self.series, self.x_range or everything, log), log=log)

    def render_line(self, y: int) -> Strip:
        """Colour one row of the chart."""
        rows = self.drawn.rows
        if y >= len(rows):
            return Strip.blank(self.size.width, self.rich_style)
        text, segments = rows[y]
        styles = self._styles
        parts = [Segment(text[p.start : p.stop], styles[p.role]) for p in segments]
        if y == 0 and self.has_focus:
            parts = [*Segment.apply_style(parts, post_style=self._focused)]
        return Strip(parts, self.size.width)

    def notify_style_update(self) -> None:
        """Draw in the colours that apply now."""
        super().notify_style_update()
        self._forget_styles()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.refresh()

    def on_mount(self) -> None:
        """Follow the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._forget_styles())

    def action_cursor(self, columns: int) -> None:
        """Move the cursor by some columns; the first press puts it at the last point shown."""
        low, high = self.drawn.x_range
        if self.cursor is None:
            last = joint_range(series.x_bounds for series in self.series)[1] if self.grows else high
            self._tell_cursor(min(max(last, low), high))
            return
        step = (high - low) / max(self.drawn.plot_columns, 1)
        self._tell_cursor(min(max(self.cursor + columns * step, low), high))

    def action_zoom(self, factor: float) -> None:
        """Show more or less, around the cursor or the middle."""
        low, high = self.drawn.x_range
        middle = self.cursor if self.cursor is not None else (low + high) / 2
        self._tell_range(middle - (middle - low) * factor, middle + (high - middle) * factor)

    def action_pan(self, direction: int) -> None:
        """Move what is shown by a quarter of it."""
        low, high = self.drawn.x_range
        by = direction * PAN_SHARE * (high - low)
        all_low, all_high = self._everything()
        by = min(max(by, all_low - low), all_high - high)
        self._tell_range(low + by, high + by)

    def action_reset(self) -> None:
        """Show everything, without the cursor."""
        self.put_range(None)
        self.post_message(self.Zoomed(self, None))
        self._tell_cursor(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the cursor where the mouse is."""
        self._tell_cursor(self.drawn.x_at(event.x))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the cursor."""
        if event.button:
            self._tell_cursor(self.drawn.x_at(event.x))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in around the mouse; with shift, pan."""
        self._wheel(event, 0.8, -1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out around the mouse; with shift, pan."""
        self._wheel(event, 1.25, 1)

    def _wheel(self, event: events.MouseEvent, factor: float, direction: int) -> None:
        event.stop()
        if event.shift:
            self.action_pan(direction)
            return
        low, high = self.drawn.x_range
        middle = self.drawn.x_at(event.x)
        self._tell_range(middle - (middle - low) * factor, middle + (high - middle) * factor)

    def _everything(self) -> Range:
        return self.extent or joint_range(series.x_bounds for series in self.series)

    def _tell_cursor(self, x: float | None) -> None:
        self.put_cursor(x)
        self.post_message(self.CursorMoved(self, x))

    def _tell_range(self, low: float, high: float) -> None:
        all_low, all_high = self._everything()
        low, high = max(low, all_low), min(high, all_high)
        if high - low < (all_high - all_low) * SMALLEST_SHARE:
            return
        shown = None if (low, high) == (all_low, all_high) else (low, high)
        self.put_range(shown)
        self.post_message(self.Zoomed(self, shown))

    @property
    def _focused(self) -> Style:
        """What tells, in the first row, that keys go to this chart."""
        return Style(color=self.app.theme_variables.get("primary"), bold=True, underline=True)

    @cached_property
    def _styles(self) -> dict[int, Style]:
        """Role → style. Kept, for what a widget's own style is takes long to find out."""
        theme, base = CurveStyles(self.app.theme_variables), self.rich_style
        styles = {role: base + theme.of(role) for role in (PLAIN, AXIS, CURSOR, ALERT)}
        for role, one in enumerate(self.series):
            style = base + theme.of(self.lines[role] if self.lines else role)
            styles[role] = style + FAINT if self.lines and one.style == "faint" else style
        return styles

    def _forget_styles(self) -> None:
        self.__dict__.pop("_styles", None)
        self.refresh()

    def _redraw(self) -> None:
        """Draw anew, and have only those rows painted that have changed: one point changes few."""
        before, self._chart = self._chart, None
        if before is None or not self.size or self._drawn_for != self.size:
            self.refresh()
            return
        width = self.size.width
        pairs = enumerate(zip(before.rows, self.drawn.rows, strict=True))
        if changed := [Region(0, y, width, 1) for y, (old, new) in pairs if old != new]:
            self.refresh(*changed)
