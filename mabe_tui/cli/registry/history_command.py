"""``mabe history``: how the versions came about, what each changed, scored and took."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.config.strict import nearest
from core.errors import ConfigError, MisuseError
from mabe_tui.cli.options import ForceOption, require_targets
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.fit import fitted, say_left_out
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, say
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.lineage import (
    CHANGE,
    HistoryRow,
    history_cells,
    history_rows,
    of_lineage,
)
from mabe_tui.runs.store import RunStore

if TYPE_CHECKING:  # numpy, which `mabe history --help` does not need
    from mabe_tui.plotting.panel import Panel

HEIGHT = 12
"""Rows of a chart."""
FEW = 6
"""Changes of a version that a picture lists."""
NARROW = ("status", "changed")
LEFT_ALIGNED = ("version", "status", "changed")


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("history")(history)


def history(
    context: typer.Context,
    version: Annotated[
        str | None,
        typer.Argument(
            metavar="VERSION", help="Only this version, its ancestors and its descendants."
        ),
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Width in columns; default: the terminal's.", min=40)
    ] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Use plain characters only.")] = False,
    as_json: JsonOption = False,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the picture to an SVG file.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Show how the versions came about: what each changed, scored and took.

    Scores, hours and dollars are drawn version by version along the lineage, the reported ones beside the
    measured. Hours and dollars are those of one run, averaged over the measured seeds.
    """
    if as_json and svg is not None:
        raise MisuseError("--json and --svg: choose one")
    require_targets(force, svg)
    session = session_of(context)
    if version is not None and version not in session.registry.versions:
        raise ConfigError(f"no version {version!r}{nearest(version, session.registry.versions)}")
    rows = history_rows(session.registry, Catalog(RunStore(session.home)).records())
    rows = rows if version is None else of_lineage(rows, version)
    if as_json:
        print_json(rows)
        return
    from mabe_tui.runs.comparison.history_charts import history_panels

    panels = history_panels(rows)
    if svg is not None:
        _write_svg(svg, panels, rows)
        return
    _draw(panels, width, ascii_only)
    _print(rows)


def _draw(panels: "list[Panel]", width: int | None, ascii_only: bool) -> None:
    from mabe_tui.cli.comparison.curves_command import print_chart
    from mabe_tui.cli.terminal.picture import plain_only

    room = width or shutil.get_terminal_size((80, 24)).columns
    for panel in panels:
        print_chart(panel, room, HEIGHT, ascii_only or plain_only())
    if not panels:
        say("nothing was reported or measured yet")


def _print(rows: list[HistoryRow]) -> None:
    cells = [history_cells(row) for row in rows]
    whole = [(header, [one[header] for one in cells]) for header in cells[0]]
    columns = fitted(whole, NARROW)
    headers = [header for header, _ in columns]
    right = [number for number, header in enumerate(headers) if header not in LEFT_ALIGNED]
    print_table(headers, [*zip(*(values for _, values in columns), strict=True)], right=right)
    say_left_out(whole, headers)


def _few_changes(row: HistoryRow) -> str:
    """Return the first changes of a version, after a dot."""
    changes = row.changes.split(CHANGE)
    more = f"{CHANGE}{len(changes) - FEW} more" if len(changes) > FEW else ""
    return f" · {CHANGE.join(changes[:FEW])}{more}" if row.changes else ""


def _write_svg(path: Path, panels: "list[Panel]", rows: list[HistoryRow]) -> None:
    from core.system.files import write_bytes_atomically
    from mabe_tui.plotting.svg import svg_document

    captions = [f"{row.version}: {row.title}{_few_changes(row)}" for row in rows]
    write_bytes_atomically(path, svg_document(panels, captions).encode())
    say(f"wrote {path}")
