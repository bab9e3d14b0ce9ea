"""A table of runs on a terminal, in a pipe, as JSON and as CSV."""

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec

from mabe_tui.cli.terminal.fit import fits, fitted, say_left_out
from mabe_tui.cli.terminal.output import print_csv, print_json, print_table
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.cells import remark_of, shown_state, spell, spell_delta
from mabe_tui.runs.listing.fields import DELTA, METRIC, PREFIXES, TOLD_APART, Row, Value
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.table import Arranged
from mabe_tui.runs.store import short_id
from mabe_tui.runs.summary.run_summary import RunSummary

NARROW = ("device", "at", "tags", "cost", "left", "time", "epoch")
"""Columns that a narrow terminal goes without, in this order; `mabe status` has them all."""
SPARSE = ("Δ", "remarks")
"""Columns that go before all these where few rows have anything in them."""
FEW = 0.25
HEADERS = {
    "id": "run",
    DELTA: "Δ",
    "best_metric": "best",
    "cost_usd": "cost",
    "elapsed_seconds": "time",
    "eta_seconds": "left",
    "frames_per_second": "frames/s",
}
CSV_COLUMNS = (
    "id", "version", "state", "seed", "epoch", "epochs", "f1_macro", "best_metric", "best_epoch",
    DELTA, "loss", "train_loss", "elapsed_seconds", "eta_seconds", "cost_usd", "launcher", "gpu",
    "created", "tags", "note", "problem",
)  # fmt: skip
Records = Mapping[str, RunRecord]


def usual_cells(run: RunSummary, row: Row) -> dict[str, object]:
    """Return the usual columns of one run."""
    return {
        "run": run.id,
        "state": shown_state(run),
        "epoch": f"{run.epoch}/{run.epochs}" if run.epochs else None,
        "best": None if run.best_metric is None else f"{run.best_metric:.4f}",
        "Δ": spell_delta(row.get(DELTA), row.get(TOLD_APART) is True),
        "at": run.best_epoch,
        "time": None if run.elapsed_seconds is None else duration(run.elapsed_seconds),
        "left": None if run.eta_seconds is None else duration(run.eta_seconds),
        "cost": spell("cost_usd", run.cost_usd),
        "device": run.device,
        "tags": " ".join(run.tags) or None,
        "remarks": remark_of(run),
    }


def cells_of(table: Arranged, records: Records) -> list[dict[str, object]]:
    """Return the cells of all rows: the view's columns, else the usual ones and what it is sorted by."""
    if table.columns:
        headers = headers_of(table.columns)
        return [
            {header: spell(key, row.get(key)) for key, header in headers.items()}
            for row in table.rows
        ]
    rows = []
    for row in table.rows:
        cells = usual_cells(records[str(row["id"])].summary, row)
        remarks = cells.pop("remarks")  # last, for it is what is cut
        if table.sort is not None and table.sort not in _SHOWN:
            cells[headers_of([table.sort])[table.sort]] = spell(table.sort, row.get(table.sort))
        rows.append({**cells, "remarks": remarks})
    return rows


_SHOWN = ("id", "state", "best_metric", "best_epoch", "epoch", DELTA, "elapsed_seconds", "eta_seconds",
          "cost_usd", "device", "tags")  # fmt: skip
"""Keys that the usual columns show."""


def headers_of(keys: Sequence[str]) -> dict[str, str]:
    """Head each key's column as briefly as can be: by the last part of the key, unless two have the same."""
    short = {key: HEADERS.get(key, key.rpartition(".")[2]) for key in keys}
    for key in keys:
        if key.startswith(PREFIXES):
            short[key] = key.replace(METRIC, "f1")
    once = [*short.values()]
    return {key: header if once.count(header) == 1 else key for key, header in short.items()}


def narrow(table: Arranged) -> Sequence[str]:
    """Return the headers of what a narrow terminal goes without: of columns that were asked for, none."""
    return () if table.columns else NARROW


def fitted_cells(
    rows: Sequence[Mapping[str, object]], droppable: Sequence[str], asked: bool = False
) -> tuple[list[str], list[Sequence[object]]]:
    """Give headers and cells that fit the terminal; where they cannot otherwise, with short ids.

    See :func:`~mabe_tui.cli.terminal.fit.fitted` for ``droppable`` and ``asked``.
    """
    droppable = [*_sparse(rows), *droppable] if droppable else droppable
    whole = [(header, [row[header] for row in rows]) for header in rows[0]]
    columns = fitted(whole, droppable, asked)
    if not fits(columns):
        short = [(h, _short_ids(cells) if h == "run" else cells) for h, cells in whole]
        columns = fitted(short, droppable, asked)
    headers = [header for header, _ in columns]
    return headers, list(zip(*(cells for _, cells in columns), strict=True))


def _sparse(rows: Sequence[Mapping[str, object]]) -> list[str]:
    def few(header: str) -> bool:
        return sum(row.get(header) is not None for row in rows) <= FEW * len(rows)

    return [header for header in SPARSE if few(header)]


def _short_ids(cells: Sequence[object]) -> list[object]:
    return [short_id(str(cell)) for cell in cells]


def numeric(headers: Sequence[str]) -> list[int]:
    """Return the numbers of the columns that are aligned to the right."""
    texts = ("run", "version", "state", "device", "tags", "remarks", "note", "gpu", "app")
    return [n for n, header in enumerate(headers) if header not in texts]


def print_runs(table: Arranged, records: Records) -> None:
    """Print a table that fits the terminal."""
    print_fitted(cells_of(table, records), narrow(table), bool(table.columns))


def print_fitted(
    rows: Sequence[Mapping[str, object]], droppable: Sequence[str], asked: bool = False
) -> None:
    """Print rows as they fit the terminal, and say which columns do not; see :func:`fitted_cells`."""
    headers, cells = fitted_cells(rows, droppable, asked)
    print_table(headers, cells, right=numeric(headers))
    say_left_out([(header, [row[header] for row in rows]) for header in rows[0]], headers)


def print_runs_json(table: Arranged, records: Records) -> None:
    """Print the summaries with what else is known of each run; of a view with columns, these alone."""
    if table.columns:
        print_json([{key: row.get(key) for key in table.columns} for row in table.rows])
        return
    print_json([as_table(records[str(row["id"])], row) for row in table.rows])


def as_table(record: RunRecord, row: Row) -> dict[str, object]:
    """Return one run for JSON."""
    summary: dict[str, object] = msgspec.structs.asdict(record.summary)
    more = {"gpu": record.gpu, "best": record.best, "smoothed": record.smoothed}
    return (
        summary
        | more
        | {"group": row.get("group"), DELTA: row.get(DELTA), TOLD_APART: row.get(TOLD_APART)}
    )


def print_runs_csv(table: Arranged) -> None:
    """Print one row a run: the view's columns, else those that tables elsewhere have a use for."""
    columns = table.columns or CSV_COLUMNS
    print_csv(columns, ([_raw(row.get(key)) for key in columns] for row in table.rows))


def _raw(value: Value) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(value) if isinstance(value, tuple) else value
