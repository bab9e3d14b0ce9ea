"""``mabe sync``, ``pull``, ``ps`` and ``prices``: runs on rented machines."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer

from core.errors import ConfigError, UserError
from mabe_tui.cli.launching.cost_question import rented_reference
from mabe_tui.cli.listing.run_table import print_fitted
from mabe_tui.cli.listing.status import find_run
from mabe_tui.cli.options import RunName
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import (
    JsonOption,
    if_interrupted,
    print_json,
    print_table,
    progress,
    say,
)
from mabe_tui.launch.data_messages import APP_PREFIX
from mabe_tui.launch.launcher import ForeignJob, launcher_named
from mabe_tui.launch.modal.handle import calls_of
from mabe_tui.launch.prices import keep_prices, packaged_prices, price_changes, read_prices
from mabe_tui.runs.actions import control
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.record import rented_gpu
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.checkpoints import is_elsewhere
from mabe_tui.runs.summary.hearing import refresh
from mabe_tui.runs.summary.run_summary import RunSummary, state_of, summary_of

WhichArgument = Annotated[
    str, typer.Argument(metavar="[best|last|epoch-N|all]", help="The checkpoints to download.")
]
MODAL = "modal"
NARROW = ("app",)
"""Columns that `mabe ps` drops on a narrow terminal; `mabe status` has them."""


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("sync")(sync)
    app.command("pull")(pull)
    app.command("ps")(ps)
    app.command("prices")(prices)


def sync(context: typer.Context, run: RunName = "last", as_json: JsonOption = False) -> None:
    """Complete the local copy of a remote run, from its log, then from its remote folder."""
    entry = find_run(context, run)
    elsewhere = is_elsewhere(entry.run)
    before = sum(1 for _ in entry.run.events())
    if elsewhere:
        launcher_named(entry.require_request().launcher).sync(entry.run, say=say)
    after = sum(1 for _ in entry.run.events())
    if as_json:
        print_json({"run": entry.id, "events": after, "new": after - before})
    elif elsewhere:
        say(f"{entry.id}: {after} events here, {after - before} of them new")
    else:
        say(f"{entry.id} ran on this computer: there is nothing to bring up to date")


def pull(
    context: typer.Context,
    run: RunName = "last",
    which: WhichArgument = "best",
    as_json: JsonOption = False,
) -> None:
    """Download checkpoints; prints their paths.

    Each is kept only if its sha256 matches; those already here are not downloaded again.
    """
    entry = find_run(context, run)
    with if_interrupted(), progress(entry.id) as tell:
        paths = control.pull(entry, which, tell)
    if as_json:
        print_json({"run": entry.id, "files": paths})
        return
    for path in paths:
        print(path)


def ps(context: typer.Context, as_json: JsonOption = False) -> None:
    """List live runs on Modal with their cost so far, and apps that belong to no run.

    Exit code 1 if Modal could not be asked; the list then contains only what is known here.
    """
    entries = [e for e in RunStore(session_of(context).home).entries() if _is_on_modal(e)]
    alive = [entry for entry in entries if state_of(entry).may_speak]
    for problem in refresh(alive):
        say(f"mabe: what is here may be old: {problem}")
    summaries = [summary_of(entry) for entry in alive]
    foreign = _foreign_apps(entries)
    if as_json:
        runs = [
            msgspec.structs.asdict(summary) | rented_reference(entry.run)
            for entry, summary in zip(alive, summaries, strict=True)
        ]
        print_json({"runs": runs, "foreign": foreign or []})
    else:
        _print_alive(alive, summaries)
        _warn_of(foreign or [], _earlier_apps(entries))
    if foreign is None:
        raise typer.Exit(1)


def _print_alive(alive: list[RunEntry], summaries: list[RunSummary]) -> None:
    if not summaries:
        say("no run of this computer is alive on Modal")
        return
    print_fitted([_row(e, s) for e, s in zip(alive, summaries, strict=True)], NARROW)


def _warn_of(foreign: list[ForeignJob], earlier: Mapping[str, RunEntry]) -> None:
    for app in foreign:
        since = dt.datetime.fromtimestamp(app.started).astimezone()
        age = duration((dt.datetime.now().astimezone() - since).total_seconds())
        cost = (
            "what it costs is not known yet"
            if app.cost_usd is None
            else f"${app.cost_usd:.2f} billed"
        )
        say(
            f"warning: app {app.reference} ({app.description}) {_kind_of(app, earlier)} and may cost money:"
            f" alive since {since:%Y-%m-%d %H:%M} ({age}), {cost};"
            f" `modal app stop {app.reference} --yes` ends it"
        )


def _earlier_apps(entries: list[RunEntry]) -> dict[str, RunEntry]:
    """Return apps of starts superseded by a later start of the same run."""
    earlier = ((call.app_id, entry) for entry in entries for call in calls_of(entry.run)[:-1])
    return dict(earlier)


def _kind_of(app: ForeignJob, earlier: Mapping[str, RunEntry]) -> str:
    if (entry := earlier.get(app.reference)) is not None:
        return f"is an earlier start of {entry.id} (`mabe stop {entry.id}`)"
    if app.description.startswith(APP_PREFIX):
        return "downloads data (`mabe data ls`)"
    return "belongs to no run here"


def _is_on_modal(entry: RunEntry) -> bool:
    return entry.request is not None and entry.request.launcher == MODAL


def _foreign_apps(entries: list[RunEntry]) -> list[ForeignJob] | None:
    """Return apps that belong to no run; ``None`` if Modal could not be reached."""
    handles = [handle for e in entries if (handle := e.run.read_handle()) is not None]
    try:
        return launcher_named(MODAL).list_foreign(handles)
    except UserError as error:
        say(f"mabe: {error}")
        return None


def _row(entry: RunEntry, summary: RunSummary) -> dict[str, object]:
    return {
        "run": summary.id,
        "state": summary.state.value,
        "gpu": rented_gpu(entry.require_request(), summary.device_name),
        "epoch": f"{summary.epoch}/{summary.epochs}",
        "time": duration(summary.elapsed_seconds),
        "app": rented_reference(entry.run).get("app_id"),
        "cost": None if summary.cost_usd is None else f"${summary.cost_usd:.2f}",
    }


def prices(
    refresh_: Annotated[
        bool, typer.Option("--refresh", help="Download today's price list from Modal and keep it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the prices used for cost estimates. Modal's own bill is authoritative."""
    if refresh_:
        _refresh_prices(as_json)
        return
    table = read_prices()
    if as_json:
        print_json(table)
        return
    rows = [[name, _price(price)] for name, price, _ in price_changes(table, table)]
    print_table(["what", "$ an hour"], rows, right=[1])
    say(f"as of {table.as_of}; `mabe prices --refresh` fetches those of today")


def _refresh_prices(as_json: bool) -> None:
    from mabe_tui.launch.modal.prices import fetch_prices

    try:
        old = read_prices()
    except ConfigError:  # a damaged table is about to be replaced
        old = packaged_prices()
    new = fetch_prices(old, dt.datetime.now().astimezone().date())
    path = keep_prices(new)
    if as_json:
        print_json({"old": old, "new": new, "file": path})
        return
    rows = [
        [name, _price(a), "→" if a != b else "", _price(b)]
        for name, a, b in price_changes(old, new)
    ]
    print_table(["what", str(old.as_of), "", str(new.as_of)], rows, right=[1, 3])
    say(f"kept in {path}; runs that were started keep the price they were started at")


def _price(price: float | None) -> str | None:
    return None if price is None else f"{price:.4f}"
