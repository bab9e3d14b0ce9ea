"""``mabe curves RUN…``: draw the metrics of runs in the terminal, or export them as numbers or SVG."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ConfigError, MisuseError, RunError
from core.system.files import write_bytes_atomically
from mabe_tui.cli.following.logs import up_to_date
from mabe_tui.cli.listing.status import find_runs
from mabe_tui.cli.options import ForceOption, finite, require_targets
from mabe_tui.cli.terminal.output import JsonOption, print_csv, print_json, say
from mabe_tui.cli.terminal.picture import plain_only, print_rows
from mabe_tui.runs.curves.axis import Axis

if TYPE_CHECKING:  # numpy, which `mabe curves --help` does not need
    from collections.abc import Iterator

    from mabe_tui.plotting.panel import Panel
    from mabe_tui.runs.curves.curves import Curve
    from mabe_tui.runs.curves.panels import RunNumbers
    from mabe_tui.runs.store import RunEntry

LOWEST, HIGHEST = 10, 18
"""Smallest and largest default height of a chart, in rows."""
FEW_LINES, WITH_LEGEND = 2, 16
"""With more lines than the first, the legend takes two rows and the chart has this height."""
SMALLEST = (16, 8)
"""Minimum size of a readable chart, in columns and rows."""


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("curves")(curves)


def curves(
    context: typer.Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN…", help="Runs, by id, prefix or version; default: the last."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            "-m",
            show_default="loss, and the task's leading metric",
            help="Metrics, separated by commas, one chart each: loss, system, the name of a curve, or a"
            " metric of each class, such as recall; curves joined by + share a chart.",
        ),
    ] = None,
    axis: Annotated[Axis, typer.Option("--x", help="The x axis.")] = Axis.EPOCH,
    log_y: Annotated[bool, typer.Option("--log-y", help="Use a logarithmic y axis.")] = False,
    smooth: Annotated[
        float,
        typer.Option(
            help="Weight of the moving average over the raw values.",
            min=0,
            max=0.999,
            callback=finite,
        ),
    ] = 0.0,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Also draw work discarded by a resume, faintly.")
    ] = False,
    width: Annotated[
        int | None, typer.Option(help="Width in columns; default: the terminal's.", min=SMALLEST[0])
    ] = None,
    height: Annotated[
        int | None, typer.Option(help="Rows per chart.", min=SMALLEST[1], max=500)
    ] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Use plain characters only.")] = False,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print as CSV, one row per point.")] = False,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the charts to an SVG file.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Draw the curves of runs in shared charts.

    Over time and dollars, superseded work counts, because it was paid for.
    """  # fmt: skip
    if as_json + as_csv + (svg is not None) > 1:
        raise MisuseError("--json, --csv and --svg: choose one")
    names = [name.strip() for name in (metric or "").split(",") if name.strip()]
    if metric is not None and not names:
        raise ConfigError("--metric names no curve; leave it out for the loss and what leads")
    require_targets(force, svg)
    numbers = _read(find_runs(context, runs or ["last"]))
    names = names or _usual_charts(numbers)
    if as_json or as_csv:
        _print_numbers(numbers, names, axis, as_csv)
        return
    charts = _charts(numbers, names, axis, smooth, log_y, superseded)
    if svg is not None:
        from mabe_tui.plotting.svg import svg_document

        write_bytes_atomically(svg, svg_document(charts).encode())
        say(f"wrote {svg}")
        return
    terminal = shutil.get_terminal_size((80, 24))
    room = min(max(LOWEST, (terminal.lines - 2) // len(charts)), HIGHEST)
    ascii_only = ascii_only or plain_only()
    for panel in charts:
        rows = height or (max(room, WITH_LEGEND) if len(set(panel.lines)) > FEW_LINES else room)
        print_chart(panel, width or terminal.columns, rows, ascii_only)


def _read(entries: "list[RunEntry]") -> "list[RunNumbers]":
    from mabe_tui.runs.curves.panels import RunNumbers

    versions = [entry.version for entry in entries]
    numbers = []
    for entry in entries:
        with up_to_date(entry, follow=False):
            label = entry.version if versions.count(entry.version) == 1 else entry.short
            numbers.append(RunNumbers.read(entry, label))
    return numbers


def _usual_charts(numbers: "list[RunNumbers]") -> list[str]:
    """Return the default charts; report runs that go by another metric than the primary one."""
    from mabe_tui.runs.curves.curves import leading_metric
    from mabe_tui.runs.curves.panels import usual_charts

    for run in numbers:
        if (leading := leading_metric(run.points, run.spec)) != run.spec.primary:
            say(
                f"mabe: {run.label}: {leading}, over the {run.spec.label.many} present:"
                " its validation data lacks some"
            )
    return usual_charts(numbers)


def _charts(
    numbers: "list[RunNumbers]",
    names: list[str],
    axis: Axis,
    smooth: float,
    log_y: bool,
    superseded: bool,
) -> "list[Panel]":
    """Return the charts that are not empty.

    Raises:
        RunError: all are empty.
    """
    from mabe_tui.runs.curves.panels import panels

    found = panels(numbers, names, axis, smooth=smooth, log_y=log_y, superseded=superseded)
    missing = [name for panel, name in zip(found, names, strict=True) if not panel.series]
    runs = ", ".join(run.label for run in numbers)
    no_epoch = not any(len(run.points.epochs) for run in numbers)
    why = f"no epoch of {runs} is over" if no_epoch else "nothing was measured"
    found = [panel for panel in found if panel.series]
    if not found:
        raise RunError(f"nothing to draw of {runs}: {why}")
    for name in missing:
        say(f"mabe: {name}: {why}")
    return found


def print_chart(panel: "Panel", width: int, height: int, ascii_only: bool) -> None:
    """Print one chart, in colour on a terminal."""
    chart = panel.chart(width, height, ascii_only=ascii_only)
    print_rows(chart.rows, panel.lines)


def _print_numbers(numbers: "list[RunNumbers]", names: list[str], axis: Axis, as_csv: bool) -> None:
    from mabe_tui.runs.curves.panels import curves_of

    found = curves_of(numbers, names, axis)
    if not as_csv:
        listed = [
            {
                "run": run,
                "name": curve.name,
                "x": curve.x.tolist(),
                "y": curve.y.tolist(),
                "superseded": curve.superseded.tolist(),
            }
            for run, curve in found
        ]
        print_json({"x": axis.value, "curves": listed})
        return
    rows = (row for run, curve in found for row in _points(run, curve))
    print_csv(["run", "curve", axis.value, "value", "superseded"], rows)


def _points(run: str, curve: "Curve") -> "Iterator[list[object]]":
    columns = curve.x.tolist(), curve.y.tolist(), curve.superseded.tolist()
    for x, y, gone in zip(*columns, strict=True):
        yield [run, curve.name, f"{x:g}" if x % 1 == 0 else x, y, str(gone).lower()]
