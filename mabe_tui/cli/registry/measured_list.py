"""``mabe list --measured``: the versions, with what their runs came to."""

from collections.abc import Sequence

import msgspec

from core.errors import RunError
from core.run import places
from mabe_tui.cli.listing.runs_view import baseline_name
from mabe_tui.cli.session import Session
from mabe_tui.cli.terminal.fit import fitted, say_left_out
from mabe_tui.cli.terminal.output import print_csv, print_json, print_table, say
from mabe_tui.runs.listing.catalog import Catalog
from mabe_tui.runs.listing.cells import spell, spell_delta, spell_measured
from mabe_tui.runs.listing.experiments import (
    ExperimentRow,
    baseline_of,
    experiment_rows,
    with_told_apart,
)
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.told_apart import NOT_TOLD_APART, Distinctions
from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.store import RunStore

NARROW = ("gpu", "model", "status", "cost")
NUMBERS = ("reported F1", "measured F1", "Δ", "runs", "cost")
CSV_COLUMNS = (
    "version", "status", "model", "data", "input_size", "gpu", "batch_size", "reported_f1_macro",
    "f1_macro", "std", "seeds", "finished", "as_registered", "delta", "told_apart", "runs", "trials",
    "last_run", "last_state", "cost_usd",
)  # fmt: skip


def list_measured(session: Session, baseline: str | None, *, as_json: bool, as_csv: bool) -> None:
    """Print a row a version.

    Raises:
        RunError: the stated baseline is neither a version nor a run.
    """
    store = RunStore(session.home)
    catalog = Catalog(store)
    for problem in catalog.refresh():
        say(f"mabe: what is here may be old: {problem}")
    rows = _rows(session, catalog, baseline)
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(CSV_COLUMNS, map(_csv_row, rows))
    else:
        _print(rows)
        if any(row.delta and not row.told_apart for row in rows):
            say(NOT_TOLD_APART)
        if any(row.as_registered is False and row.measured.f1_macro is not None for row in rows):
            say(
                "* not with the settings that the registry gives now: a preset, --set, or a change since"
            )
        if any(row.measured.at_most is not None for row in rows):
            say(
                "of 0.50, say: what macro F1 cannot pass there, as the validation videos lack classes"
            )


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
    cells = [_cells(row) for row in rows]
    whole = [(header, [c[header] for c in cells]) for header in cells[0]]
    columns = fitted(whole, NARROW)
    headers = [header for header, _ in columns]
    lines = list(zip(*(values for _, values in columns), strict=True))
    print_table(headers, lines, right=[headers.index(n) for n in NUMBERS if n in headers])
    say_left_out(whole, headers)


def _cells(row: ExperimentRow) -> dict[str, object]:
    trials = f" + {row.trials} trials" if row.trials else ""
    return {
        "version": f"{row.version} ◆" if row.is_baseline else row.version,
        "status": row.status,
        "model": row.model,
        "gpu": row.gpu,
        "reported F1": row.reported_f1_macro,
        "measured F1": spell_measured(row.measured, row.as_registered),
        "Δ": spell_delta(row.delta, row.told_apart),
        "runs": f"{row.runs}{trials}" if row.runs or row.trials else None,
        "cost": spell("cost_usd", row.cost_usd),
        "last": row.last_state.value if row.last_state else None,
    }


def _csv_row(row: ExperimentRow) -> list[object]:
    values = msgspec.structs.asdict(row)
    measured = row.measured
    values |= {"f1_macro": measured.f1_macro, "std": measured.std, "seeds": len(measured.runs)}
    values |= {"finished": measured.finished}
    return [values[name] for name in CSV_COLUMNS]
