"""``mabe cost``: spending by experiment, day or run."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from core.errors import ConfigError, MisuseError
from mabe_tui.cli.listing.status import find_run
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import (
    CsvOption,
    JsonOption,
    print_csv,
    print_json,
    print_table,
    say,
)
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.hearing import refresh
from mabe_tui.runs.summary.ledger import By, Total, spent, total, totals
from mabe_tui.runs.summary.run_summary import state_of

ESTIMATE = (
    "an estimate by the price each run was started at, from the start of every attempt to its last word;"
    " Modal's own bill counts"
)


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of ``mabe cost --json``."""

    by: By
    since: dt.date | None
    rows: list[Total]
    total: Total


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("cost")(cost)


def cost(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="V…", help="Versions or runs; default: all.")
    ] = None,
    by: Annotated[By, typer.Option(help="What each row stands for.")] = "experiment",
    since: Annotated[
        str | None,
        typer.Option(
            metavar="7d", help="Only the last days, such as 7d, today included; or from a date on."
        ),
    ] = None,
    as_json: JsonOption = False,
    as_csv: CsvOption = False,
) -> None:
    """Show the cost of rented runs; days are in this computer's time zone.

    Work discarded by a resume counts too; removed runs do not.
    """
    if as_json and as_csv:
        raise MisuseError("--json and --csv: choose one")
    now = dt.datetime.now().astimezone()
    first = _first_day(since, now.date())
    entries = _chosen(context, names or [])
    for problem in refresh(entries):
        say(f"mabe: what is here may be old: {problem}")
    rows = [row for entry in entries for row in spent(entry, state_of(entry), now)]
    rows = [row for row in rows if first is None or row.day >= first]
    costs = Costs(by=by, since=first, rows=totals(rows, by), total=total("total", rows))
    if as_json:
        print_json(costs)
    elif as_csv:
        print_csv([costs.by, "runs", "seconds", "usd"], map(_csv_row, costs.rows))
    else:
        _print_costs(costs)


def _first_day(since: str | None, today: dt.date) -> dt.date | None:
    if since is None:
        return None
    if days := re.fullmatch(r"([1-9]\d{0,4})d", since):
        return today - dt.timedelta(days=int(days[1]) - 1)
    try:
        return dt.date.fromisoformat(since)
    except ValueError:
        raise ConfigError(f"--since {since}: write days, as 7d, or a date, as {today}") from None


def _chosen(context: typer.Context, names: Sequence[str]) -> list[RunEntry]:
    entries = RunStore(session_of(context).home).entries()
    if not names:
        return entries
    versions = {entry.version for entry in entries}
    runs = {find_run(context, name).id for name in names if name not in versions}
    return [entry for entry in entries if entry.version in names or entry.id in runs]


def _print_costs(costs: Costs) -> None:
    if not costs.rows:
        say("nothing was spent: no run here was paid for" + _in_time(costs))
        return
    rows = [_cells(row) for row in costs.rows]
    if len(rows) > 1:
        rows.append(_cells(costs.total))
    print_table([costs.by, "runs", "time", "cost"], rows, right=[1, 2, 3])
    say(ESTIMATE)


def _in_time(costs: Costs) -> str:
    return f" since {costs.since}" if costs.since is not None else ""


def _cells(row: Total) -> list[object]:
    return [row.name, row.runs, duration(row.seconds), f"${row.usd:.2f}"]


def _csv_row(row: Total) -> list[object]:
    return [row.name, row.runs, f"{row.seconds:.0f}", f"{row.usd:.4f}"]
