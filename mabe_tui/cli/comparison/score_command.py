"""``mabe score``: the competition's score of a submission or a run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from core.errors import MisuseError
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.fit import Column, fitted
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, progress, say
from mabe_tui.runs.comparison.judgement import WhichEpoch
from mabe_tui.runs.store import RunStore

if TYPE_CHECKING:
    from mabe_tui.runs.comparison.score_report import ScoreReport

By = Literal["lab", "action", "lab-action", "video"]
SUFFIXES = (".csv", ".parquet")


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("score")(score)


def score(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="SUBMISSION|RUN",
            help="A .csv or .parquet file, a run, or a version over all folds.",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", help="For a submission: the data folder with the annotations."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            "--leave-out",
            metavar="LAB",
            help="For a submission: a lab that does not count, or a pattern such as 'CalMS21*'; repeatable.",
        ),
    ] = None,
    by: Annotated[By, typer.Option(help="The table to print below the score.")] = "lab",
    epoch: Annotated[
        WhichEpoch, typer.Option("--epoch", help="For a run: the epoch that is scored.")
    ] = "best",
    as_json: JsonOption = False,
) -> None:
    """Score a submission or a run as the competition does: the mean over labs of the mean over actions.

    A submission is scored against all annotations of a data folder. A run is scored on its validation
    videos, and a version whose folds have all finished on the videos of all folds.
    """
    from mabe_tui.runs.comparison.score_report import score_of_run, score_of_submission

    path = Path(name)
    if path.suffix in SUFFIXES:
        if data is None:
            raise MisuseError(
                f"{name}: a submission is scored against annotations; name their folder (--data DIR)"
            )
        with progress("reading annotations") as tell:
            report = score_of_submission(path, data, tell, leave_out or ())
    elif data is not None or leave_out:
        option = "--leave-out" if data is None else "--data"
        raise MisuseError(
            f"{option} is for a submission, and {name} is no {' or '.join(SUFFIXES)} file; a run is scored"
            " on its own validation videos"
        )
    else:
        session = session_of(context)
        report = score_of_run(name, RunStore(session.home), session.registry, epoch)
    for remark in report.remarks:
        say(f"note: {remark}")
    if as_json:
        print_json(report)
        return
    say(f"{report.scored} on {report.data}; true and predicted count frames")
    _print_score(report)
    print()
    _print_part(PARTS[by](report))


def _print_score(report: "ScoreReport") -> None:
    rows: list[list[object]] = [["score", f"{report.score:.4f}"]]
    if report.low is not None and report.high is not None:
        rows.append(["95 % interval over videos", f"{report.low:.4f} to {report.high:.4f}"])
    rows += [
        ["labs", len(report.labs)],
        ["actions of labs", len(report.labs_actions)],
        ["videos", report.videos],
    ]
    print_table(["", ""], rows, right=[1])


def _print_part(columns: Sequence[Column]) -> None:
    shown = fitted(columns, ("predicted", "true", "highest", "lowest", "precision", "recall"))
    cells = [list(row) for row in zip(*(cells for _, cells in shown), strict=True)]
    text = {"lab", "action", "video"}
    right = [place for place, (header, _) in enumerate(shown) if header not in text]
    print_table([header for header, _ in shown], cells, right=right)


def _by_lab(report: "ScoreReport") -> list[Column]:
    return [
        ("lab", [each.lab for each in report.labs]),
        ("score", [_four(each.score) for each in report.labs]),
        ("actions", [each.actions for each in report.labs]),
        ("videos", [each.videos for each in report.labs]),
        ("true", [f"{each.true_frames:,}" for each in report.labs]),
        ("predicted", [f"{each.predicted_frames:,}" for each in report.labs]),
    ]


def _by_action(report: "ScoreReport") -> list[Column]:
    return [
        ("action", [each.action for each in report.actions]),
        ("score", [_four(each.score) for each in report.actions]),
        ("labs", [each.labs for each in report.actions]),
        ("lowest", [_four(each.lowest) for each in report.actions]),
        ("highest", [_four(each.highest) for each in report.actions]),
        ("true", [f"{each.true_frames:,}" for each in report.actions]),
        ("predicted", [f"{each.predicted_frames:,}" for each in report.actions]),
    ]


def _by_lab_and_action(report: "ScoreReport") -> list[Column]:
    return [
        ("lab", [each.lab for each in report.labs_actions]),
        ("action", [each.action for each in report.labs_actions]),
        ("score", [_four(each.score) for each in report.labs_actions]),
        ("precision", [_four(each.precision) for each in report.labs_actions]),
        ("recall", [_four(each.recall) for each in report.labs_actions]),
        ("true", [f"{each.tp + each.fn:,}" for each in report.labs_actions]),
    ]


def _by_video(report: "ScoreReport") -> list[Column]:
    return [
        ("lab", [each.lab for each in report.by_video]),
        ("video", [each.video for each in report.by_video]),
        ("score", [_four(each.score) for each in report.by_video]),
        ("actions", [each.actions for each in report.by_video]),
        ("true", [f"{each.true_frames:,}" for each in report.by_video]),
        ("predicted", [f"{each.predicted_frames:,}" for each in report.by_video]),
    ]


PARTS: dict[By, "Callable[[ScoreReport], list[Column]]"] = {
    "lab": _by_lab,
    "action": _by_action,
    "lab-action": _by_lab_and_action,
    "video": _by_video,
}


def _four(value: float) -> str:
    return f"{value:.4f}"
