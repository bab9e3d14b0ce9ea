"""``mabe predict`` and ``mabe eval``: apply a trained checkpoint to data."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.config.task_spec import SUPPORT, TaskSpec
from core.errors import UserError
from mabe_tui.cli.options import (
    CheckpointOption,
    DeviceOption,
    ForceOption,
    RunName,
    SkipBadOption,
    require_targets,
)
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, print_table, progress, say
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.summary.checkpoints import pointer_name
from mabe_tui.runs.tasks import spec_of

if TYPE_CHECKING:
    from core.data.competition import LeftOut
    from core.evaluation.table import Confusions
    from core.inference.evaluate import Evaluation
    from mabe_tui.runs.comparison.evaluate import EvaluationReport

DataOption = Annotated[
    Path, typer.Option("--data", help="A data folder in the competition's layout.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("predict")(predict)
    app.command("eval")(evaluate)


def predict(
    context: typer.Context,
    run: RunName,
    data: DataOption,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="NAME.parquet or NAME.csv; bouts go to NAME.bouts.…"),
    ],
    table: Annotated[
        str | None, typer.Option(help="train or test; default: whichever the folder has.")
    ] = None,
    which: CheckpointOption = "best",
    device: DeviceOption = "auto",
    median: Annotated[
        int, typer.Option(help="Smooth probabilities over this many frames (odd).")
    ] = 1,
    merge_gap: Annotated[
        int, typer.Option(help="Merge bouts separated by at most this many frames.")
    ] = 0,
    min_frames: Annotated[int, typer.Option(help="Drop bouts shorter than this many frames.")] = 1,
    skip_bad: SkipBadOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the class and probabilities of every frame, and bouts, to files."""
    from core.inference.ensemble import load_predictor
    from core.inference.output import bouts_path, check_suffix, write_predictions
    from core.inference.predict import predictable
    from core.postprocess.rules import Rules

    check_suffix(output)
    require_targets(force, output, bouts_path(output))
    rules = Rules.likeliest(median, merge_gap, min_frames)
    entry = RunStore(session_of(context).home).find(run)
    predictor = load_predictor(entry.run, pointer_name(which), device)
    videos, missing = predictable(data, table)
    if missing:
        say(
            f"{data}: {len(missing)} of {len(videos) + len(missing)} videos have no tracking file; left out"
        )
    bad: list[LeftOut] = []
    with progress("predicting") as tell:
        predictions = predictor.predict(videos, tell, bad if skip_bad else None)
        written = write_predictions(output, predictions, predictor.classes, rules)
    reasons = {each.video.video_id: each.reason for each in bad}
    _warn_bad(reasons)
    if as_json:
        print_json({**asdict(written), "bad": reasons})
        return
    say(
        f"{written.frames_path}: {written.frames:,} frames of {written.videos} videos;"
        f" {written.bouts_path}: {written.bouts:,} bouts"
    )


def evaluate(
    context: typer.Context,
    run: RunName,
    data: DataOption,
    which: CheckpointOption = "best",
    device: DeviceOption = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Also write the confusion counts of each video (.parquet)."
        ),
    ] = None,
    skip_bad: SkipBadOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a checkpoint on the labelled videos of a data folder."""
    from mabe_tui.runs.comparison.evaluate import evaluate_run

    if output is not None and output.suffix != ".parquet":
        raise UserError(
            f"{output}: the counts of each video are written as parquet; end it in .parquet"
        )
    require_targets(force, output)
    entry = RunStore(session_of(context).home).find(run)
    with progress("evaluating") as tell:
        report, evaluation = evaluate_run(entry, data, which, device, tell, skip_bad)
    _warn_bad(report.bad)
    if as_json:
        print_json(report)
    else:
        _print_report(report, evaluation, spec_of(entry.require_request().experiment))
    if output is not None:
        _write_table(output, evaluation.confusions)


def _warn_bad(bad: dict[str, str]) -> None:
    for reason in bad.values():
        say(f"warning: left out: {reason}")


def _print_report(report: "EvaluationReport", evaluation: "Evaluation", spec: TaskSpec) -> None:
    say(
        f"{report.run} ({report.checkpoint}) on {report.videos} videos of {report.data},"
        f" {report.frames:,} frames"
    )
    _warn_overlap(report)
    _warn_labels(evaluation, evaluation.confusions.classes, spec)
    if report.nan_frames:
        say(
            f"warning: for {report.nan_frames:,} frames the checkpoint gives NaN, which counts as"
            f" {evaluation.confusions.classes[0]!r}; its training broke down: try an earlier one"
        )
    _print_metrics(evaluation.metrics, evaluation.confusions.classes, spec)


def _warn_overlap(report: "EvaluationReport") -> None:
    """Warn if the run used some of the videos in training or validation."""
    if report.trained_on:
        say(
            f"warning: the run learned from {report.trained_on} of these {report.videos} videos;"
            " on videos it has not seen it will do worse"
        )
    if report.validated_on:
        say(f"its best epoch was chosen on {report.validated_on} of these {report.videos} videos")


def _warn_labels(evaluation: "Evaluation", classes: tuple[str, ...], spec: TaskSpec) -> None:
    """Warn if the labels cannot show what the run learned."""
    from core.data.labels import unmapped_sentence

    if evaluation.unmapped:
        say(f"warning: {unmapped_sentence(evaluation.unmapped, classes[0])}")
    absent = [name for name in classes if not evaluation.metrics.get(f"{SUPPORT}{name}", 1)]
    if absent:
        names = ", ".join(repr(name) for name in absent)
        score = spec.primary_metric
        say(
            f"warning: no {spec.example.one} is of {spec.label.one} {names}, so its {score.label} is 0,"
            f" in {score.name} too"
        )


def _write_table(output: Path, confusions: "Confusions") -> None:
    import pyarrow.parquet as pq

    from core.evaluation.table import evaluation_table
    from core.system.files import replace_atomically

    with replace_atomically(output) as file:
        pq.write_table(evaluation_table(confusions), file)
    say(f"{output}: confusion counts of {len(confusions.videos)} videos")


def _print_metrics(metrics: dict[str, float], classes: tuple[str, ...], spec: TaskSpec) -> None:
    overall = [[name, f"{value:.4f}"] for name, value in metrics.items() if "/" not in name]
    print_table([f"over all {spec.label.many}", ""], overall, right=[1])
    print()
    of_labels = {metric.name: metric.label for metric in spec.metrics if metric.per_label}
    columns = {**of_labels, SUPPORT.rstrip("/"): spec.example.many}
    rows = [
        [name, *(_cell(column, metrics.get(f"{column}/{name}")) for column in columns)]
        for name in classes
    ]
    headers = [spec.label.one, *columns.values()]
    print_table(headers, rows, right=list(range(1, len(headers))))


def _cell(column: str, value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:,.0f}" if f"{column}/" == SUPPORT else f"{value:.4f}"
