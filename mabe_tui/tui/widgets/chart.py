"""An interactive chart: a cursor with values, zoom and pan, by key and by mouse."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from mabe_tui.plotting.chart import Chart, Range, gutter_width, render_chart, visible_y
from mabe_tui.plotting.cursor import Beside
from mabe_tui.plotting.grid import ALERT, AXIS, CURSOR, HEAT, LATTICE, PLAIN
from mabe_tui.plotting.heat import heat_gutter, render_heat
from mabe_tui.plotting.series import Series, joint_range, roomy
from mabe_tui.plotting.ticks import TickKind
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.themes import CurveStyles
from mabe_tui.tui.widgets.lines import LineWidget

PAN_SHARE = 0.25
FAINT = Style(dim=True)
SMALLEST_SHARE = 1e-6
"""Smallest zoom window, as a share of the whole extent."""


HeatScale = Literal["shared", "own"]
"""Whether the rows of a heatmap have one scale, or each its own."""


@dataclass(frozen=True, kw_only=True)
class Axes:
    """How a chart is labelled and scaled."""

    title: str = ""
    x_label: str = ""
    x_kind: TickKind = "linear"
    y_kind: TickKind = "linear"
    log_y: bool = False
    y_range: Range | None = None
    beside: Beside | None = None
    """See :func:`~mabe_tui.plotting.chart.render_chart`."""
    x_names: tuple[str, ...] = ()
    """See :func:`~mabe_tui.plotting.chart.render_chart`."""
    heat: HeatScale | None = None
    """How it is drawn as a heatmap; ``None``: as lines."""


class ChartView(LineWidget, can_focus=True):
    """A chart of several curves.

    Charts with the same x axis are linked: their screen passes :class:`CursorMoved` and
    :class:`Zoomed` from one to the others.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("chart")

    class CursorMoved(Message):
        """The cursor has moved to another x, or has been removed."""

        def __init__(self, chart: "ChartView", x: float | None) -> None:
            super().__init__()
            self.chart, self.x = chart, x

    class Zoomed(Message):
        """Another range of x is shown; ``None`` for all."""

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
        self._gutter = 0
        self._is_held = self._is_due = False

    def hold(self) -> None:
        """Collect changes until :meth:`release`."""
        self._is_held = True

    def release(self, gutter: int) -> None:
        """Redraw if anything has changed since :meth:`hold`.

        Args:
            gutter: the least width of the margin left of the plot.
        """
        is_due, self._is_held, self._is_due = self._is_due or gutter != self._gutter, False, False
        self._gutter = gutter
        if is_due:
            self._redraw()

    @property
    def own_gutter(self) -> int:
        """The width of the margin that this chart needs by itself."""
        if not self.size:
            return 0
        if self.axes.heat:
            return heat_gutter(self.series, self.size.width)
        return gutter_width(
            self.series,
            self.size.width,
            self.size.height,
            log_y=self.axes.log_y,
            x_range=self.x_range or self.extent,
            y_range=self.axes.y_range or self._y_with_room(),
            y_kind=self.axes.y_kind,
            title=self.axes.title,
            x_label=self.axes.x_label,
        )

    def show(
        self,
        series: Sequence[Series],
        axes: Axes | None = None,
        lines: Sequence[int] = (),
        extent: Range | None = None,
        grows: bool = False,
    ) -> None:
        """Draw other curves. Pass the same Series objects again if they have not changed.

        Args:
            series: the curves.
            axes: ``None`` keeps the current ones.
            lines: for each series, the number of its colour; by default each has its own.
            extent: the range of x if linked charts extend beyond these curves; ``None`` for their own.
            grows: whether points are still added: the y axis then leaves room and changes in steps.
        """
        self.extent, self.grows = extent, grows
        looks = self.lines, [one.style for one in self.series]
        self.series, self.lines = tuple(series), tuple(lines)
        if looks != (self.lines, [one.style for one in self.series]):
            self._forget_styles()
        self.axes = axes or self.axes
        self._redraw()

    def put_cursor(self, x: float | None) -> None:
        """Set the cursor without posting a message."""
        if x != self.cursor:
            self.cursor = x
            self._redraw()

    def put_range(self, x_range: Range | None) -> None:
        """Set the range of x without posting a message."""
        if x_range != self.x_range:
            self.x_range = x_range
            self._redraw()

    @property
    def drawn(self) -> Chart:
        """The chart as currently drawn."""
        # A widget is painted in its new size before it receives the resize event: a row of the old
        # width would push everything to its right.
        if self._chart is None or self._drawn_for != self.size:
            self._drawn_for = self.size
            self._chart = self._heat() if self.axes.heat else self._curves()
        return self._chart

    def _curves(self) -> Chart:
        return render_chart(
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
            gutter=self._gutter,
            beside=self.axes.beside,
            x_names=self.axes.x_names,
        )

    def _heat(self) -> Chart:
        return render_heat(
            self.series,
            max(self.size.width, 1),
            max(self.size.height, 1),
            is_shared=self.axes.heat == "shared",
            x_range=self.x_range or self.extent,
            title=self.axes.title,
            x_label=self.axes.x_label,
            x_kind=self.axes.x_kind,
            ascii_only=self.app.has_class("ascii"),
            cursor=self.cursor,
            gutter=self._gutter,
            beside=self.axes.beside,
        )

    def _y_with_room(self) -> Range | None:
        if not self.grows:
            return None
        log, everything = self.axes.log_y, self._everything()
        return roomy(*visible_y(self.series, self.x_range or everything, log), log=log)

    def render_line(self, y: int) -> Strip:
        """Apply the styles to one row of the chart."""
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
        """Redraw in the current colours."""
        super().notify_style_update()
        self._forget_styles()

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self.refresh()

    def on_mount(self) -> None:
        """Redraw when the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._forget_styles())

    def action_cursor(self, columns: int) -> None:
        """Move the cursor by some columns; the first press sets it at the last visible point."""
        low, high = self.drawn.x_range
        if self.cursor is None:
            last = joint_range(series.x_bounds for series in self.series)[1] if self.grows else high
            self._post_cursor(min(max(last, low), high))
            return
        step = (high - low) / max(self.drawn.plot_columns, 1)
        self._post_cursor(min(max(self.cursor + columns * step, low), high))

    def action_zoom(self, factor: float) -> None:
        """Zoom in or out around the cursor, or the middle if there is no cursor."""
        low, high = self.drawn.x_range
        middle = self.cursor if self.cursor is not None else (low + high) / 2
        self._post_range(middle - (middle - low) * factor, middle + (high - middle) * factor)

    def action_pan(self, direction: int) -> None:
        """Pan by a quarter of the visible range."""
        low, high = self.drawn.x_range
        by = direction * PAN_SHARE * (high - low)
        all_low, all_high = self._everything()
        by = min(max(by, all_low - low), all_high - high)
        self._post_range(low + by, high + by)

    def action_reset(self) -> None:
        """Show the whole range and remove the cursor."""
        self.put_range(None)
        self.post_message(self.Zoomed(self, None))
        self._post_cursor(None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Set the cursor at the mouse position."""
        self._post_cursor(self.drawn.x_at(event.x))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the cursor."""
        if event.button:
            self._post_cursor(self.drawn.x_at(event.x))

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
        self._post_range(middle - (middle - low) * factor, middle + (high - middle) * factor)

    def _everything(self) -> Range:
        return self.extent or joint_range(series.x_bounds for series in self.series)

    def _post_cursor(self, x: float | None) -> None:
        self.put_cursor(x)
        self.post_message(self.CursorMoved(self, x))

    def _post_range(self, low: float, high: float) -> None:
        all_low, all_high = self._everything()
        low, high = max(low, all_low), min(high, all_high)
        if high - low < (all_high - all_low) * SMALLEST_SHARE:
            return
        shown = None if (low, high) == (all_low, all_high) else (low, high)
        self.put_range(shown)
        self.post_message(self.Zoomed(self, shown))

    @property
    def _focused(self) -> Style:
        """The mark in the first row that shows that this chart has the focus."""
        return Style(color=self.app.theme_variables.get("primary"), bold=True, underline=True)

    @cached_property
    def _styles(self) -> dict[int, Style]:
        """Role → style. Cached, because resolving a widget's own style is slow."""
        theme, base = CurveStyles(self.app.theme_variables), self.rich_style
        styles = {
            role: base + theme.of(role) for role in (PLAIN, AXIS, CURSOR, ALERT, LATTICE, *HEAT)
        }
        for role, one in enumerate(self.series):
            style = base + theme.of(self.lines[role] if self.lines else role)
            styles[role] = style + FAINT if self.lines and one.style == "faint" else style
        return styles

    def _forget_styles(self) -> None:
        self.__dict__.pop("_styles", None)
        self.refresh()

    def _redraw(self) -> None:
        """Redraw, but repaint only rows that have changed: one new point changes few."""
        if self._is_held:
            self._is_due = True
            return
        before, self._chart = self._chart, None
        if before is None or not self.size or self._drawn_for != self.size:
            self.refresh()
            return
        width = self.size.width
        pairs = enumerate(zip(before.rows, self.drawn.rows, strict=True))
        if changed := [Region(0, y, width, 1) for y, (old, new) in pairs if old != new]:
            self.refresh(*changed)
