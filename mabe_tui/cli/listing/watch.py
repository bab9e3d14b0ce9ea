"""``mabe runs --watch``: an updating table, or a line for each change if there is no terminal."""

import datetime as dt
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from mabe_tui.cli.listing.remote import remote_problems
from mabe_tui.cli.listing.run_table import Records, cells_of, fitted_cells, narrow, numeric
from mabe_tui.cli.listing.runs_view import Listing, nothing_listed
from mabe_tui.cli.terminal.output import clean, print_json_text, rich_table, say
from mabe_tui.cli.terminal.streams import console
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.listing.cells import remark_of
from mabe_tui.runs.listing.table import Arranged
from mabe_tui.runs.summary.run_summary import RunSummary

if TYPE_CHECKING:
    from rich.console import RenderableType

SECONDS = 1.0
"""Seconds between reads of local files."""
ROWS_AROUND = 5
"""Lines taken by the table's header and footer."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a run's state; a line of ``mabe runs --watch --json``."""

    time: dt.datetime
    before: RunState | None
    """The previous state; ``None`` for a new run."""
    run: RunSummary


def watch_runs(listing: Listing, as_json: bool) -> None:
    """Show the runs until Ctrl-C, which does not affect them."""
    ended = threading.Event()
    try:
        with remote_problems(listing.catalog, ended) as problems:
            if sys.stdout.isatty() and not as_json:
                _show_table(listing, ended, problems)
            else:
                _print_changes(listing, ended, problems, as_json)
    except KeyboardInterrupt:
        return


def changes(
    before: Mapping[str, RunState] | None, runs: Sequence[RunSummary], now: dt.datetime
) -> list[Change]:
    """Return the changes of state; at first, the runs that are still alive.

    Args:
        before: previous states by id; ``None`` at first.
        runs: their current summaries.
        now: the current time.
    """
    if before is None:
        return [Change(time=now, before=None, run=run) for run in runs if run.state.may_speak]
    return [
        Change(time=now, before=before.get(run.id), run=run)
        for run in runs
        if before.get(run.id) is not run.state
    ]


def change_line(change: Change) -> str:
    """Format a change on one line: ``12:30:05  v6-…-k3f9  running → finished  epoch 30/30  best 0.4312``."""
    run = change.run
    state = f"{change.before} → {run.state}" if change.before else f"{run.state}"
    words = [f"{change.time.astimezone():%H:%M:%S}", run.id, state]
    if run.epochs:
        words.append(f"epoch {run.epoch}/{run.epochs}")
    if run.best_metric is not None:
        words.append(f"best {run.best_metric:.4f}")
    if remark := remark_of(run):
        words.append(remark)
    return "  ".join(words)


def _print_changes(
    listing: Listing, ended: threading.Event, problems: list[str], as_json: bool
) -> None:
    before: dict[str, RunState] | None = None
    watched: dict[str, None] = {}
    said: set[str] = set()
    while not ended.is_set():
        table, records = listing.read()
        # A run listed once is followed to its end, even if the filter no longer matches: `--state running`.
        watched |= dict.fromkeys(str(row["id"]) for row in table.rows)
        runs = [records[run].summary for run in watched if run in records]
        for change in changes(before, runs, dt.datetime.now(dt.UTC)):
            if as_json:
                print_json_text(msgspec.json.encode(change).decode())
            else:
                print(clean(change_line(change)), flush=True)
        before = {record.id: record.state for record in records.values()}
        for problem in [p for p in problems if p not in said]:
            said.add(problem)
            say(f"mabe: what is here may be old: {problem}")
        ended.wait(SECONDS)


def _show_table(listing: Listing, ended: threading.Event, problems: list[str]) -> None:
    from rich.live import Live

    with Live(console=console(), auto_refresh=False, screen=True) as live:
        while not ended.is_set():
            table, records = listing.read()
            live.update(_picture(table, records, problems), refresh=True)
            ended.wait(SECONDS)


def _picture(table: Arranged, records: Records, problems: list[str]) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    lines = shutil.get_terminal_size().lines - ROWS_AROUND
    if table.sort is None:  # live runs come first, because the table does not scroll
        ordered = sorted(table.rows, key=lambda row: not records[str(row["id"])].state.is_alive)
        table = replace(table, rows=ordered)
    rows = cells_of(replace(table, rows=table.rows[:lines]), records)
    alive = sum(record.state.is_alive for record in records.values())
    shown = (
        f"{len(rows)} of {len(table.rows)} shown" if len(rows) < len(table.rows) else "all shown"
    )
    foot = Text(f"{alive} alive, {shown}; Ctrl-C ends this view, not the runs", "dim")
    if problems:
        foot = Text(clean(f"what is here may be old: {problems[-1]}"), "yellow")
    if not rows:
        return Group(Text(nothing_listed(records)), foot)
    headers, cells = fitted_cells(rows, narrow(table), bool(table.columns))
    return Group(rich_table(headers, cells, right=numeric(headers)), foot)
