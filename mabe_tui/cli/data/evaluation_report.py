"""Print the results of ``mabe eval``."""

from pathlib import Path
from typing import TYPE_CHECKING

from core.config.task_spec import SUPPORT, TaskSpec
from mabe_tui.cli.terminal.output import print_table, say

if TYPE_CHECKING:
    from core.tasks.predictor import Evaluation
    from mabe_tui.runs.comparison.evaluate import EvaluationReport


def print_report(report: "EvaluationReport", evaluation: "Evaluation", spec: TaskSpec) -> None:
    """Print an evaluation: what was measured on, warnings, and the metrics."""
    say(
        f"{report.run} ({report.checkpoint}) on {spec.unit.count(report.videos)} of {report.data},"
        f" {spec.example.count(report.frames)}"
    )
    _warn_overlap(report, spec)
    for warning in evaluation.warnings:
        say(f"warning: {warning}")
    _warn_absent(evaluation, spec)
    _print_metrics(evaluation, spec)


def _warn_overlap(report: "EvaluationReport", spec: TaskSpec) -> None:
    """Warn if the run used some of the units in training or validation."""
    units = f"of these {spec.unit.count(report.videos)}"
    if report.trained_on:
        say(
            f"warning: the run learned from {report.trained_on} {units}; on {spec.unit.many} it has not"
            " seen it will do worse"
        )
    if report.validated_on and report.fitted:
        say(
            f"warning: its second level was fitted on {report.validated_on} {units};"
            f" `mabe status {report.run}` has the score of second levels that have not seen them"
        )
    elif report.validated_on:
        say(f"its best epoch was chosen on {report.validated_on} {units}")


def _warn_absent(evaluation: "Evaluation", spec: TaskSpec) -> None:
    """Warn if no example has one of the labels."""
    classes = evaluation.rows.labels
    absent = [name for name in classes if not evaluation.metrics.get(f"{SUPPORT}{name}", 1)]
    if absent:
        names = ", ".join(repr(name) for name in absent)
        score = spec.primary_metric
        say(
            f"warning: no {spec.example.one} is of {spec.label.one} {names}, so its {score.label} is 0,"
            f" in {score.name} too"
        )


def write_table(output: Path, evaluation: "Evaluation", spec: TaskSpec) -> None:
    """Write the counts of an evaluation as Parquet.

    Raises:
        UserError: the file cannot be written.
    """
    import pyarrow.parquet as pq

    from core.evaluation.table import evaluation_table, rows_table
    from core.system.files import replace_atomically

    rows, confusions = evaluation.rows, evaluation.confusions
    table = rows_table(rows) if confusions is None else evaluation_table(confusions)
    with replace_atomically(output) as file:
        pq.write_table(table, file)
    what = "counts" if confusions is None else "confusion counts"
    say(f"{output}: {what} of {spec.unit.count(len(rows.units))}")


def _print_metrics(evaluation: "Evaluation", spec: TaskSpec) -> None:
    metrics = evaluation.metrics
    overall = [[name, f"{value:.4f}"] for name, value in metrics.items() if "/" not in name]
    print_table([f"over all {spec.label.many}", ""], overall, right=[1])
    of_labels = {metric.name: metric.label for metric in spec.metrics if metric.per_label}
    if not of_labels:
        return
    columns = {**of_labels, SUPPORT.rstrip("/"): spec.example.many}
    rows = [
        [name, *(metric_cell(column, metrics.get(f"{column}/{name}")) for column in columns)]
        for name in evaluation.rows.labels
    ]
    print()
    headers = [spec.label.one, *columns.values()]
    print_table(headers, rows, right=list(range(1, len(headers))))


def metric_cell(column: str, value: float | None) -> str | None:
    """Return a metric, or a count of examples, as a table shows it; ``None`` if it was not measured."""
    if value is None:
        return None
    return f"{value:,.0f}" if f"{column}/" == SUPPORT else f"{value:.4f}"
