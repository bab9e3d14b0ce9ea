"""``mabe runs``: list runs, filtered, sorted and compared with a baseline."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from core.config.strict import nearest
from core.errors import MisuseError
from mabe_tui.cli.listing.run_table import Records, print_runs, print_runs_csv, print_runs_json
from mabe_tui.cli.listing.runs_view import Listing, Narrowed, nothing_listed
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.output import (
    CsvOption,
    JsonOption,
    print_csv,
    print_json,
    print_table,
    say,
)
from mabe_tui.launch.launcher import RunState, launcher_named
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.fields import Fields
from mabe_tui.runs.listing.groups import group_cells, grouped
from mabe_tui.runs.listing.row_cache import RowCache
from mabe_tui.runs.listing.table import Arranged
from mabe_tui.runs.listing.view_state import SavedView, ViewState
from mabe_tui.runs.store import RunStore

HELP = "help"
SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("runs")(runs)


def runs(
    context: typer.Context,
    states: Annotated[
        list[str] | None, typer.Option("--state", help="Only runs in this state; repeatable.")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Only runs of this version.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only runs with this tag.")] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="QUERY", help="Only runs that match, such as 'score > 0.4 and tag:sweep'."
        ),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="KEY", help="Sort by this key, largest (or A) first.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Reverse the order.")] = False,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|V", help="Show the difference from this; default: the pinned baseline."
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="KEY,…", help="Columns to show; `help` lists all keys.")
    ] = None,
    view: Annotated[str | None, typer.Option(metavar="NAME", help="Use a saved view.")] = None,
    save: Annotated[
        str | None, typer.Option(metavar="NAME", help="Save filter, order and columns as a view.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            help="At most this many; default: 20, or all with --watch; 0: all.",
            min=0,
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Put runs together by this key, with mean score, best, time and cost.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep the table up to date until Ctrl-C.")
    ] = False,
    foreign: Annotated[
        bool,
        typer.Option("--foreign", help="List jobs on this computer that belong to no run here."),
    ] = False,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """List runs, newest first."""
    session = session_of(context)
    _require_one_form(as_json, as_csv, watch, group)
    if foreign:
        _list_foreign(session, as_json)
        return
    if columns == HELP:
        _list_keys(session.home)
        return
    state = ViewState(session.home)
    wanted = _merged(state.view(view) if view else SavedView(), where, sort, columns)
    narrow = Narrowed(frozenset(_states(states or [])), version, tag)
    limit = (0 if watch or group is not None else SHOWN) if limit is None else limit
    listing = Listing(session, wanted, narrow, baseline, limit, reverse)
    for problem in listing.catalog.refresh():
        say(f"mabe: what is here may be old: {problem}")
    table, records = listing.read()
    if save is not None:
        state.save_view(save, msgspec.structs.replace(wanted, descending=table.descending))
        say(f"saved; `mabe runs --view {save}` shows it again")
    if group is not None:
        _print_groups(table, group, as_json, as_csv)
    elif watch:
        from mabe_tui.cli.listing.watch import watch_runs

        watch_runs(listing, as_json)
    else:
        _print_table(table, records, as_json, as_csv)


def _require_one_form(as_json: bool, as_csv: bool, watch: bool, group: str | None) -> None:
    """Reject options that exclude each other.

    Raises:
        MisuseError: names the two.
    """
    if as_json and as_csv:
        raise MisuseError("--json and --csv: choose one")
    if group is not None and watch:
        raise MisuseError("--group and --watch: choose one")


def _print_table(table: Arranged, records: Records, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_runs_json(table, records)
    elif as_csv:
        print_runs_csv(table)
    elif table.rows:
        print_runs(table, records)
    else:
        say(nothing_listed(records))


def _print_groups(table: Arranged, name: str, as_json: bool, as_csv: bool) -> None:
    """Print the runs put together by a key.

    Raises:
        UserError: there is no such key; names the nearest.
    """
    key = table.fields.resolve(name)
    groups = grouped(table.rows, key)
    if as_json:
        print_json({"key": key, "groups": groups})
        return
    metrics = {group.metric for group in groups}
    metric = next(iter(metrics)) if len(metrics) == 1 else None
    header = [key, "runs", metric or "score", "best", "its run", "time", "cost"]
    rows = [group_cells(group) for group in groups]
    if as_csv:
        print_csv(header, rows)
    elif rows:
        print_table(header, rows, right=[1, 2, 3, 5, 6])
    else:
        say("no run matches")


def _merged(view: SavedView, where: str | None, sort: str | None, columns: str | None) -> SavedView:
    """Merge the options into the saved view."""
    changes: dict[str, Any] = {}
    if where is not None:
        changes["query"] = where
    if sort is not None:
        changes |= {"sort": sort, "descending": None}
    if columns is not None:
        changes["columns"] = tuple(name.strip() for name in columns.split(",") if name.strip())
    return msgspec.structs.replace(view, **changes)


def _states(names: list[str]) -> set[RunState]:
    known = [state.value for state in RunState]
    for name in names:
        if name not in known:
            raise MisuseError(f"--state {name}: no such state{nearest(name, known)}")
    return {RunState(name) for name in names}


def _list_keys(home: Path) -> None:
    rows = RowCache().rows(Catalog(RunStore(home)).records())
    print("\n".join(Fields(rows).keys))


def _list_foreign(session: Session, as_json: bool) -> None:
    jobs = launcher_named("local").list_foreign(list(RunStore(session.home).handles()))
    if as_json:
        print_json(jobs)
        return
    if not jobs:
        say("no other jobs on this computer")
        return
    started = [dt.datetime.fromtimestamp(job.started).astimezone() for job in jobs]
    rows = [
        [job.reference, f"{began:%Y-%m-%d %H:%M:%S}", job.description]
        for job, began in zip(jobs, started, strict=True)
    ]
    print_table(["job", "since", "command"], rows)
