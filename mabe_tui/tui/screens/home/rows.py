"""Format records and versions as rows of the home screen's tables."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from mabe_tui.launch.launcher import RunState
from mabe_tui.plotting.legend import SAMPLES
from mabe_tui.runs.curves.overlay import style_of
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.listing.cells import (
    PRESENT,
    remark_of,
    shown_state,
    spell,
    spell_delta,
    spell_measured,
    spell_score,
)
from mabe_tui.runs.listing.experiments import ExperimentRow
from mabe_tui.runs.listing.fields import (
    BEST_SCORE,
    SCORE_DELTA,
    SMOOTHED_SCORE,
    Value,
    is_missing,
    order_of,
)
from mabe_tui.runs.listing.fields import Row as Fields
from mabe_tui.runs.listing.measured import is_gain
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.summary.run_summary import RunSummary
from mabe_tui.runs.tasks import SCORE, default_spec
from mabe_tui.tui.widgets.columns import Column, TableRow
from mabe_tui.tui.widgets.table import LINE

MISSING = "–"
BASELINE, MARKED, PINNED = "◆", "●", "▲"
STATE_COLOURS = {
    RunState.RUNNING: "primary",
    RunState.QUEUED: "secondary",
    RunState.STOPPING: "warning",
    RunState.FINISHED: "success",
    RunState.STOPPED: "warning",
    RunState.PREEMPTED: "warning",
    RunState.FAILED: "error",
    RunState.LOST: "error",
    RunState.UNKNOWN: "text-muted",
}
BAR = 6
LEGEND = (
    (f"{BASELINE} {MARKED} {PINNED}", "the baseline; marked for a comparison; pinned to the top"),
    ("0.4312 ± 0.0051 (3)", "mean and standard deviation of the score over three seeds"),
    ("0.4312…", "no run is finished: the best so far"),
    ("0.4312*", "the runs had other settings than the registry has now"),
    (f"0.9400{PRESENT}", "over the classes present alone: the validation data lacks some"),
    ("Δ", "score less the baseline's; ~: may be luck; missing: none, or scored on other data"),
)
"""Symbols and headers in the tables → their meaning."""

REPORTED = "reported"
EXPERIMENTS = (
    Column("sign", " "),
    Column("version", "version"),
    Column("group", "group", rank=9),
    Column("status", "status", rank=2),
    Column("model", "model", rank=1),
    Column("data", "data", rank=7),
    Column("input_size", "inputs", align="right", rank=6),
    Column("gpu", "gpu", rank=4),
    Column("batch_size", "batch", align="right", rank=5),
    Column(REPORTED, REPORTED, align="right", rank=1),
    Column(SCORE, f"measured {SCORE}", align="right"),
    Column(SCORE_DELTA, "Δ", align="right"),
    Column("last_state", "last run"),
    Column("runs", "runs", align="right", rank=3),
    Column("cost_usd", "cost", align="right", rank=1),
)
FIGURES = (REPORTED, SCORE, SCORE_DELTA)
"""Columns whose smallest value is the best if the task's primary metric is to be minimised."""
RUNS = (
    Column("sign", " "),
    Column("id", "run"),
    Column("state", "state"),
    Column("epoch", "epoch", align="right"),
    Column(BEST_SCORE, "best", align="right"),
    Column(SMOOTHED_SCORE, "smooth", align="right", rank=3),
    Column(SCORE_DELTA, "Δ", align="right", rank=1),
    Column("eta_seconds", "left", align="right", rank=2),
    Column("elapsed_seconds", "time", align="right", rank=4),
    Column("cost_usd", "cost", align="right", rank=2),
    Column("curve", "curve", rank=1, widest=32, is_curve=True),
    Column("seed", "seed", align="right", rank=6),
    Column("created", "started", rank=6),
    Column("gpu", "gpu", rank=7, widest=14),
    Column("tags", "tags", rank=5, widest=16),
    Column("remarks", "remarks", rank=8, shrinks=True),
)
"""Column keys are those of :mod:`mabe_tui.runs.listing.fields`: clicking a header sorts by them."""


