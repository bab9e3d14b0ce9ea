"""``mabe compare A B…``: which is better, and how sure can one be."""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ConfigError
from core.files import write_bytes_atomically
from mabe_tui.cli.output import JsonOption, clean, print_json, print_table, say, wrapped
from mabe_tui.cli.session import Session, session_of
from mabe_tui.runs.settings import spell
from mabe_tui.runs.units import duration

if TYPE_CHECKING:
    from mabe_tui.runs.compare import Comparison
    from mabe_tui.runs.inspect import Inspection
    from mabe_tui.runs.sides import Side, Spread

SPARK_WIDTH = 32
METRICS_FIRST = ("f1_macro", "f1_macro_behaviours", "f1_macro_present", "accuracy", "loss")
POOLED_NOTE = (
    "f1_macro over the classes, frames of all validation videos pooled; each side picked its best"
    " epoch on these same videos, so both figures are a little too good."
)
SEEDS_NOTE = (
    "± is the standard deviation over the seeds; the interval is over videos, for these seeds."
)
Rows = list[list[object]]


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("compare")(compare)


def compare(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(metavar="A B…", help="Versions, runs or RUN@epoch-3, two or more."),
    ],
    latest: Annotated[
        bool, typer.Option("--latest", help="Of a version only its latest run, not all its seeds.")
    ] = False,
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="One row a quantity, one column a side.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="Tables for a document.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page that needs nothing else."),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Write curves and verdicts.")
    ] = None,
) -> None:
    """Compare versions or runs: settings, metrics, time, and a verdict with its uncertainty.

    A version stands for its latest run and those that differ from it in nothing but the seed.
    """
    if as_json + as_csv + as_markdown + (html is not None) + (svg is not None) > 1:
        raise ConfigError("--json, --csv, --md, --html and --svg: choose one")
    if any("@" in name for name in names):
        from mabe_tui.cli.compare_checkpoints import compare_named

        compare_named(names, session_of(context), as_json)
        return
    comparison = _compared(names, session_of(context), latest)
    for problem in comparison.unreadable:
        say(f"mabe: left out: {problem}")
    if as_json:
        print_json(_inspected(comparison, session_of(context)))
    elif as_csv:
        _print_csv(comparison)
    elif html is not None or svg is not None:
        _write_report(comparison, session_of(context), html, svg)
    else:
        _print_sections(comparison, as_markdown)
        for change in _inspected(comparison, session_of(context)).code:
            if change is not None and not change.same:
                print(wrapped(f"\ncode: {change}", "  "))


def _inspected(comparison: "Comparison", session: Session) -> "Inspection":
    from mabe_tui.runs.inspect import inspect
    from mabe_tui.runs.store import RunStore

    return inspect(comparison, RunStore(session.home))


def _write_report(
    comparison: "Comparison", session: Session, html: Path | None, svg: Path | None
) -> None:
    from mabe_tui.runs import report as reports
    from mabe_tui.runs.store import RunStore

    columns = tuple(side.name for side in comparison.sides)
    tables = [
        reports.ReportTable(title, columns, tuple(tuple(map(clean, row)) for row in rows))
        for title, rows in sections(comparison)
    ]
    report = reports.comparison_report(
        comparison, tables, RunStore(session.home), _note(comparison) or ""
    )
    for path, write in ((html, reports.to_html), (svg, reports.to_svg)):
        if path is not None:
            write_bytes_atomically(path, write(report).encode())
            say(f"wrote {path}")


def print_comparison(names: Sequence[str], session: Session) -> None:
    """Print what ``mabe compare`` does."""
    _print_sections(_compared(names, session), markdown=False)


def _compared(names: Sequence[str], session: Session, latest: bool = False) -> "Comparison":
    from mabe_tui.runs.compare import compare as compare_runs
    from mabe_tui.runs.store import RunStore

    return compare_runs(names, RunStore(session.home), session.registry, latest)


def sections(comparison: "Comparison") -> list[tuple[str, Rows]]:
    """Give the tables of a comparison: title, then rows of a label and one cell a side."""
    sides = comparison.sides
    settings: Rows = [
        [
            row.key,
            *(None if gone else spell(v) for v, gone in zip(row.values, row.missing, strict=True)),
        ]
        for row in comparison.settings
    ]
    return [
        ("changed settings", settings),
        ("measured here, at each one's best epoch", _metric_rows(sides, best=True)),
        ("measured here, at the last epoch", _metric_rows(sides, best=False)),
        ("F1 of each class, at the best epoch", _class_rows(sides)),
        ("time and cost", _run_rows(sides)),
        ("reported by the original documents, not measured here", _reported_rows(sides)),
    ]


def _metric_rows(sides: "Sequence[Side]", best: bool) -> Rows:
    epochs = [
        _listed((run.best_epoch if best else run.epoch or None) for run in side.runs)
        for side in sides
    ]
    tables = [_metrics_of(side, best) for side in sides]
    known = dict.fromkeys(key for table in tables for key in table if "/" not in key)
    names = [name for name in METRICS_FIRST if name in known]
    names += [name for name in known if name not in names]
    rows: Rows = [*_seed_rows(sides), ["epoch", *epochs]] if known else []
    return rows + [[name, *(_metric(table.get(name)) for table in tables)] for name in names]


