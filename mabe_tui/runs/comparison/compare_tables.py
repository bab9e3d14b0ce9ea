"""A comparison as tables of text: the same on the command line, in a report and in the dashboard."""

from collections.abc import Iterable, Mapping, Sequence

from core.config.task_spec import SUPPORT, TaskSpec
from mabe_tui.runs.comparison.compare import Comparison
from mabe_tui.runs.comparison.sides import Side, Spread, mean_over_runs
from mabe_tui.runs.format.settings import spell, spell_side_by_side
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.format.untrusted_text import clean
from mabe_tui.runs.summary.metric_limits import most_possible

BEST_NOTE = (
    "Each run picked its best epoch on these same {units}, so its figure is a little too good;"
    " `mabe compare … --epoch last` compares the last epochs, which nobody picked."
)
LAST_NOTE = "Verdicts are about the last epoch of each run."
SEEDS_NOTE = (
    "± is the standard deviation over the seeds; the interval counts the luck of seeds and {units}."
)
ONE_SEED_NOTE = (
    "The interval counts the luck of the {units} alone: another seed would give another result."
)
NOT_POOLED = "not pooled"
"""Stands for a metric over folds, such as the loss, that is no sum over their videos."""
Rows = list[list[object]]
"""A label, then one cell per side; ``None`` for an empty cell."""


def sections(comparison: Comparison, exact: bool = False) -> list[tuple[str, Rows]]:
    """Return the tables of a comparison: a title, then rows of a label and one cell per side.

    Args:
        comparison: of two sides or more.
        exact: write settings with all their digits, for a program.
    """
    sides, task = comparison.sides, comparison.by.task
    return [
        ("changed settings", _setting_rows(comparison, exact)),
        (_measured_title(sides), _metric_rows(sides, task, True, exact)),
        ("measured here, at the last epoch", _metric_rows(sides, task, False, exact)),
        (f"{title_of_labels(task)}, at the best epoch", _label_rows(sides, task)),
        ("time and cost", _run_rows(sides, task)),
        ("claimed by imported logs, not measured here", _claimed_rows(sides)),
        ("reported by the original documents, not measured here", _reported_rows(sides, task)),
    ]


def in_order(names: Iterable[str], task: TaskSpec) -> list[str]:
    """Sort metrics in the order in which tables show them.

    The primary one comes first, then those that share its chart, the others that a task declares (losses
    last), and finally those it does not declare.
    """
    given = dict.fromkeys(names)
    declared = [metric.name for metric in sorted(task.metrics, key=lambda m: not m.rises)]
    first = dict.fromkeys((task.primary, *task.charted, *declared))
    return [name for name in first if name in given] + [n for n in given if n not in first]


def title_of_labels(task: TaskSpec) -> str:
    """Return the title of the table of single labels, such as ``F1 of each class``."""
    metric = task.label_metric
    if metric is None:
        return f"by {task.label.one}"
    return metric.title or f"{metric.label} of each {task.label.one}"


def _setting_rows(comparison: Comparison, exact: bool) -> Rows:
    rows: Rows = []
    for row in comparison.settings:
        if row.took_part:
            cells = [*map(spell, row.values)] if exact else spell_side_by_side(row.values)
            shown = (None if m else c for c, m in zip(cells, row.missing, strict=True))
            rows.append([row.key, *shown])
    return rows


def _measured_title(sides: Sequence[Side]) -> str:
    if any(side.checkpoint is not None for side in sides):
        return "measured here, of each checkpoint"
    return "measured here, at each one's best epoch"


