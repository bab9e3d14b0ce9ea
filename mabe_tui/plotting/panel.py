"""A chart that is specified but not drawn yet: for a terminal of any size, or a file."""

from dataclasses import dataclass

from mabe_tui.plotting.chart import Chart, Range, render_chart
from mabe_tui.plotting.cursor import Beside
from mabe_tui.plotting.series import Series
from mabe_tui.plotting.ticks import TickKind


@dataclass(frozen=True, eq=False)
class Panel:
    """Series with everything needed to draw them.

    ``lines`` holds, for each series, the number of the line it belongs to, which sets its colour: a raw
    band has that of the smoothed line over it.
    """

    series: tuple[Series, ...]
    lines: tuple[int, ...]
    title: str = ""
    x_label: str = ""
    x_kind: TickKind = "linear"
    y_kind: TickKind = "linear"
    log_y: bool = False
    x_names: tuple[str, ...] = ()
    """Labels of 0, 1, 2 and so on in x, in place of numbers."""
    beside: Beside | None = None
    """Another quantity along x, such as the time; ``None`` if the lines differ in it."""

    def chart(
        self,
        width: int,
        height: int,
        *,
        ascii_only: bool = False,
        x_range: Range | None = None,
        y_range: Range | None = None,
        cursor: float | None = None,
    ) -> Chart:
        """Draw it in characters; see :func:`~mabe_tui.plotting.chart.render_chart`."""
        return render_chart(
            self.series,
            width,
            height,
            log_y=self.log_y,
            x_range=x_range,
            y_range=y_range,
            title=self.title,
            x_label=self.x_label,
            x_kind=self.x_kind,
            y_kind=self.y_kind,
            ascii_only=ascii_only,
            cursor=cursor,
            beside=self.beside,
            x_names=self.x_names,
        )
