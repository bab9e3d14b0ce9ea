"""``mabe compare A B…``: which is better, and how sure can one be."""

import csv
import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import ConfigError
from mabe_tui.cli.output import JsonOption, clean, duration, print_json, print_table
from mabe_tui.cli.registry_commands import spell
from mabe_tui.cli.session import Session, session_of

if TYPE_CHECKING:
    from mabe_tui.runs.compare import Comparison, Side

SPARK_WIDTH = 32
METRICS_FIRST = ("f1_macro", "f1_macro_behaviours", "f1_macro_present", "accuracy", "loss")
Rows = list[list[object]]


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("compare")(compare)


def compare(
    context: typer.Context,
    names: Annotated[
        list[str], typer.Argument(metavar="A B…", help="Versions or runs, two or more.")
    ],
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="One row a quantity, one column a side.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="Tables for a document.")] = False,
) -> None:
    """Compare versions or runs: settings, metrics, time, and a verdict with its uncertainty."""
    if as_json + as_csv + as_markdown > 1:
        raise ConfigError("--json, --csv and --md: choose one")
    comparison = _compared(names, session_of(context))
    if as_json:
        print_json(comparison)
    elif as_csv:
        _print_csv(comparison)
    else:
        _print_sections(comparison, as_markdown)


def print_comparison(names: Sequence[str], session: Session) -> None:
    """Print what ``mabe compare`` does."""
    _print_sections(_compared(names, session), markdown=False)


def _compared(names: Sequence[str], session: Session) -> "Comparison":
    from mabe_tui.runs.compare import compare as compare_runs
    from mabe_tui.runs.store import RunStore

    return compare_runs(names, RunStore(session.home), session.registry)


def sections(comparison: "Comparison") -> list[tuple[str, Rows]]:
    """Give the tables of a comparison: title, then rows of a label and one cell a side."""
    sides = comparison.sides
    settings: Rows = [
        [row.key, *(spell(value) for value in row.values)] for row in comparison.settings
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
        side.best_epoch if best else (side.curve.epoch[-1] if side.curve.epoch else None)
        for side in sides
    ]
    tables = [side.best if best else side.last for side in sides]
    known = dict.fromkeys(key for table in tables for key in table if "/" not in key)
    names = [name for name in METRICS_FIRST if name in known]
    names += [name for name in known if name not in names]
    rows: Rows = [["epoch", *epochs]] if known else []
    return rows + [[name, *(_figure(table.get(name)) for table in tables)] for name in names]


def _class_rows(sides: "Sequence[Side]") -> Rows:
    classes = dict.fromkeys(name for side in sides for name in side.experiment.classes)
    rows: Rows = [
        [name, *(_figure(side.best.get(f"f1/{name}")) for side in sides)] for name in classes
    ]
    return [row for row in rows if any(cell is not None for cell in row[1:])]


def _run_rows(sides: "Sequence[Side]") -> Rows:
    runs = [side.summary for side in sides]
    if not any(runs):
        return []
    return [
        ["run", *(run and run.id for run in runs)],
        ["state", *(run and str(run.state) for run in runs)],
        ["epochs", *(run and f"{run.epoch} of {run.epochs}" for run in runs)],
        ["parameters", *(run and run.parameters and f"{run.parameters:,}" for run in runs)],
        ["device", *(run and run.device for run in runs)],
        ["time", *(run and duration(run.elapsed_seconds) for run in runs)],
        [
            "frames/s",
            *(run and run.frames_per_second and f"{run.frames_per_second:,.0f}" for run in runs),
        ],
        ["cost, $", *(_figure(run.cost_usd, 2) if run else None for run in runs)],
    ]


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
        print(f"- {verdict.sentence}" if markdown else f"  {verdict.sentence}")
    if any(verdict.difference is not None for verdict in comparison.verdicts):
        note = (
            "f1_macro over the classes, frames of all validation videos pooled; each side picked its best"
            " epoch on these same videos, so both figures are a little too good."
        )
        print(f"\n{note}" if markdown else f"  ({note})")


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
        writer.writerows([title, *("" if cell is None else cell for cell in row)] for row in rows)
    for verdict in comparison.verdicts:
        writer.writerow(["verdict", verdict.sentence])
    print(text.getvalue(), end="")