def _metrics_of(side: "Side", best: bool) -> "Mapping[str, float | Spread]":
    """Give the metrics of a side: over its seeds, or of its one run."""
    if best:
        return side.best_over_seeds or side.best
    return side.last_over_seeds or side.last


def _seed_rows(sides: "Sequence[Side]") -> Rows:
    if all(len(side.runs) < 2 for side in sides):
        return []
    return [["seeds", *(_listed(side.seeds) for side in sides)]]


def _listed(values: Iterable[object]) -> str | None:
    return ", ".join(clean(value) for value in values) or None


def _class_rows(sides: "Sequence[Side]") -> Rows:
    classes = dict.fromkeys(name for side in sides for name in side.experiment.classes)
    rows: Rows = [
        [name, *(_metric(_metrics_of(side, best=True).get(f"f1/{name}")) for side in sides)]
        for name in classes
    ]
    return [row for row in rows if any(cell is not None for cell in row[1:])]


def _run_rows(sides: "Sequence[Side]") -> Rows:
    runs = [side.summary for side in sides]
    if not any(runs):
        return []
    from mabe_tui.runs.inspect import mean_over_runs  # numpy

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
        [f"cost, ${mean}", *(_figure(mean_over_runs(side, "cost_usd"), 2) for side in sides)],
    ]
    return [row for row in rows if row[0] != "left out" or any(row[1:])]


def _run_cell(side: "Side") -> str | None:
    if side.summary is None:
        return None
    more = len(side.runs) - 1
    return f"{side.summary.id} and {more} more" if more else side.summary.id


def _reported_rows(sides: "Sequence[Side]") -> Rows:
    claims = [side.reported for side in sides]
    rows: Rows = [
        ["f1_macro", *(claim and claim.f1_macro for claim in claims)],
        ["best epoch", *(claim and claim.best_epoch for claim in claims)],
        ["accuracy", *(claim and claim.accuracy for claim in claims)],
        ["hours", *(claim and claim.hours for claim in claims)],
        ["cost, $", *(claim and claim.cost_usd for claim in claims)],
    ]
    return [row for row in rows if any(cell is not None for cell in row[1:])]


def _metric(value: "float | Spread | None") -> "str | Spread | None":
    return _figure(value) if value is None or isinstance(value, float | int) else value


def _figure(value: float | None, digits: int = 4) -> str | None:
    return None if value is None else f"{value:.{digits}f}"


def _print_sections(comparison: "Comparison", markdown: bool) -> None:
    names = [side.name for side in comparison.sides]
    for title, rows in sections(comparison):
        if not rows:
            continue
        if markdown:
            _print_markdown(title, names, rows)
        else:
            print(f"\n{title}")
            print_table(["", *names], rows, right=list(range(1, len(names) + 1)))
    if not markdown:
        _print_curves(comparison)
    print("\n## verdict\n" if markdown else "\nverdict")
    for verdict in comparison.verdicts:
        print(f"- {verdict.sentence}" if markdown else wrapped(f"  {verdict.sentence}", "    "))
    if (note := _note(comparison)) is not None:
        print(f"\n{note}" if markdown else wrapped(f"  ({note})", "  "))


def _note(comparison: "Comparison") -> str | None:
    """Give what to know of the verdicts, where there are any."""
    if all(verdict.difference is None for verdict in comparison.verdicts):
        return None
    several = any(len(side.runs) > 1 for side in comparison.sides)
    return f"{POOLED_NOTE} {SEEDS_NOTE}" if several else POOLED_NOTE


def _print_curves(comparison: "Comparison") -> None:
    from mabe_tui.plotting.sparkline import sparkline

    ascii_only = "utf" not in (sys.stdout.encoding or "").lower()
    rows = []
    for side in comparison.sides:
        monitor = side.experiment.training.monitor
        for label, values in (("train loss", side.curve.train_loss), (monitor, side.curve.monitor)):
            if values:
                line = sparkline(values, SPARK_WIDTH, ascii_only=ascii_only)
                ends = f"{values[0]:.4f} → {values[-1]:.4f}"
                rows.append([side.name, label, line, ends])
    if rows:
        print("\ncurves, one point an epoch")
        print_table(["", "", "", "first → last"], rows)


def _print_markdown(title: str, names: Sequence[str], rows: Rows) -> None:
    print(f"\n## {title}\n")
    header: Rows = [["", *names], ["---"] * (len(names) + 1)]
    for line in header + rows:
        print("| " + " | ".join(clean(cell).replace("|", "\\|") for cell in line) + " |")


def _print_csv(comparison: "Comparison") -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["section", "quantity", *(side.name for side in comparison.sides)])
    for title, rows in sections(comparison):
        writer.writerows([title, *line] for row in rows for line in _csv_lines(row))
    for verdict in comparison.verdicts:
        writer.writerow(["verdict", verdict.sentence])
    print(text.getvalue(), end="")


def _csv_lines(row: list[object]) -> Iterator[list[object]]:
    """Write a row for a program: numbers alone, and what is over seeds in a second row."""
    from mabe_tui.runs.sides import Spread

    means = [_figure(cell.mean) if isinstance(cell, Spread) else cell for cell in row]
    yield ["" if cell is None else cell for cell in means]
    if any(isinstance(cell, Spread) for cell in row):
        spreads = [_figure(cell.std) if isinstance(cell, Spread) else "" for cell in row[1:]]
        yield [f"{row[0]}, std over seeds", *spreads]
