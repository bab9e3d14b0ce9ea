"""A comparison as tables of words: the same on the command line, in a report and on a screen."""

from collections.abc import Iterable, Mapping, Sequence

from core.config.task_spec import labels_of
from mabe_tui.runs.comparison.compare import Comparison
from mabe_tui.runs.comparison.sides import Side, Spread, mean_over_runs
from mabe_tui.runs.format.settings import spell, spell_side_by_side
from mabe_tui.runs.format.units import duration
from mabe_tui.runs.format.untrusted_text import clean
from mabe_tui.runs.summary.metric_limits import F1_MACRO, most_possible

METRICS_FIRST = ("f1_macro", "f1_macro_behaviours", "f1_macro_present", "accuracy", "loss")
POOLED_NOTE = "f1_macro over the classes, frames of all validation videos pooled."
BEST_NOTE = (
    "Each run picked its best epoch on these same videos, so its figure is a little too good;"
    " `mabe compare … --epoch last` compares the last epochs, which nobody picked."
)
LAST_NOTE = "Verdicts are about the last epoch of each run."
SEEDS_NOTE = (
    "± is the standard deviation over the seeds; the interval counts the luck of seeds and videos."
)
ONE_SEED_NOTE = (
    "The interval counts the luck of the videos alone: another seed would give another result."
)
Rows = list[list[object]]
"""A label, then one cell a side; ``None``: nothing to say."""


def sections(comparison: Comparison, exact: bool = False) -> list[tuple[str, Rows]]:
    """Return the tables of a comparison: title, then rows of a label and one cell a side.

    Args:
        comparison: of two sides or more.
        exact: settings have all their digits, for a program.
    """
    sides = comparison.sides
    return [
        ("changed settings", _setting_rows(comparison, exact)),
        (_measured_title(sides), _metric_rows(sides, best=True)),
        ("measured here, at the last epoch", _metric_rows(sides, best=False)),
        ("F1 of each class, at the best epoch", _class_rows(sides)),
        ("time and cost", _run_rows(sides)),
        ("claimed by imported logs, not measured here", _claimed_rows(sides)),
        ("reported by the original documents, not measured here", _reported_rows(sides)),
    ]


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


def _metric_rows(sides: Sequence[Side], best: bool) -> Rows:
    epochs = [epochs_of(side, best) for side in sides]
    tables = [_metrics_of(side, best) for side in sides]
    known = dict.fromkeys(key for table in tables for key in table if "/" not in key)
    names = [name for name in METRICS_FIRST if name in known]
    names += [name for name in known if name not in names]
    rows: Rows = [*_seed_rows(sides), ["epoch", *epochs]] if known else []
    for name in names:
        rows.append([name, *(_metric(table.get(name)) for table in tables)])
        most = [most_possible(side.best) if _metrics_of(side, best) else None for side in sides]
        if name == F1_MACRO and any(each is not None for each in most):
            limits = [
                figure(1 if m is None and t else m) for m, t in zip(most, tables, strict=True)
            ]
            rows.append(["  at most, as classes are absent", *limits])
    return rows


def epochs_of(side: Side, best: bool) -> str | None:
    """List the best, or the last, epoch of each of a side's runs; ``None`` where there is none."""
    if side.checkpoint is not None:
        return _listed([side.best_epoch])
    if side.is_import:
        return None  # what it claims of itself has rows of its own
    return _listed((run.best_epoch if best else run.epoch or None) for run in side.runs)


def _metrics_of(side: Side, best: bool) -> Mapping[str, float | Spread]:
    """Return what was measured here of a side: over its seeds, or of its one run."""
    if side.is_import:
        return {}
    if best:
        return side.best_over_seeds or side.best
    return side.last_over_seeds or side.last


def _seed_rows(sides: Sequence[Side]) -> Rows:
    if all(len(side.runs) < 2 for side in sides):
        return []
    return [["seeds", *(None if side.is_import else _listed(side.seeds) for side in sides)]]


def _listed(values: Iterable[object]) -> str | None:
    return ", ".join(clean(value) for value in values) or None


def _class_rows(sides: Sequence[Side]) -> Rows:
    classes = dict.fromkeys(name for side in sides for name in labels_of(side.experiment))
    rows: Rows = [
        [name, *(_metric(_metrics_of(side, best=True).get(f"f1/{name}")) for side in sides)]
        for name in classes
    ]
    return [row for row in rows if any(cell is not None for cell in row[1:])]


def _run_rows(sides: Sequence[Side]) -> Rows:
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
        [f"frames/s{mean}", *(speed and f"{speed:,.0f}" for speed in speeds)],
        [f"cost, ${mean}", *(figure(mean_over_runs(side, "cost_usd"), 2) for side in sides)],
    ]
    return [row for row in rows if row[0] != "left out" or any(row[1:])]


def _run_cell(side: Side) -> str | None:
    if side.summary is None:
        return None
    more = len(side.runs) - 1
    return f"{side.summary.id} and {more} more" if more else side.summary.id


def _claimed_rows(sides: Sequence[Side]) -> Rows:
    """Return what imported logs say of their best epochs."""
    claims = [side.best if side.is_import else {} for side in sides]
    known = dict.fromkeys(name for claim in claims for name in claim)
    if not known:
        return []
    epochs = [side.best_epoch if side.is_import else None for side in sides]
    rows: Rows = [["best epoch", *epochs]]
    return rows + [[name, *(_metric(claim.get(name)) for claim in claims)] for name in known]


def _reported_rows(sides: Sequence[Side]) -> Rows:
    claims = [side.reported for side in sides]
    rows: Rows = [
        ["f1_macro", *(claim and claim.f1_macro for claim in claims)],
        ["best epoch", *(claim and claim.best_epoch for claim in claims)],
        ["accuracy", *(claim and claim.accuracy for claim in claims)],
        ["hours", *(claim and claim.hours for claim in claims)],
        ["cost, $", *(claim and claim.cost_usd for claim in claims)],
    ]
    return [row for row in rows if any(cell is not None for cell in row[1:])]


def _metric(value: float | Spread | None) -> str | Spread | None:
    return figure(value) if value is None or isinstance(value, float | int) else value


def figure(value: float | None, digits: int = 4) -> str | None:
    """Spell a number with so many decimals; ``None`` stays."""
    return None if value is None else f"{value:.{digits}f}"


def note_on_verdicts(comparison: Comparison) -> str | None:
    """Return what to know of the verdicts, where there are any."""
    verdicts = [verdict for verdict in comparison.verdicts if verdict.difference is not None]
    if not verdicts:
        return None
    notes = [POOLED_NOTE]
    epochs = {verdict.epoch for verdict in verdicts}
    notes += [note for epoch, note in (("best", BEST_NOTE), ("last", LAST_NOTE)) if epoch in epochs]
    abouts = {verdict.about for verdict in verdicts}
    notes += [SEEDS_NOTE] if "versions" in abouts else []
    notes += [ONE_SEED_NOTE] if abouts == {"checkpoints"} else []
    return " ".join(notes)
