"""``mabe trash`` and ``restore``: what was removed, and bringing it back."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from core.errors import RunError
from mabe_tui.cli.actions.removal import confirmed, days_of
from mabe_tui.cli.options import YesOption
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, say
from mabe_tui.runs.actions.sizes import folder_size
from mabe_tui.runs.actions.trash import FILES, Trash, TrashEntry
from mabe_tui.runs.format.units import size_text


class TrashRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the trash; an item of ``mabe trash --json``."""

    run: str
    reason: str
    removed: dt.datetime
    empties: dt.datetime | None
    """When the next removal after this time removes it for good; ``None``: never."""
    bytes: int


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    trash = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    trash.callback()(show)
    trash.command("empty", short_help="Remove what is in the trash for good; asks first.")(empty)
    app.add_typer(trash, name="trash")
    app.command("restore")(restore)


def show(context: typer.Context, as_json: JsonOption = False) -> None:
    """List what was removed and can be restored: what, when, how much, and until when it is kept.

    Nothing is emptied by looking: `mabe rm`, `mabe gc` and the dashboard's X remove for good what was
    removed longer ago than `days` in the registry's [trash], 14 by default.
    """
    if context.invoked_subcommand is not None:
        return
    session = session_of(context)
    trash, days = Trash(session.home), days_of(session)
    rows = [_row(entry, days) for entry in trash.entries()]
    for problem in trash.problems():
        say(f"mabe: {problem}")
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("the trash is empty")
        return
    print_table(
        ["run", "what", "removed", "kept until", "size"],
        [
            [row.run, row.reason, _when(row.removed), _when(row.empties), size_text(row.bytes)]
            for row in rows
        ],
        right=[4],
    )
    total = size_text(sum(row.bytes for row in rows))
    say(f"{total} in all; `mabe restore RUN` brings it back, `mabe trash empty` frees the space")


def empty(context: typer.Context, yes: YesOption = False) -> None:
    """Remove everything that is in the trash for good."""
    trash = Trash(session_of(context).home)
    entries = trash.entries()
    size = size_text(sum(folder_size(entry.folder) for entry in entries))
    if not entries:
        trash.empty([])
        say("the trash is empty")
        return
    count = f"{len(entries)} removal{'s' * (len(entries) > 1)}"
    if not (yes or confirmed(f"remove {count} ({size}) for good?")):
        say("nothing was removed")
        raise typer.Exit(1)
    say(f"{size_text(trash.empty(entries))} are free again")


def restore(
    context: typer.Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Runs, by id, prefix or last four characters; last: what the last command removed.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring runs back from the trash; nothing that is there again is replaced."""
    trash = Trash(session_of(context).home)
    entries = _named(trash, runs or ["last"])
    restored = trash.restore(entries)
    if as_json:
        print_json(restored)
    for each in restored:
        if each.paths:
            say(f"{each.run}: {size_text(each.bytes)} are back")
        if each.left is not None:
            say(f"mabe: {each.left}")


def _named(trash: Trash, names: Sequence[str]) -> list[TrashEntry]:
    """Return the entries of several names, each once.

    Raises:
        RunError: a name is not in the trash, before anything is restored.
    """
    found = {entry.folder: entry for name in names for entry in trash.found(name)}
    if not found:
        raise RunError("the trash is empty")
    return list(found.values())


def _row(entry: TrashEntry, days: float | None) -> TrashRow:
    record = entry.record
    return TrashRow(
        run=record.run,
        reason=record.reason,
        removed=record.removed,
        empties=None if days is None else record.removed + dt.timedelta(days=days),
        bytes=folder_size(entry.folder / FILES),
    )


def _when(time: dt.datetime | None) -> str | None:
    return None if time is None else f"{time.astimezone():%Y-%m-%d %H:%M}"