def experiment_columns(label: str | None) -> tuple[Column, ...]:
    """Return the columns of versions; the score is labelled with the metric that all share."""
    head = f"measured {label or SCORE}"
    return tuple(replace(c, label=head) if c.key == SCORE else c for c in EXPERIMENTS)


def known_order(key: str | None) -> str | None:
    """Return the column of a saved key, also one of an earlier version; ``None`` if there is none."""
    primary = default_spec().primary
    former = {primary: SCORE, f"{REPORTED}_{primary}": REPORTED, "delta": SCORE_DELTA}
    key = former.get(key or "", key)
    return key if any(column.key == key for column in EXPERIMENTS) else None


def experiment_row(
    row: ExperimentRow, marked: Collection[str], with_label: bool = False
) -> TableRow:
    """Format one version; ``with_label`` if versions with other primary metrics are listed."""
    state = _counted_state(row)
    count = f"{row.runs}+{row.trials}" if row.trials else str(row.runs or MISSING)
    cells = {
        "sign": _sign(row.version, row.is_baseline, marked),
        "version": row.version,
        "group": row.group or MISSING,
        "status": row.status,
        "model": row.model or MISSING,
        "data": row.data,
        "input_size": _or_missing(spell("input_size", row.input_size)),
        "gpu": row.gpu or MISSING,
        "batch_size": str(row.batch_size),
        REPORTED: _or_missing(spell(REPORTED, row.reported)),
        SCORE: _or_missing(spell_measured(row.measured, row.as_registered, row.metric, with_label)),
        SCORE_DELTA: _or_missing(spell_delta(row.score_delta, row.told_apart)),
        "last_state": _last_state(row, state),
        "runs": count,
        "cost_usd": _or_missing(spell("cost_usd", row.cost_usd)),
    }
    colours = {
        "sign": "accent",
        "last_state": STATE_COLOURS[state] if state else "text-muted",
        SCORE_DELTA: delta_colour(row.score_delta, row.told_apart, row.metric_rises),
        REPORTED: "text-muted",
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
    line: int | None = None,
) -> TableRow:
    """Format one run under its shortest unique name; ``line`` is that of its curves, if they are drawn."""
    run = record.summary
    cells = {
        "sign": _sign(run.id, run.id == baseline, marked, run.id in pinned, line),
        "id": name,
        "state": "stalled" if run.stalled_seconds is not None else shown_state(run),
        "epoch": _progress(run),
        BEST_SCORE: _best(run),
        SMOOTHED_SCORE: _or_missing(spell_score(record.smoothed_score, run.labels_absent)),
        "eta_seconds": duration(run.eta_seconds),
        "elapsed_seconds": duration(run.elapsed_seconds),
        "gpu": record.gpu or MISSING,
        "seed": _or_missing(spell("seed", run.seed)),
        "tags": " ".join(run.tags) or MISSING,
        "curve": "" if record.curve else MISSING,
        "created": f"{run.created.astimezone():%m-%d %H:%M}" if run.created else MISSING,
        "remarks": remark_of(run) or MISSING,
        SCORE_DELTA: _or_missing(spell_delta(fields.get(SCORE_DELTA), told_apart)),
        "cost_usd": _cost(run),
    }
    delta = fields.get(SCORE_DELTA)
    colours = {
        "sign": "accent" if line is None else f"{LINE}{line}",
        "state": "warning" if run.stalled_seconds is not None else STATE_COLOURS[run.state],
        "curve": "primary",
        SCORE_DELTA: delta_colour(
            delta if isinstance(delta, float) else None, told_apart, run.metric_rises
        ),
        "remarks": "error" if run.problem or run.stalled_seconds else "text-muted",
    }
    return replace(_laid_out(run.id, cells, colours, RUNS), curve=record.curve)


