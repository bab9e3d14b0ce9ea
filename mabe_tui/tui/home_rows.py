"""The home screen's tables: records and versions as rows of text."""

from collections.abc import Callable, Collection, Mapping

from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.cells import remark_of, spell, spell_measured
from mabe_tui.runs.experiments import ExperimentRow
from mabe_tui.runs.fields import DELTA, order_of
from mabe_tui.runs.fields import Row as Fields
from mabe_tui.runs.record import RunRecord
from mabe_tui.runs.units import duration
from mabe_tui.tui.widgets.table import Column, Row

MISSING = "–"
BASELINE, MARKED, PINNED = "◆", "●", "▲"
PLAIN_SIGNS = {BASELINE: "=", MARKED: "*", PINNED: "^", MISSING: "-"}
STATE_COLOURS = {
    RunState.QUEUED: "secondary",
    RunState.RUNNING: "primary",
    RunState.STOPPING: "warning",
    RunState.STOPPED: "warning",
    RunState.PREEMPTED: "warning",
    RunState.FINISHED: "success",
    RunState.FAILED: "error",
    RunState.LOST: "error",
    RunState.UNKNOWN: "text-muted",
}
BAR = 8

EXPERIMENTS = (
    Column("sign", " "),
    Column("version", "version"),
    Column("status", "status", rank=2),
    Column("model", "model", rank=1),
    Column("data", "data", rank=7),
    Column("input_size", "inputs", align="right", rank=6),
    Column("gpu", "gpu", rank=4),
    Column("batch_size", "batch", align="right", rank=5),
    Column("reported_f1_macro", "reported", align="right", rank=1),
    Column("f1_macro", "measured F1", align="right"),
    Column("delta", "Δ", align="right"),
    Column("last_state", "last run"),
    Column("runs", "runs", align="right", rank=3),
    Column("cost_usd", "cost", align="right", rank=1),
)
RUNS = (
    Column("sign", " "),
    Column("id", "run"),
    Column("state", "state"),
    Column("epoch", "epoch", align="right"),
    Column("best_metric", "best", align="right"),
    Column("smoothed.f1_macro", "smooth", align="right", rank=3),
    Column("delta", "Δ", align="right", rank=1),
    Column("eta_seconds", "left", align="right", rank=2),
    Column("elapsed_seconds", "time", align="right", rank=4),
    Column("cost_usd", "cost", align="right", rank=1),
    Column("gpu", "gpu", rank=6, widest=14),
    Column("seed", "seed", align="right", rank=5),
    Column("tags", "tags", rank=5, widest=16),
    Column("remarks", "remarks", rank=4),
)
"""Keys are those of :mod:`mabe_tui.runs.fields`: a header's click sorts by them."""


def experiment_row(row: ExperimentRow, marked: Collection[str]) -> Row:
    """Lay out one version."""
    state = row.last_state
    count = f"{row.runs}+{row.trials}" if row.trials else str(row.runs or MISSING)
    cells = {
        "sign": _sign(row.version, row.is_baseline, marked),
        "version": row.version,
        "status": row.status,
        "model": row.model,
        "data": row.data,
        "input_size": str(row.input_size),
        "gpu": row.gpu or MISSING,
        "batch_size": str(row.batch_size),
        "reported_f1_macro": _or_missing(spell("f1", row.reported_f1_macro)),
        "f1_macro": _or_missing(spell_measured(row.measured, row.as_registered)),
        "delta": _or_missing(spell(DELTA, row.delta)),
        "last_state": state.value if state else MISSING,
        "runs": count,
        "cost_usd": _or_missing(spell("cost_usd", row.cost_usd)),
    }
    colours = {
        "sign": "accent",
        "last_state": STATE_COLOURS[state] if state else "text-muted",
        "delta": delta_colour(row.delta),
        "reported_f1_macro": "text-muted",
    }
    return _laid_out(row.version, cells, colours, EXPERIMENTS)


def run_row(
    record: RunRecord,
    fields: Fields,
    *,
    baseline: str | None,
    pinned: Collection[str],
    marked: Collection[str],
) -> Row:
    """Lay out one run."""
    run = record.summary
    cells = {
        "sign": _sign(run.id, run.id == baseline, marked, run.id in pinned),
        "id": run.id,
        "state": run.state.value,
        "epoch": f"{run.epoch}/{run.epochs}" if run.epochs else MISSING,
        "best_metric": _metric(run.best_metric),
        "smoothed.f1_macro": _metric(record.smoothed.get("f1_macro")),
        "eta_seconds": duration(run.eta_seconds),
        "elapsed_seconds": duration(run.elapsed_seconds),
        "gpu": record.gpu or run.device or MISSING,
        "seed": _or_missing(spell("seed", run.seed)),
        "tags": " ".join(run.tags) or MISSING,
        "remarks": remark_of(run) or MISSING,
        **{key: _or_missing(spell(key, fields.get(key))) for key in (DELTA, "cost_usd")},
    }
    delta = fields.get(DELTA)
    colours = {
        "sign": "accent",
        "state": STATE_COLOURS[run.state],
        "delta": delta_colour(delta if isinstance(delta, float) else None),
        "remarks": "error" if run.problem or run.stalled_seconds else "text-muted",
    }
    return _laid_out(run.id, cells, colours, RUNS)


def delta_colour(delta: float | None) -> str:
    """Name the colour of a difference: better, worse, or none."""
    if delta is None or delta == 0:
        return "text-muted"
    return "success" if delta > 0 else "error"


def plain_signs(row: Row) -> Row:
    """Give the row in characters that every terminal has."""
    cells = tuple(
        PLAIN_SIGNS.get(cell, cell.replace("±", "+-").replace("−", "-").replace("…", "~"))
        for cell in row.cells
    )
    return Row(row.key, cells, row.styles)


def version_order(key: str) -> Callable[[ExperimentRow], tuple[object, ...]]:
    """Give what versions are sorted by for a column; those without a value come last."""

    def order(row: ExperimentRow) -> tuple[object, ...]:
        value = row.measured.f1_macro if key == "f1_macro" else getattr(row, key, None)
        return (value is None, *order_of(value))

    return order


def _laid_out(
    key: str, cells: Mapping[str, str], colours: Mapping[str, str], columns: tuple[Column, ...]
) -> Row:
    styles = tuple(
        "text-muted" if cells[c.key] == MISSING else colours.get(c.key, "") for c in columns
    )
    return Row(key, tuple(cells[column.key] for column in columns), styles)


def _sign(name: str, is_baseline: bool, marked: Collection[str], is_pinned: bool = False) -> str:
    if name in marked:
        return MARKED
    return BASELINE if is_baseline else PINNED if is_pinned else " "


def _metric(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4f}"


def _or_missing(text: str | None) -> str:
    return text if text else MISSING
