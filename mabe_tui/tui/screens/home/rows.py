"""The home screen's tables: records and versions as rows of text."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.cells import (
    remark_of,
    shown_state,
    spell,
    spell_delta,
    spell_measured,
)
from mabe_tui.runs.listing.experiments import ExperimentRow
from mabe_tui.runs.listing.fields import DELTA, Value, is_missing, order_of
from mabe_tui.runs.listing.fields import Row as Fields
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.summary.run_summary import RunSummary
from mabe_tui.tui.widgets.columns import Column, Row

MISSING = "–"
BASELINE, MARKED, PINNED = "◆", "●", "▲"
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
BAR = 6
LEGEND = (
    (f"{BASELINE} {MARKED} {PINNED}", "the baseline; marked for a comparison; pinned to the top"),
    ("0.4312 ± 0.0051 (3)", "mean and standard deviation of F1 over three seeds"),
    ("0.4312…", "no run is finished: the best so far"),
    ("0.4312*", "the runs had other settings than the registry has now"),
    ("Δ", "F1 less the baseline's; ~: may be luck; missing: none, or scored on other videos"),
)
"""What the tables show → what it means."""

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
    Column("cost_usd", "cost", align="right", rank=2),
    Column("curve", "curve", rank=5, widest=16, is_curve=True),
    Column("seed", "seed", align="right", rank=6),
    Column("created", "started", rank=6),
    Column("gpu", "gpu", rank=7, widest=14),
    Column("tags", "tags", rank=5, widest=16),
    Column("remarks", "remarks", rank=8, shrinks=True),
)
"""Keys are those of :mod:`mabe_tui.runs.listing.fields`: a header's click sorts by them."""


def experiment_row(row: ExperimentRow, marked: Collection[str]) -> Row:
    """Lay out one version."""
    state = row.last_state
    count = f"{row.runs}+{row.trials}" if row.trials else str(row.runs or MISSING)
    cells = {
        "sign": _sign(row.version, row.is_baseline, marked),
        "version": row.version,
        "status": row.status,
        "model": _or_missing(row.model),
        "data": row.data,
        "input_size": str(row.input_size or MISSING),
        "gpu": row.gpu or MISSING,
        "batch_size": str(row.batch_size),
        "reported_f1_macro": _or_missing(spell("f1", row.reported_f1_macro)),
        "f1_macro": _or_missing(spell_measured(row.measured, row.as_registered)),
        "delta": _or_missing(spell_delta(row.delta, row.told_apart)),
        "last_state": _last_state(row),
        "runs": count,
        "cost_usd": _or_missing(spell("cost_usd", row.cost_usd)),
    }
    colours = {
        "sign": "accent",
        "last_state": STATE_COLOURS[state] if state else "text-muted",
        "delta": delta_colour(row.delta, row.told_apart),
        "reported_f1_macro": "text-muted",
    }
    return _laid_out(row.version, cells, colours, EXPERIMENTS)


def run_row(
    record: RunRecord,
    fields: Fields,
    *,
    name: str,
    baseline: str | None,
    pinned: Collection[str],
    marked: Collection[str],
    told_apart: bool | None = None,
) -> Row:
    """Lay out one run, called by a name as short as may be."""
    run = record.summary
    cells = {
        "sign": _sign(run.id, run.id == baseline, marked, run.id in pinned),
        "id": name,
        "state": "stalled" if run.stalled_seconds is not None else shown_state(run),
        "epoch": _progress(run),
        "best_metric": _metric(run.best_metric),
        "smoothed.f1_macro": _metric(record.smoothed.get("f1_macro")),
        "eta_seconds": duration(run.eta_seconds),
        "elapsed_seconds": duration(run.elapsed_seconds),
        "gpu": record.gpu or run.device or MISSING,
        "seed": _or_missing(spell("seed", run.seed)),
        "tags": " ".join(run.tags) or MISSING,
        "curve": "" if record.curve else MISSING,
        "created": f"{run.created.astimezone():%m-%d %H:%M}" if run.created else MISSING,
        "remarks": remark_of(run) or MISSING,
        DELTA: _or_missing(spell_delta(fields.get(DELTA), told_apart)),
        "cost_usd": _cost(run),
    }
    delta = fields.get(DELTA)
    colours = {
        "sign": "accent",
        "state": "warning" if run.stalled_seconds is not None else STATE_COLOURS[run.state],
        "curve": "primary",
        "delta": delta_colour(delta if isinstance(delta, float) else None, told_apart),
        "remarks": "error" if run.problem or run.stalled_seconds else "text-muted",
    }
    return replace(_laid_out(run.id, cells, colours, RUNS), curve=record.curve)


