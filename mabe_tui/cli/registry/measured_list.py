"""``mabe list --measured``: list versions with the results of their runs."""

from collections.abc import Collection, Sequence

from core.errors import RunError
from core.run import places
from mabe_tui.cli.listing.runs_view import baseline_name
from mabe_tui.cli.session import Session
from mabe_tui.cli.terminal.fit import fitted, say_left_out
from mabe_tui.cli.terminal.output import print_csv, print_json, print_table, say
from mabe_tui.runs.comparison.told_apart import NOT_TOLD_APART, Distinctions
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.cells import PRESENT_NOTE, spell, spell_delta, spell_measured
from mabe_tui.runs.listing.experiments import (
    ExperimentRow,
    baseline_of,
    experiment_rows,
    experiment_table,
    shared_label,
    with_told_apart,
)
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.tasks import SCORE

NARROW = ("gpu", "model", "group", "status", "cost")
LEFT_ALIGNED = ("version", "group", "status", "model", "gpu", "last")
CSV_BEFORE = ("version", "status", "model", "data", "input_size", "gpu", "batch_size")
"""Columns before those of the tasks' primary metrics."""
CSV_AFTER = (
    "std", "seeds", "finished", "as_registered", "delta", "told_apart", "runs", "trials",
    "last_run", "last_state", "cost_usd", "task", "leading", "score", "score_std", "score_delta",
    "group",
)  # fmt: skip


def list_measured(
    session: Session,
    baseline: str | None,
    versions: Collection[str],
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print a row per version.

    Raises:
        RunError: the given baseline is neither a version nor a run.
    """
    store = RunStore(session.home)
    catalog = Catalog(store)
    for problem in catalog.refresh():
        say(f"mabe: what is here may be old: {problem}")
    rows = [row for row in _rows(session, catalog, baseline) if row.version in versions]
    if as_json:
        print_json([experiment_table(row) for row in rows])
    elif as_csv:
        _print_csv(rows)
    else:
        _print(rows)
        _print_notes(rows)


def _print_notes(rows: Sequence[ExperimentRow]) -> None:
    """Explain the marks in the table."""
    if any(row.score_delta and not row.told_apart for row in rows):
        say(NOT_TOLD_APART)
    if any(row.as_registered is False and row.measured.score is not None for row in rows):
        say(
            "* not with the settings that the registry gives now: a preset, --set, or a change since"
        )
    measured = [row for row in rows if row.measured.metric is not None]
    if any(row.measured.metric != row.metric for row in measured):
        say(PRESENT_NOTE)
    if any(row.measured.at_most and row.measured.metric == row.metric for row in measured):
        say("of 0.50, say: what a mean over all classes cannot pass, as the data lacks some")


def _rows(session: Session, catalog: Catalog, stated: str | None) -> list[ExperimentRow]:
    records = catalog.records()
    if stated is not None:
        known = stated in session.registry.versions
        name = stated if known else baseline_name(catalog.store, stated)
        return _held_against(session, records, name)
    pinned = ViewState(session.home).read().baseline
    try:
        return _held_against(session, records, pinned)
    except RunError as error:
        say(f"mabe: no Δ against the pinned baseline: {error}")
        return experiment_rows(session.registry, records)


def _held_against(
    session: Session, records: Sequence[RunRecord], name: str | None
) -> list[ExperimentRow]:
    rows = experiment_rows(session.registry, records, name)
    baseline = baseline_of(name, session.registry, records)
    if baseline is None:
        return rows
    distinctions = Distinctions(places.runs(session.home))
    distinctions.find([row.measured for row in rows], baseline, records)
    return with_told_apart(rows, baseline, distinctions)


def _print(rows: Sequence[ExperimentRow]) -> None:
    label = shared_label(rows)
    cells = [_cells(row, label) for row in rows]
    whole = [(header, [c[header] for c in cells]) for header in cells[0]]
    columns = fitted(whole, NARROW)
    headers = [header for header, _ in columns]
    lines = list(zip(*(values for _, values in columns), strict=True))
    print_table(
        headers,
        lines,
        right=[n for n, header in enumerate(headers) if header not in LEFT_ALIGNED],
        parts=[row.group for row in rows],
    )
    say_left_out(whole, headers)


def _cells(row: ExperimentRow, label: str | None) -> dict[str, object]:
    """Return the cells of a version; ``label`` is the label of the metric if all versions share it."""
    trials = f" + {row.trials} trials" if row.trials else ""
    return {
        "version": f"{row.version} ◆" if row.is_baseline else row.version,
        "group": row.group,
        "status": row.status,
        "model": row.model,
        "gpu": row.gpu,
        f"reported {label or SCORE}": row.reported,
        f"measured {label or SCORE}": spell_measured(
            row.measured, row.as_registered, row.metric, with_label=label is None
        ),
        "Δ": spell_delta(row.score_delta, row.told_apart),
        "runs": f"{row.runs}{trials}" if row.runs or row.trials else None,
        "cost": spell("cost_usd", row.cost_usd),
        "last": row.last_state.value if row.last_state else None,
    }


def _print_csv(rows: Sequence[ExperimentRow]) -> None:
    primaries = [*dict.fromkeys(row.metric for row in rows)]
    named = [name for metric in primaries for name in (f"reported_{metric}", metric)]
    columns = (*CSV_BEFORE, *named, *CSV_AFTER)
    print_csv(columns, ([_csv_values(row).get(name) for name in columns] for row in rows))


def _csv_values(row: ExperimentRow) -> dict[str, object]:
    measured = row.measured
    values = experiment_table(row)
    values |= {row.metric: measured.primary, "std": measured.std, "seeds": len(measured.runs)}
    values |= {"finished": measured.finished, "leading": measured.metric}
    return values | {"score": measured.score, "score_std": measured.score_std}
