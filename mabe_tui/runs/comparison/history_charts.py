"""The history of the versions as charts: score, hours and dollars, version by version."""

from collections.abc import Callable, Iterator, Sequence

from mabe_tui.plotting.braille import LineStyle
from mabe_tui.plotting.panel import Panel
from mabe_tui.plotting.series import Series
from mabe_tui.runs.listing.lineage import HistoryRow

Figure = Callable[[HistoryRow], float | None]


def history_panels(rows: Sequence[HistoryRow]) -> list[Panel]:
    """Return the charts: a score for each metric among the versions, then hours, then dollars.

    Every version with a figure is a point; lines lead from each to the next of its descendants that have
    one. A chart without a figure is left out.

    Args:
        rows: parents before their children.
    """
    panels = []
    for task, metric in dict.fromkeys((row.task, row.metric) for row in rows):
        own = [row for row in rows if (row.task, row.metric) == (task, metric)]
        title = (
            f"{own[0].metric_label} of {task}"
            if len({r.task for r in rows}) > 1
            else own[0].metric_label
        )
        panels.append(_panel(title, own, lambda row: row.measured, lambda row: row.reported))
    panels.append(
        _panel("hours of a run", rows, lambda row: row.hours, lambda row: row.reported_hours)
    )
    panels.append(
        _panel(
            "dollars of a run", rows, lambda row: row.cost_usd, lambda row: row.reported_cost_usd
        )
    )
    return [panel for panel in panels if panel.series]


def _panel(title: str, rows: Sequence[HistoryRow], measured: Figure, reported: Figure) -> Panel:
    shown = [row for row in rows if measured(row) is not None or reported(row) is not None]
    found = [
        (one, line)
        for line, (name, figure) in enumerate((("measured", measured), ("reported", reported)))
        for one in _series(name, shown, rows, figure)
    ]
    return Panel(
        tuple(one for one, _ in found),
        tuple(line for _, line in found),
        title,
        x_names=tuple(row.version for row in shown),
    )


def _series(
    name: str, shown: Sequence[HistoryRow], rows: Sequence[HistoryRow], figure: Figure
) -> Iterator[Series]:
    """Yield a line from each version's nearest ancestor with a figure, and a point for each version."""
    place = {row.version: number for number, row in enumerate(shown)}
    parents = {row.version: row.extends for row in rows}
    values = {row.version: value for row in shown if (value := figure(row)) is not None}
    style: LineStyle = "solid" if name == "measured" else "dashed"
    for version, value in values.items():
        ancestor = parents[version]
        while ancestor is not None and ancestor not in values:
            ancestor = parents.get(ancestor)
        if ancestor is not None:
            x, y = [place[ancestor], place[version]], [values[ancestor], value]
            yield Series("", x, y, style)
    for number, (version, value) in enumerate(values.items()):
        yield Series(name if not number else "", [place[version]], [value], style)