def _metric_rows(sides: Sequence[Side], task: TaskSpec, best: bool, exact: bool) -> Rows:
    tables = [_metrics_of(side, best) for side in sides]
    unknown = [{} if exact else _not_pooled(s, t) for s, t in zip(sides, tables, strict=True)]
    known = dict.fromkeys(key for table in (*tables, *unknown) for key in table if "/" not in key)
    rows: Rows = []
    if known:
        rows = [*_seed_rows(sides), *_fold_rows(sides)]
        epochs = [epochs_of(side, best) for side in sides]
        rows += [["epoch", *epochs]] if any(epochs) else []
    for name in in_order(known, task):
        cells = zip(tables, unknown, strict=True)
        rows.append([name, *(_metric(table.get(name)) or why.get(name) for table, why in cells)])
        if name == task.primary and task.primary_where_absent is not None:
            rows += _limits(sides, tables, task)
    return rows


def _limits(
    sides: Sequence[Side], tables: Sequence[Mapping[str, float | Spread]], task: TaskSpec
) -> Rows:
    """Return the upper bound of the mean over all labels, if the validation data of a side lack some."""
    most = [
        most_possible(s.best) if table else None for s, table in zip(sides, tables, strict=True)
    ]
    if all(each is None for each in most):
        return []
    limits = [figure(1 if m is None and t else m) for m, t in zip(most, tables, strict=True)]
    return [[f"  at most, as {task.label.many} are absent", *limits]]


def epochs_of(side: Side, best: bool) -> str | None:
    """Return the best, or the last, epoch of each of a side's runs, by seed; ``None`` if there is none."""
    if side.checkpoint is not None:
        return _listed([side.best_epoch])
    if side.is_import:
        return None  # its own claims have separate rows
    if side.folds is not None:
        return None  # each fold has its own
    runs = sorted(side.runs, key=lambda run: run.seed or 0)
    return _listed((run.best_epoch if best else run.epoch or None) for run in runs)


def _metrics_of(side: Side, best: bool) -> Mapping[str, float | Spread]:
    """Return the measurements of a side: over its seeds, or of its one run."""
    if side.is_import:
        return {}
    if best:
        return side.best_over_seeds or side.best
    return side.last_over_seeds or side.last


def _seed_rows(sides: Sequence[Side]) -> Rows:
    if all(len(side.runs) < 2 for side in sides):
        return []
    return [["seeds", *(None if side.is_import else _listed(sorted(side.seeds)) for side in sides)]]


def _listed(values: Iterable[object]) -> str | None:
    return ", ".join(clean(value) for value in values) or None


def _fold_rows(sides: Sequence[Side]) -> Rows:
    if all(side.folds is None for side in sides):
        return []
    return [["folds", *(None if side.folds is None else str(side.folds) for side in sides)]]


def _not_pooled(side: Side, table: Mapping[str, float | Spread]) -> dict[str, str]:
    """Return the metrics that each fold has, but that do not follow from the rows of all folds."""
    if side.folds is None or side.summary is None:
        return {}
    return {name: NOT_POOLED for name in side.summary.metrics if name not in table}


def _label_rows(sides: Sequence[Side], task: TaskSpec) -> Rows:
    metric = task.label_metric
    if metric is None:
        return []
    labels = dict.fromkeys(name for side in sides for name in task.labels(side.experiment))
    measured = [_metrics_of(side, best=True) for side in sides]
    rows: Rows = [
        [name, *(_metric(table.get(f"{metric.name}/{name}")) for table in measured)]
        for name in labels
    ]
    return [row for row in rows if any(cell is not None for cell in row[1:])]


def _run_rows(sides: Sequence[Side], task: TaskSpec) -> Rows:
    runs = [side.summary for side in sides]
    if not any(runs):
        return []
    mean = ", mean" if any(len(side.runs) > 1 for side in sides) else ""
    speeds = [mean_over_runs(side, "frames_per_second") for side in sides]
    rows: Rows = [
        ["run", *(_run_cell(side) for side in sides)],
        ["state", *(run and str(run.state) for run in runs)],
        ["left out", *(_listed(side.left_out) for side in sides)],
        ["epochs", *(_listed(f"{run.epoch} of {run.epochs}" for run in s.runs) for s in sides)],
        ["parameters", *(run and run.parameters and f"{run.parameters:,}" for run in runs)],
        ["device", *(run and run.device for run in runs)],
        [f"time{mean}", *(duration(mean_over_runs(side, "elapsed_seconds")) for side in sides)],
        [f"{task.rate_unit}{mean}", *(speed and f"{speed:,.0f}" for speed in speeds)],
        [f"cost, ${mean}", *(figure(mean_over_runs(side, "cost_usd"), 2) for side in sides)],
    ]
    return [row for row in rows if row[0] != "left out" or any(row[1:])]


