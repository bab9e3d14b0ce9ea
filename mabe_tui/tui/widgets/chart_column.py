"""Charts that change together: redrawn once, with one left margin for those below one another."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mabe_tui.tui.widgets.chart import ChartView


@contextmanager
def together(charts: Sequence[ChartView]) -> Iterator[None]:
    """Change several charts, and redraw those that have changed when all is done.

    Charts that begin in the same column of the screen get the same left margin, so that their shared
    cursor is one line.
    """
    for chart in charts:
        chart.hold()
    try:
        yield
    finally:
        by_left: dict[int, list[ChartView]] = {}
        for chart in charts:
            by_left.setdefault(chart.region.x, []).append(chart)
        for column in by_left.values():
            gutter = max(chart.own_gutter for chart in column)
            for chart in column:
                chart.release(gutter)