class RunRows:
    """Rows of runs, laid out again only where something of them changed."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[RunRecord, object, Row]] = {}

    def row(
        self,
        record: RunRecord,
        fields: Fields,
        *,
        name: str,
        baseline: str | None,
        pinned: Collection[str],
        marked: Collection[str],
        told_apart: bool | None,
    ) -> Row:
        """Lay out one run as :func:`run_row` does."""
        key = record.id
        beside = name, fields.get(DELTA), told_apart, key == baseline, key in pinned, key in marked
        kept = self._kept.get(key)
        if kept is not None and kept[0] is record and kept[1] == beside:
            return kept[2]
        row = run_row(
            record,
            fields,
            name=name,
            baseline=baseline,
            pinned=pinned,
            marked=marked,
            told_apart=told_apart,
        )
        self._kept[key] = record, beside, row
        return row


def delta_colour(delta: float | None, told_apart: bool | None) -> str:
    """Return the colour of a difference: better, worse, or none where it may be luck."""
    if delta is None or not told_apart:
        return "text-muted"
    return "success" if delta > 0 else "error"


def sorted_versions(
    rows: Iterable[ExperimentRow], key: str, descending: bool
) -> list[ExperimentRow]:
    """Sort versions by a column; those without a value come last either way."""

    def value(row: ExperimentRow) -> Value:
        found: Value = row.measured.f1_macro if key == "f1_macro" else getattr(row, key, None)
        return found

    valued = [row for row in rows if not is_missing(value(row))]
    missing = [row for row in rows if is_missing(value(row))]
    valued.sort(key=lambda row: order_of(value(row)), reverse=descending)
    return [*valued, *missing]


def _laid_out(
    key: str, cells: Mapping[str, str], colours: Mapping[str, str], columns: tuple[Column, ...]
) -> Row:
    styles = tuple(
        "text-muted" if cells[c.key] == MISSING else colours.get(c.key, "") for c in columns
    )
    return Row(key, tuple(cells[column.key] for column in columns), styles)


def _last_state(row: ExperimentRow) -> str:
    if row.alive > 1:
        return f"{row.alive} alive"
    return row.last_state.value if row.last_state else MISSING


def _progress(run: RunSummary) -> str:
    """Write how far a run is; while it is alive, with a bar that also tells of the epoch under way."""
    if not run.epochs:
        return MISSING
    text = f"{run.epoch}/{run.epochs}"
    if not run.state.is_alive:
        return text
    filled = round(BAR * min(1.0, (run.epoch + run.epoch_fraction) / run.epochs))
    return f"{'━' * filled}{'·' * (BAR - filled)} {text}"


def _cost(run: RunSummary) -> str:
    """Write what a run has cost; while it runs, also what it will have at its last epoch."""
    now, end = spell("cost_usd", run.cost_usd), run.cost_at_end_usd
    if now is None:
        return MISSING
    return now if end is None else f"{now}→{end:.2f}"


def _sign(name: str, is_baseline: bool, marked: Collection[str], is_pinned: bool = False) -> str:
    if name in marked:
        return MARKED
    return BASELINE if is_baseline else PINNED if is_pinned else " "


def _metric(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4f}"


def _or_missing(text: str | None) -> str:
    return text if text else MISSING