def _run_cell(side: Side) -> str | None:
    if side.summary is None:
        return None
    more = len(side.runs) - 1
    return f"{side.summary.id} and {more} more" if more else side.summary.id


def _claimed_rows(sides: Sequence[Side]) -> Rows:
    """Return the best epochs that imported logs report."""
    claims = [side.best if side.is_import else {} for side in sides]
    known = dict.fromkeys(name for claim in claims for name in claim)
    if not known:
        return []
    epochs = [side.best_epoch if side.is_import else None for side in sides]
    rows: Rows = [["best epoch", *epochs]]
    return rows + [[name, *(_metric(claim.get(name)) for claim in claims)] for name in known]


def _reported_rows(sides: Sequence[Side], task: TaskSpec) -> Rows:
    claims = [side.reported for side in sides]
    rows: Rows = [
        [task.primary, *(getattr(claim, task.primary, None) for claim in claims)],
        ["best epoch", *(claim and claim.best_epoch for claim in claims)],
        ["accuracy", *(claim and claim.accuracy for claim in claims)],
        ["hours", *(claim and claim.hours for claim in claims)],
        ["cost, $", *(claim and claim.cost_usd for claim in claims)],
    ]
    return [row for row in rows if any(cell is not None for cell in row[1:])]


def _metric(value: float | Spread | None) -> str | Spread | None:
    return figure(value) if value is None or isinstance(value, float | int) else value


def figure(value: float | None, digits: int = 4) -> str | None:
    """Format a number with this many decimals; ``None`` stays."""
    return None if value is None else f"{value:.{digits}f}"


def note_on_verdicts(comparison: Comparison) -> str | None:
    """Return the notes on the verdicts, if there are any verdicts."""
    verdicts = [verdict for verdict in comparison.verdicts if verdict.difference is not None]
    if not verdicts:
        return None
    notes = [_pooled(comparison)]
    epochs = {verdict.epoch for verdict in verdicts}
    notes += [note for epoch, note in (("best", BEST_NOTE), ("last", LAST_NOTE)) if epoch in epochs]
    abouts = {verdict.about for verdict in verdicts}
    notes += [SEEDS_NOTE] if "versions" in abouts else []
    notes += [ONE_SEED_NOTE] if abouts == {"checkpoints"} else []
    notes += dict.fromkeys(
        f"{side.name}: {leak}."
        for side in comparison.sides
        for run in side.runs
        for leak in run.leaks
    )
    return " ".join(note.replace("{units}", comparison.by.unit.many) for note in notes)


def _pooled(comparison: Comparison) -> str:
    """Say which metric the verdicts use, and why, if it is not the usual one."""
    by = comparison.by
    task = by.task
    several = len(task.labels(comparison.sides[0].experiment)) > 1
    over = f"over the {task.label.many}," if several else "of the"
    pooled = (
        f"{by.metric.name} {over} {task.example.many} of all validation {task.unit.many} pooled."
    )
    absent = dict.fromkeys(
        name.removeprefix(SUPPORT)
        for side in comparison.sides
        for name, value in side.best.items()
        if name.startswith(SUPPORT) and value == 0
    )
    if by.metric.name == task.primary or not absent:
        return pooled
    return (
        f"{pooled} It leads in place of {task.primary}, which cannot reach 1: no validation"
        f" {task.example.one} is of {', '.join(map(clean, absent))}."
    )
