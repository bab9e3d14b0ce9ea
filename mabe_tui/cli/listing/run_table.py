"""The table of runs, printed for a terminal, a pipe, JSON or CSV."""

import datetime as dt
from collections.abc import Mapping, Sequence

import msgspec

from mabe_tui.cli.terminal.fit import fits, fitted, say_left_out
from mabe_tui.cli.terminal.output import print_csv, print_json, print_table, say
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.cells import (
    PRESENT_NOTE,
    remark_of,
    shown_state,
    spell,
    spell_delta,
    spell_score,
)
from mabe_tui.runs.listing.fields import (
    BEST_SCORE,
    DELTA,
    PREFIXES,
    SCORE_DELTA,
    TOLD_APART,
    Fields,
    Row,
    Value,
)
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.table import Arranged
from mabe_tui.runs.store import short_id
from mabe_tui.runs.summary.run_summary import RunSummary

NARROW = ("device", "at", "tags", "cost", "left", "time", "epoch")
"""Columns dropped on a narrow terminal, in this order; `mabe status` has all of them."""
SPARSE = ("Δ", "remarks")
"""Columns dropped before these if few rows have values."""
FEW = 0.25
HEADERS = {
    "id": "run",
    SCORE_DELTA: "Δ",
    BEST_SCORE: "best",
    "cost_usd": "cost",
    "elapsed_seconds": "time",
    "eta_seconds": "left",
}
CSV_BEFORE = ("id", "version", "state", "seed", "epoch", "epochs")
"""Columns before those of the tasks' primary metrics."""
CSV_AFTER = (
    "best_metric", "best_epoch", DELTA, "loss", "train_loss", "elapsed_seconds", "eta_seconds",
    "cost_usd", "launcher", "gpu", "created", "tags", "note", "problem",
    "task", "metric", BEST_SCORE, SCORE_DELTA,
)  # fmt: skip
Records = Mapping[str, RunRecord]


def usual_cells(run: RunSummary, row: Row, with_label: bool = False) -> dict[str, object]:
    """Return the default columns of one run; ``with_label`` if runs of other tasks are listed."""
    return {
        "run": run.id,
        "state": shown_state(run),
        "epoch": f"{run.epoch}/{run.epochs}" if run.epochs else None,
        "best": _best(run, with_label),
        "Δ": spell_delta(row.get(SCORE_DELTA), row.get(TOLD_APART) is True),
        "at": run.best_epoch,
        "time": None if run.elapsed_seconds is None else duration(run.elapsed_seconds),
        "left": None if run.eta_seconds is None else duration(run.eta_seconds),
        "cost": spell("cost_usd", run.cost_usd),
        "device": run.device,
        "tags": " ".join(run.tags) or None,
        "remarks": remark_of(run),
    }


def _best(run: RunSummary, with_label: bool) -> str | None:
    if run.best_score is None:
        text, name = spell_score(run.best_metric, labels_absent=False), run.monitor
    else:
        text, name = spell_score(run.best_score, run.labels_absent), run.metric_label
    return f"{text} {name}" if text is not None and with_label else text


def cells_of(table: Arranged, records: Records) -> list[dict[str, object]]:
    """Return the cells of all rows: the view's columns, or the default ones and the sort key."""
    if table.columns:
        headers = headers_of(table.columns, table)
        return [
            {header: spell(key, row.get(key)) for key, header in headers.items()}
            for row in table.rows
        ]
    rows = []
    several_tasks = len({row.get("task") for row in table.rows}) > 1
    for row in table.rows:
        cells = usual_cells(records[str(row["id"])].summary, row, several_tasks)
        remarks = cells.pop("remarks")  # last, because the last column is truncated first
        if table.sort is not None and table.sort not in _SHOWN:
            cells[headers_of([table.sort], table)[table.sort]] = spell(
                table.sort, row.get(table.sort)
            )
        rows.append({**cells, "remarks": remarks})
    return rows


_SHOWN = ("id", "state", BEST_SCORE, "best_epoch", "epoch", SCORE_DELTA, "elapsed_seconds", "eta_seconds",
          "cost_usd", "device", "tags")  # fmt: skip
"""Keys that the default columns show."""


def headers_of(keys: Sequence[str], table: Arranged) -> dict[str, str]:
    """Return the shortest headers of keys: the last part, unless it is ambiguous."""
    known = {**HEADERS, "frames_per_second": _rate_unit(table)}
    short = {key: known.get(key, key.rpartition(".")[2]) for key in keys}
    short |= {key: _short_metric(key, table.fields) for key in keys if key.startswith(PREFIXES)}
    once = [*short.values()]
    return {key: header if once.count(header) == 1 else key for key, header in short.items()}


def _rate_unit(table: Arranged) -> str:
    units = {str(row["rate_unit"]) for row in table.rows if row.get("rate_unit")}
    return units.pop() if len(units) == 1 else "speed"


def _short_metric(key: str, fields: Fields) -> str:
    """Shorten ``best.`` plus a primary metric to ``best.`` plus its label."""
    prefix, dot, metric = key.partition(".")
    return f"{prefix}{dot}{fields.primaries.get(metric, metric)}"


def narrow(table: Arranged) -> Sequence[str]:
    """Return the headers that may be dropped on a narrow terminal; never those requested."""
    return () if table.columns else NARROW


def fitted_cells(
    rows: Sequence[Mapping[str, object]], droppable: Sequence[str], asked: bool = False
) -> tuple[list[str], list[Sequence[object]]]:
    """Return headers and cells that fit the terminal, with short ids if necessary.

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
    """Return the indices of the columns that are aligned to the right."""
    texts = ("run", "version", "state", "device", "tags", "remarks", "note", "gpu", "app")
    return [n for n, header in enumerate(headers) if header not in texts]


def print_runs(table: Arranged, records: Records) -> None:
    """Print a table that fits the terminal."""
    print_fitted(cells_of(table, records), narrow(table), bool(table.columns))
    if not table.columns and any(row.get("labels_absent") for row in table.rows):
        say(PRESENT_NOTE)


def print_fitted(
    rows: Sequence[Mapping[str, object]], droppable: Sequence[str], asked: bool = False
) -> None:
    """Print rows fitted to the terminal, and report dropped columns; see :func:`fitted_cells`."""
    headers, cells = fitted_cells(rows, droppable, asked)
    print_table(headers, cells, right=numeric(headers))
    say_left_out([(header, [row[header] for row in rows]) for header in rows[0]], headers)


def print_runs_json(table: Arranged, records: Records) -> None:
    """Print the summaries with further facts about each run; for a view with columns, only these."""
    if table.columns:
        print_json([{key: row.get(key) for key in table.columns} for row in table.rows])
        return
    print_json([as_table(records[str(row["id"])], row) for row in table.rows])


def as_table(record: RunRecord, row: Row) -> dict[str, object]:
    """Return the JSON of one run."""
    summary: dict[str, object] = msgspec.structs.asdict(record.summary)
    more = {"gpu": record.gpu, "best": record.best, "smoothed": record.smoothed}
    return summary | more | {key: row.get(key) for key in ("group", DELTA, SCORE_DELTA, TOLD_APART)}


def print_runs_csv(table: Arranged) -> None:
    """Print one row per run: the view's columns, or those that are useful in other tables."""
    primaries = [metric for metric in table.fields.primaries if metric not in CSV_AFTER]
    columns = table.columns or (*CSV_BEFORE, *primaries, *CSV_AFTER)
    print_csv(columns, ([_raw(row.get(key)) for key in columns] for row in table.rows))


def _raw(value: Value) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
