"""``mabe tag`` and ``note``: annotate runs."""

from typing import Annotated

import typer

from mabe_tui.cli.listing.status import find_run
from mabe_tui.cli.options import RunName
from mabe_tui.cli.terminal.output import JsonOption, print_json
from mabe_tui.runs.actions import manage


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("tag")(tag)
    app.command("note")(note)


def tag(
    context: typer.Context,
    run: RunName,
    tags: Annotated[list[str] | None, typer.Argument(metavar="TAG", help="A tag to add.")] = None,
    remove: Annotated[
        list[str] | None,
        typer.Option("--remove", "-r", metavar="T", help="Remove a tag; repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tag a run, and show its tags."""
    entry = find_run(context, run)
    if tags or remove:
        entry.require_request()
        manage.tag(entry.run, tags or (), remove or ())
    about = entry.run.read_about()
    if as_json:
        print_json({"run": entry.id, "tags": about.tags})
    else:
        print(" ".join(about.tags))


def note(
    context: typer.Context,
    run: RunName,
    text: Annotated[str | None, typer.Argument(help="The new note; '' removes it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a note on a run, or show it."""
    entry = find_run(context, run)
    if text is not None:
        entry.require_request()
        manage.note(entry.run, text)
    about = entry.run.read_about()
    if as_json:
        print_json({"run": entry.id, "note": about.note})
    else:
        print(about.note)