class RunRows:
    """Rows of runs, formatted again only if something about them changed."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[RunRecord, object, TableRow]] = {}

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
        line: int | None,
    ) -> TableRow:
        """Format one run as :func:`run_row` does."""
        key = record.id
        beside = (
            name,
            fields.get(SCORE_DELTA),
            told_apart,
            key == baseline,
            key in pinned,
            key in marked,
            line,
        )
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
            line=line,
        )
        self._kept[key] = record, beside, row
        return row


def state_counts(records: Iterable[RunRecord]) -> str:
    """Count runs by state: ``2 running, 1 queued, 5 finished``."""
    counts = Counter(record.state for record in records)
    return ", ".join(f"{counts[state]} {state.value}" for state in STATE_COLOURS if counts[state])


def delta_colour(delta: float | None, told_apart: bool | None, rises: bool) -> str:
    """Return the colour of a difference: better, worse, or none if it is not significant.

    Args:
        delta: the difference from the baseline.
        told_apart: whether it is significant.
        rises: whether a larger value of the metric is better.
    """
    if delta is None or not told_apart:
        return "text-muted"
    return "success" if is_gain(delta, rises) else "error"


def sorted_versions(
    rows: Iterable[ExperimentRow], key: str, descending: bool
) -> list[ExperimentRow]:
    """Sort versions by a column; those without a value come last in either order."""

    def value(row: ExperimentRow) -> Value:
        found: Value = row.measured.score if key == SCORE else getattr(row, key, None)
        return found

    def order(row: ExperimentRow) -> tuple[object, ...]:
        # values of different metrics are not comparable: versions are grouped by metric
        return (row.metric if key in FIGURES else "", *order_of(value(row)))

    valued = [row for row in rows if not is_missing(value(row))]
    missing = [row for row in rows if is_missing(value(row))]
    valued.sort(key=order, reverse=descending)
    return [*valued, *missing]


def _laid_out(
    key: str, cells: Mapping[str, str], colours: Mapping[str, str], columns: tuple[Column, ...]
) -> TableRow:
    styles = tuple(
        "text-muted" if cells[c.key] == MISSING else colours.get(c.key, "") for c in columns
    )
    return TableRow(key, tuple(cells[column.key] for column in columns), styles)


def _counted_state(row: ExperimentRow) -> RunState | None:
    """Return the state that a version's runs are counted in: of live runs, before that of the last."""
    if not row.alive:
        return row.last_state
    if row.alive == 1 and row.last_state is RunState.STOPPING:
        return row.last_state
    return RunState.RUNNING if row.alive > row.queued else RunState.QUEUED


def _last_state(row: ExperimentRow, state: RunState | None) -> str:
    running = row.alive - row.queued
    if row.alive > 1:
        counts = {RunState.RUNNING: running, RunState.QUEUED: row.queued}
        return ", ".join(f"{count} {name.value}" for name, count in counts.items() if count)
    return state.value if state else MISSING


def _progress(run: RunSummary) -> str:
    """Format a run's progress; for a live run, with a bar that includes the current epoch."""
    if not run.epochs:
        return MISSING
    text = f"{run.epoch}/{run.epochs}"
    if not run.state.is_alive:
        return text
    filled = round(BAR * min(1.0, (run.epoch + run.epoch_fraction) / run.epochs))
    return f"{'━' * filled}{'·' * (BAR - filled)} {text}"


def _cost(run: RunSummary) -> str:
    """Format a run's cost; for a live run, also the projected cost at its last epoch."""
    now, end = spell("cost_usd", run.cost_usd), run.cost_at_end_usd
    if now is None:
        return MISSING
    return now if end is None else f"{now}→{end:.2f}"


def _sign(
    name: str,
    is_baseline: bool,
    marked: Collection[str],
    is_pinned: bool = False,
    line: int | None = None,
) -> str:
    if name in marked:
        return MARKED
    drawn = " " if line is None else SAMPLES[style_of(line)][0]
    return BASELINE if is_baseline else PINNED if is_pinned else drawn


def _best(run: RunSummary) -> str:
    if run.best_score is None:  # the log of an old run may lack the primary metric
        return _or_missing(spell_score(run.best_metric, labels_absent=False))
    return _or_missing(spell_score(run.best_score, run.labels_absent))


def _or_missing(text: str | None) -> str:
    return text if text else MISSING
