"""``mabe rm`` and ``gc``: move runs to the trash, and free disk space."""

import datetime as dt
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated

import typer

from core.errors import MisuseError, RunError, UserError
from core.run.rundir import RunDir
from mabe_tui.cli.listing.status import find_runs
from mabe_tui.cli.options import YesOption
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, progress, say
from mabe_tui.runs.actions import manage
from mabe_tui.runs.actions.discard import discard, discarded_words
from mabe_tui.runs.actions.manage import Removal
from mabe_tui.runs.actions.trash import Trash
from mabe_tui.runs.actions.trash_settings import kept_days
from mabe_tui.runs.format.units import size_text
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.table import arranged
from mabe_tui.runs.listing.view_state import SavedView
from mabe_tui.runs.store import RunEntry, RunStore

MANY = 50
"""Removals from which their progress is shown."""
NowOption = Annotated[
    bool, typer.Option("--now", "--forever", help="Remove for good, without the trash.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("rm")(rm)
    app.command("gc")(gc)


def rm(
    context: typer.Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Runs, by id, prefix or version."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="QUERY",
            help="Instead of naming them: the runs that match, as in `mabe runs`; live ones are left out.",
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Remove the whole run, including what compare needs.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also remove a run that may be alive but cannot be reached."),
    ] = False,
    now: NowOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Move checkpoints and logs of runs to the trash; settings, events and evaluation are kept for `compare`.

    A run that is alive is never removed. `mabe restore` brings back what is in the trash; `mabe trash`
    says until when.
    """
    if bool(runs) == (where is not None):
        raise MisuseError("name runs, or choose them with --where: one of the two")
    session = session_of(context)
    if where is not None:
        removals = _chosen(session, where, whole, force)
    else:
        entries, ensembles = find_runs(context, runs or ()), manage.ensembles_of(session.home)
        removals = [manage.removal_of(entry, whole, force, ensembles) for entry in entries]
    _remove(session, removals, now=now, yes=yes, as_json=as_json)


def gc(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Also remove failed and lost runs that completed epochs.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be removed.")
    ] = False,
    now: NowOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Clean up: checkpoints of single epochs and runs without results go to the trash, caches for good.

    Settings, events, evaluation and the last and best checkpoints of all other runs are kept. What the
    trash has kept long enough is removed from it.
    """
    session = session_of(context)
    removals = manage.plan_gc(session.home, everything)
    if dry_run:
        _list(removals, as_json, now)
        return
    _remove(session, removals, now=now, yes=yes, as_json=as_json)


def days_of(session: Session) -> float | None:
    """Return how long the trash keeps things; if the registry does not say so validly, for ever."""
    try:
        return kept_days(session.registry)
    except UserError as error:
        say(f"mabe: the trash is not emptied: {error}")
        return None


def _chosen(session: Session, query: str, whole: bool, force: bool) -> list[Removal]:
    """Return the removals of the runs that match a query; those that cannot be removed are named.

    Raises:
        UserError: the query is invalid, or empty.
    """
    if not query.strip():
        raise MisuseError("--where: an empty query matches every run; name a condition")
    store = RunStore(session.home)
    records = Catalog(store).records()
    removals, ensembles = [], manage.ensembles_of(session.home)
    for row in arranged(records, SavedView(query=query)).rows:
        entry = RunEntry(RunDir(store.folder / str(row["id"])))
        try:
            removals.append(manage.removal_of(entry, whole, force, ensembles))
        except RunError as error:
            say(f"mabe: left out: {error}")
    if not removals:
        say(f"no run that matches {query!r} can be removed")
    return removals


def _remove(
    session: Session, removals: Sequence[Removal], *, now: bool, yes: bool, as_json: bool
) -> None:
    for removal in removals:
        if not removal.paths:
            say(f"{removal.what}: nothing is left to remove ({removal.reason})")
    removals = [removal for removal in removals if removal.paths]
    _list(removals, as_json, now)
    days = days_of(session)
    moment = dt.datetime.now(dt.UTC)
    if not removals and not Trash(session.home).expired(days, moment):
        say("nothing to remove")
        return
    if removals and not (yes or confirmed(_question(removals, now))):
        say("nothing was removed")
        raise typer.Exit(1)
    if now:
        say(f"removed; {size_text(manage.remove(removals))} are free again")
        return
    with progress("moving to the trash") if len(removals) >= MANY else nullcontext() as tell:
        done = discard(session.home, removals, moment, days, tell)
    say(discarded_words(done, days))
    if any(not removal.for_good for removal in removals):
        say("`mabe restore last` undoes this, `mabe trash empty` frees the space")


def _list(removals: Sequence[Removal], as_json: bool, now: bool) -> None:
    if as_json:
        print_json(removals)
        return
    rows = [[r.what, r.reason, len(r.paths), size_text(r.bytes), _place(r, now)] for r in removals]
    if rows:
        print_table(["what", "why", "files", "size", "to"], rows, right=[2, 3])
    say(f"{size_text(sum(removal.bytes for removal in removals))} in all")


def _question(removals: Sequence[Removal], now: bool) -> str:
    runs = {removal.what for removal in removals if not removal.for_good}
    what = {0: "remove it?", 1: "remove it of this run?"}.get(len(runs))
    question = what or f"remove it of these {len(runs)} runs?"
    return question.replace("?", " for good?") if now else question


def _place(removal: Removal, now: bool) -> str:
    return "nowhere" if now or removal.for_good else "trash"


def confirmed(question: str) -> bool:
    """Ask on the terminal before something is removed; no is the default.

    Raises:
        RunError: there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise RunError("there is no terminal to ask on; add --yes to remove what is listed")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
