"""``mabe submission check``: what the competition would do with a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mabe_tui.cli.terminal.output import JsonOption, clean, print_json, progress, wrapped

if TYPE_CHECKING:
    from core.submission.check import SubmissionReport


def register(app: typer.Typer) -> None:
    """Add ``mabe submission`` to the command line."""
    submission = typer.Typer(
        help="Check a submission before it is sent.", no_args_is_help=True, rich_markup_mode=None
    )
    submission.callback()(lambda: None)  # keeps the group with its single command
    submission.command("check", short_help="Say what would be rejected, and what costs points.")(
        check
    )
    app.add_typer(submission, name="submission")


def check(
    file: Annotated[Path, typer.Argument(help="The submission, a .csv or .parquet file.")],
    data: Annotated[
        Path, typer.Option("--data", help="A data folder in the competition's layout.")
    ],
    table: Annotated[
        Literal["train", "test"] | None,
        typer.Option(help="The table of its videos; default: the one that lists more of them."),
    ] = None,
    every_place: Annotated[
        bool, typer.Option("--all", help="Name every row, not only the first few.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what would be rejected, what scores nothing and what costs points.

    The exit code is 1 if the competition would reject the file. The tracking and annotations of the data
    folder may be absent; then the ends of videos and the actions of labs are not checked.
    """
    from core.submission.check import check_submission

    with progress("reading annotations") as tell:
        report = check_submission(file, data, table, tell, every_place)
    if as_json:
        print_json(report)
    else:
        print("\n".join(wrapped(line, "      ") for line in _lines(report)))
    if not report.accepted:
        raise typer.Exit(1)


def _lines(report: "SubmissionReport") -> Iterator[str]:
    for finding in report.findings:
        unit = finding.unit.removesuffix("s") if finding.count == 1 else finding.unit
        yield f"{finding.consequence}: {finding.count:,} {unit}: {finding.meaning}"
        yield from (f"    {clean(place)}" for place in finding.places)
        if finding.more_places:
            yield f"    and {finding.more_places:,} more (--all names every one)"
    if report.findings:
        yield "rows are counted from 0"
    yield (
        f"{report.rows:,} rows, of which {report.scored_rows:,} count; {report.videos:,} videos in"
        f" {report.table}.csv, {report.videos_without_rows:,} of them without a row"
    )
    if not report.tracked:
        yield "without tracking files, the ends of videos are not checked"
    if not report.annotated_labs:
        yield "without annotations, it is not known which actions each lab has"
    costs = any(finding.consequence != "scores nothing" for finding in report.findings)
    if not report.accepted:
        yield "the competition would reject it"
    else:
        yield "the competition would accept it" + (", with the reservations above" if costs else "")
