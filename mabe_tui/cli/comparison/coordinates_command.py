"""``mabe coordinates``: settings and scores of many runs in one picture."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from core.errors import MisuseError
from core.system.files import write_bytes_atomically
from mabe_tui.cli.options import ForceOption, require_targets
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, say
from mabe_tui.cli.terminal.picture import plain_only, print_rows
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.table import arranged
from mabe_tui.runs.listing.view_state import SavedView
from mabe_tui.runs.store import RunStore

ROWS = 16


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("coordinates")(coordinates)


def coordinates(
    context: typer.Context,
    where: Annotated[
        str | None, typer.Option(metavar="QUERY", help="Only runs that match, as in `mabe runs`.")
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="Only runs with this tag; a study's is tune:NAME.")
    ] = None,
    keys: Annotated[
        str | None,
        typer.Option(metavar="KEY,…", help="Settings, in this order; default: those that differ."),
    ] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="Use plain characters only.")] = False,
    as_json: JsonOption = False,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the picture to an SVG file.")
    ] = None,
    force: ForceOption = False,
) -> None:
    """Draw runs as lines through their settings to their score (parallel coordinates).

    The best tenth is drawn strongest, then the better half. A logarithmic axis is used where values
    differ by a factor of 50 or more.
    """
    from mabe_tui.runs.listing.coordinates import coordinates_of

    if as_json and svg is not None:
        raise MisuseError("--json and --svg: choose one")
    require_targets(force, svg)
    records = Catalog(RunStore(session_of(context).home)).records()
    chosen = {str(row["id"]) for row in arranged(records, SavedView(query=where or "")).rows}
    kept = [r for r in records if r.id in chosen and (tag is None or tag in r.summary.tags)]
    named = [key.strip() for key in keys.split(",") if key.strip()] if keys is not None else None
    found = coordinates_of(kept, named)
    if found.left_out and keys is None:
        say(f"{found.left_out} more settings differ; --keys chooses")
    if as_json:
        print_json(found)
        return
    if svg is not None:
        from mabe_tui.plotting.coordinates import svg_coordinates

        names = [f"{run}: {score:.4f}" for run, score in zip(found.runs, found.scores, strict=True)]
        title = f"{len(found.runs)} runs, {found.metric}"
        document = svg_coordinates(found.axes, found.order, names, title)
        write_bytes_atomically(svg, document.encode())
        say(f"wrote {svg}")
        return
    from mabe_tui.plotting.coordinates import render_coordinates

    columns = shutil.get_terminal_size((80, 24)).columns
    plain = ascii_only or plain_only()
    print_rows(render_coordinates(found.axes, found.order, columns, ROWS, ascii_only=plain))
    best = found.order[0]
    say(f"best of {len(found.runs)}: {found.runs[best]}, {found.metric} {found.scores[best]:.4f}")
