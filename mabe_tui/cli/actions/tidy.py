"""``mabe tag``, ``note``, ``rm`` and ``gc``: annotate runs and free disk space."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from core.errors import RunError
from mabe_tui.cli.listing.status import find_run, find_runs
from mabe_tui.cli.options import RunName, RunNames, YesOption
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, say
from mabe_tui.runs.actions import manage
from mabe_tui.runs.actions.manage import Removal
from mabe_tui.runs.format.units import size_text


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("tag")(tag)
    app.command("note")(note)
    app.command("rm")(rm)
    app.command("gc")(gc)


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


def rm(
    context: typer.Context,
    runs: RunNames,
    whole: Annotated[
        bool, typer.Option("--all", help="Remove the whole run, including what compare needs.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also remove a run that may be alive but cannot be reached."),
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove checkpoints and logs of runs; settings, events and evaluation are kept for `compare`.

    A run that is alive is never removed.
    """
    removals = [manage.removal_of(entry, whole, force) for entry in find_runs(context, runs)]
    _remove(removals, yes, as_json)


def gc(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Also remove failed and lost runs that completed epochs.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Free disk space: checkpoints of single epochs, runs without results, prepared data.

    Settings, events, evaluation and the last and best checkpoints of all other runs are kept.
    """
    removals = manage.plan_gc(session_of(context).home, everything)
    if dry_run:
        _list(removals, as_json)
        return
    _remove(removals, yes, as_json)


def _remove(removals: Sequence[Removal], yes: bool, as_json: bool) -> None:
    for removal in removals:
        if not removal.paths:
            say(f"{removal.what}: nothing is left to remove ({removal.reason})")
    removals = [removal for removal in removals if removal.paths]
    _list(removals, as_json)
    if not removals:
        say("nothing to remove")
        return
    if not (yes or _confirmed()):
        say("nothing was removed")
        raise typer.Exit(1)
    freed = manage.remove(removals)
    say(f"removed; {size_text(freed)} are free again")


def _list(removals: Sequence[Removal], as_json: bool) -> None:
    if as_json:
        print_json(removals)
        return
    rows = [[r.what, r.reason, len(r.paths), size_text(r.bytes)] for r in removals]
    if rows:
        print_table(["what", "why", "files", "size"], rows, right=[2, 3])
    say(f"{size_text(sum(removal.bytes for removal in removals))} in all")


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        raise RunError("there is no terminal to ask on; add --yes to remove what is listed")
    print("remove them? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
