"""As many charts as there is room for, with a shared cursor and zoom."""

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.containers import Container
from textual.message import Message

from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import joint_range, roomy
from mabe_tui.tui.widgets.chart import Axes, ChartView
from mabe_tui.tui.widgets.chart_column import together

LEAST_WIDTH, LEAST_HEIGHT = 38, 10
MOST = 24
"""Charts that are drawn at most, on however large a screen."""


class ChartGrid(Container):
    """Charts side by side and below one another, all over the same range of x."""

    DEFAULT_CSS: ClassVar[str] = "ChartGrid { layout: grid; grid-gutter: 0 1; height: 1fr; }"

    class RoomChanged(Message):
        """There is room for another number of charts."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._room = 0
        self._charts: dict[str, Panel] = {}

    @property
    def room(self) -> int:
        """The number of charts for which there is room; 0 while hidden."""
        width, height = self.size
        if not width or not height:
            return 0
        return min(max(1, width // LEAST_WIDTH) * max(1, height // LEAST_HEIGHT), MOST)

    @property
    def views(self) -> list[ChartView]:
        """The charts, in reading order."""
        return [*self.query(ChartView)]

    async def show(self, charts: Mapping[str, Panel], grow: bool) -> None:
        """Draw charts; those that have not changed stay as they are.

        Args:
            charts: by name.
            grow: whether more points are to come: the axes then leave room for some.
        """
        views = self.views
        if len(views) > len(charts):
            await self.remove_children(views[len(charts) :])
        elif len(views) < len(charts):
            await self.mount_all([ChartView() for _ in range(len(charts) - len(views))])
        self._arrange(len(charts))
        extent = joint_range(one.x_bounds for panel in charts.values() for one in panel.series)
        if grow:
            extent = extent[0], roomy(*extent)[1]
        with together(views := self.views):
            for view, (name, panel) in zip(views, charts.items(), strict=True):
                axes = _axes(name, panel)
                now = view.series, view.axes, view.lines, view.extent, view.grows
                if now != (panel.series, axes, panel.lines, extent, grow):
                    view.show(panel.series, axes, panel.lines, extent, grow)

    def _arrange(self, count: int) -> None:
        """Use as few columns as the height allows, so that charts are wide."""
        columns = max(1, self.size.width // LEAST_WIDTH)
        rows = max(1, self.size.height // LEAST_HEIGHT)
        columns = max(1, min(columns, -(-count // rows)))
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = max(1, -(-count // columns))

    def on_resize(self) -> None:
        """Report how many charts fit now."""
        if self.room != self._room:
            self._room = self.room
            self.post_message(self.RoomChanged())
        else:
            self._arrange(len(self.views))
        self.call_after_refresh(self._align)

    def _align(self) -> None:
        with together(self.views):
            pass

    def put_cursor(self, x: float | None) -> None:
        """Set the cursor of all charts to an x."""
        with together(views := self.views):
            for view in views:
                view.put_cursor(x)

    def reset(self) -> None:
        """Show the whole range of x without a cursor, because x has another meaning now."""
        with together(views := self.views):
            for view in views:
                view.put_cursor(None)
                view.put_range(None)

    @on(ChartView.CursorMoved)
    def _share_cursor(self, message: ChartView.CursorMoved) -> None:
        self.put_cursor(message.x)

    @on(ChartView.Zoomed)
    def _share_zoom(self, message: ChartView.Zoomed) -> None:
        with together(views := self.views):
            for view in views:
                view.put_range(message.x_range)


def _axes(name: str, panel: Panel) -> Axes:
    return Axes(
        title=panel.title or name,
        x_label=panel.x_label,
        x_kind=panel.x_kind,
        y_kind=panel.y_kind,
        log_y=panel.log_y,
        beside=panel.beside,
        x_names=panel.x_names,
    )
