"""Format checkpoints and their metrics as table rows."""

from collections.abc import Collection, Mapping, Sequence

from mabe_tui.runs.comparison.compare_tables import figure
from mabe_tui.runs.comparison.evaluate import EvaluationReport
from mabe_tui.runs.format.units import size_text
from mabe_tui.runs.format.untrusted_text import clean
from mabe_tui.runs.summary.checkpoints import CORE_POINTERS, MARKED, CheckpointRow
from mabe_tui.tui.widgets.columns import Column, TableRow

CHOSEN, STAR = "●", "★"
COUNTS = "support/"
"""Prefixes of the names of metrics that count frames."""
CHECKPOINTS = (
    Column("sign", ""),
    Column("names", "named by", widest=30),
    Column("epoch", "epoch", "right"),
    Column("metric", "metric", "right"),
    Column("bytes", "size", "right"),
    Column("state", "state", widest=60),
    Column("step", "step", "right", rank=1),
    Column("file", "file", rank=2),
    Column("sha256", "sha256", rank=3),
    Column("attempt", "attempt", rank=4),
)


def checkpoint_row(row: CheckpointRow, chosen: Collection[str]) -> TableRow:
    """Return one checkpoint as a row; its key is its preferred pointer."""
    signs = (CHOSEN if name_of(row) in chosen else " ") + (STAR if MARKED in row.pointers else " ")
    state, colour = _state(row)
    cells = (
        signs,
        " ".join(row.pointers),
        str(row.epoch) if row.file else "–",
        clean(figure(row.metric)),
        size_text(row.bytes) if row.file else "–",
        state,
        f"{row.step:,}" if row.file else "–",
        clean(row.file or None),
        row.sha256[:12] or "–",
        row.attempt or "–",
    )
    return TableRow(name_of(row), cells, ("accent", "", "", "", "", colour))


def name_of(row: CheckpointRow) -> str:
    """Return the pointer to use for a checkpoint: that of its epoch if there is one, as it never moves."""
    return next((name for name in row.pointers if name not in CORE_POINTERS), row.pointers[0])


def _state(row: CheckpointRow) -> tuple[str, str]:
    if row.problem is not None:
        return clean(row.problem), "error"
    if not row.here:
        return "elsewhere: p fetches it", "text-muted"
    return ("whole, sha256 checked", "success") if row.verified else ("here, not verified", "")


def verified_words(rows: Sequence[CheckpointRow]) -> str:
    """Return the result of verifying in one sentence."""
    whole = sum(row.verified for row in rows)
    damaged = [f"{row.file or row.pointers[0]}: {row.problem}" for row in rows if row.problem]
    elsewhere = sum(not row.here for row in rows)
    parts = [f"{whole} of {len(rows)} whole", *map(clean, damaged)]
    parts += [f"{elsewhere} elsewhere"] if elsewhere else []
    return "; ".join(parts)


def metric_columns(reports: Sequence[EvaluationReport]) -> tuple[str, ...]:
    """Return the column names of the metrics: the run's own validation, then other data."""
    return ("validation", *(_place(report.data) for report in reports))


def metric_rows(own: Mapping[str, float], reports: Sequence[EvaluationReport]) -> list[TableRow]:
    """Return one row per metric, with its values in the run's own validation and on other data."""
    tables = [own, *(report.metrics for report in reports)]
    known = dict.fromkeys(name for table in tables for name in table)
    rows = [TableRow(n, (clean(n), *(_metric(n, t.get(n)) for t in tables))) for n in known]
    if reports:
        rows += [
            TableRow("#videos", ("videos", "–", *(str(r.videos) for r in reports))),
            TableRow(
                "#seen", ("of these trained on", "–", *(clean(r.trained_on) for r in reports))
            ),
        ]
    return rows


def _metric(name: str, value: float | None) -> str:
    return clean(figure(value, 0 if name.startswith(COUNTS) else 4))


def _place(path: str) -> str:
    """Return the last two parts of a path."""
    return clean("/".join(path.rstrip("/").split("/")[-2:]))
