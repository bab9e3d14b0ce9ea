"""``mabe compare A B…``: compare versions or runs, with the uncertainty of the verdict."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from core.errors import ConfigError, MisuseError
from core.system.files import write_bytes_atomically
from mabe_tui.cli.options import ForceOption, require_targets
from mabe_tui.cli.session import Session, session_of
from mabe_tui.cli.terminal.fit import room_beside
from mabe_tui.cli.terminal.output import (
    JsonOption,
    clean,
    print_csv,
    print_json,
    print_table,
    say,
    wrapped,
)
from mabe_tui.cli.terminal.picture import plain_only
from mabe_tui.runs.comparison.compare import Comparison
from mabe_tui.runs.comparison.compare import compare as compare_runs
from mabe_tui.runs.comparison.compare_tables import Rows, figure, note_on_verdicts, sections
from mabe_tui.runs.comparison.judgement import Settling, WhichEpoch
from mabe_tui.runs.comparison.sides import Side, Spread
from mabe_tui.runs.store import RunStore

SPARK_WIDTH = 32


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
        bool, typer.Option("--latest", help="For versions, use only the latest run, not all seeds.")
    ] = False,
    epoch: Annotated[
        WhichEpoch,
        typer.Option(
            "--epoch",
            help="The epoch to compare: best, picked on these videos, or last, which involves no choice.",
        ),
    ] = "best",
    as_json: JsonOption = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print as CSV, one row per quantity, one column per side.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="Print as Markdown tables.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a self-contained HTML page."),
    ] = None,
    svg: Annotated[
        Path | None,
        typer.Option("--svg", metavar="FILE", help="Write curves and verdicts to an SVG file."),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Compare versions or runs: settings, metrics, time, and a verdict with its uncertainty.

    A version stands for its latest run and those that differ from it only in the seed.
    """
    if as_json + as_csv + as_markdown + (html is not None) + (svg is not None) > 1:
        raise MisuseError("--json, --csv, --md, --html and --svg: choose one")
    if any("@" in name for name in names):
        from mabe_tui.cli.comparison.compare_checkpoints import compare_named

        if epoch != "best":
            raise ConfigError("--epoch is for versions and runs; name a checkpoint as RUN@last")
        if latest or as_csv or as_markdown or html is not None or svg is not None:
            raise ConfigError("checkpoints (RUN@epoch-3) are compared as text or with --json")
        compare_named(names, session_of(context), as_json)
        return
    require_targets(force, html, svg)
    comparison = _compared(names, session_of(context), latest, epoch)
    for problem in comparison.unreadable:
        say(f"mabe: left out: {problem}")
    if as_json:
        from mabe_tui.runs.comparison.inspection import inspect

        print_json(inspect(comparison, RunStore(session_of(context).home)))
    elif as_csv:
        _print_csv(comparison)
    elif html is not None or svg is not None:
        _write_report(comparison, session_of(context), html, svg)
    else:
        _print_sections(comparison, as_markdown)
        _print_code(comparison, RunStore(session_of(context).home))


def _print_code(comparison: Comparison, store: RunStore) -> None:
    from mabe_tui.runs.comparison.inspection import code_of_sides

    for change in code_of_sides(comparison.sides, store):
        if change is not None and not change.same:
            print(wrapped(f"\ncode: {change}", "  "))


def _write_report(
    comparison: Comparison, session: Session, html: Path | None, svg: Path | None
) -> None:
    from mabe_tui.runs.comparison import report as reports

    report = reports.comparison_report(comparison, RunStore(session.home))
    for path, write in ((html, reports.to_html), (svg, reports.to_svg)):
        if path is not None:
            write_bytes_atomically(path, write(report).encode())
            say(f"wrote {path}")


def print_comparison(names: Sequence[str], session: Session) -> None:
    """Print the result of ``mabe compare``."""
    _print_sections(_compared(names, session), markdown=False)


def _compared(
    names: Sequence[str], session: Session, latest: bool = False, epoch: WhichEpoch = "best"
) -> Comparison:
    return compare_runs(names, RunStore(session.home), session.registry, latest, epoch)


def _print_sections(comparison: Comparison, markdown: bool) -> None:
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
        if verdict.settling is not None:
            _print_settling(verdict.settling, markdown)
    if (note := note_on_verdicts(comparison)) is not None:
        print(f"\n{note}" if markdown else wrapped(f"  ({note})", "  "))


def _print_settling(settling: Settling, markdown: bool) -> None:
    """Print what would settle a verdict, and the commands for it."""
    print(f"  - {settling.sentence}" if markdown else wrapped(f"    {settling.sentence}", "    "))
    for command in settling.commands:
        print(f"    - `{command}`" if markdown else f"      {clean(command)}")


def _print_curves(comparison: Comparison) -> None:
    from mabe_tui.plotting.sparkline import sparkline

    ascii_only = plain_only()
    lines = [
        (side.name, label, values, f"{values[0]:.4f} → {values[-1]:.4f}")
        for side in comparison.sides
        for label, values in _curves(side)
        if values
    ]
    others = [("", list(texts)) for texts in zip(*((n, c, e) for n, c, _, e in lines), strict=True)]
    width = min(SPARK_WIDTH, room_beside(others))
    rows = [
        [name, label, sparkline(values, width, ascii_only=ascii_only), ends]
        for name, label, values, ends in lines
    ]
    if rows:
        several = any(side.curve_over_seeds is not None for side in comparison.sides)
        print(f"\ncurves, one point an epoch{', mean over the seeds' if several else ''}")
        print_table(["", "", "", "first → last"], rows)


def _curves(side: Side) -> list[tuple[str, Sequence[float]]]:
    """Return the curves of a side; for several seeds, their mean as far as all of them go."""
    monitor, seeds = side.experiment.training.monitor, side.curve_over_seeds
    if seeds is None:
        return [("train loss", side.curve.train_loss), (monitor, side.curve.monitor)]
    means = [[spread.mean for spread in each] for each in (seeds.train_loss, seeds.monitor)]
    return [("train loss", means[0]), (monitor, means[1])]


def _print_markdown(title: str, names: Sequence[str], rows: Rows) -> None:
    print(f"\n## {title}\n")
    header: Rows = [["", *names], ["---"] * (len(names) + 1)]
    for line in header + rows:
        print("| " + " | ".join(clean(cell).replace("|", "\\|") for cell in line) + " |")


def _print_csv(comparison: Comparison) -> None:
    lines = [
        [title, *line]
        for title, rows in sections(comparison, exact=True)
        for row in rows
        for line in _csv_lines(row)
    ]
    verdicts = [["verdict", verdict.sentence] for verdict in comparison.verdicts]
    header = ["section", "quantity", *(side.name for side in comparison.sides)]
    print_csv(header, [*lines, *verdicts])


def _csv_lines(row: list[object]) -> Iterator[list[object]]:
    """Write a CSV row of plain numbers, and a second row for values over seeds."""
    means = [figure(cell.mean) if isinstance(cell, Spread) else cell for cell in row]
    yield ["" if cell is None else cell for cell in means]
    if any(isinstance(cell, Spread) for cell in row):
        spreads = [figure(cell.std) if isinstance(cell, Spread) else "" for cell in row[1:]]
        yield [f"{row[0]}, std over seeds", *spreads]
