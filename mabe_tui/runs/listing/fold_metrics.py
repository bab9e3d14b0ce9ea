"""Metrics of the runs of all folds together, from their evaluation rows."""

from collections.abc import Sequence

import msgspec

from core.config.task_spec import SUPPORT, TaskSpec
from core.errors import ConfigError
from core.run.request import pooled_source
from mabe_tui.runs.listing.folds import FoldSet, fold_sets
from mabe_tui.runs.listing.record import RunRecord
from mabe_tui.runs.listing.seeds import digest
from mabe_tui.runs.summary.run_summary import RunSummary
from mabe_tui.runs.tasks import find_spec

Counts = Sequence[Sequence[float]]
"""``(labels, 5)``: see :data:`core.evaluation.rows.COLUMNS`."""
TP, FN = 0, 2


def metrics_of(counts: Counts, spec: TaskSpec, labels: Sequence[str]) -> dict[str, float]:
    """Compute the metrics that follow from rows summed over the units, and the support of each label.

    Args:
        counts: the counts of each label.
        spec: the run's task.
        labels: their names.
    """
    import numpy as np

    from core.evaluation.statistic import statistic_of

    array, found = np.asarray(counts, dtype=np.float64), dict[str, float]()
    for metric in spec.metrics:
        if metric.statistic is None:
            continue
        try:
            scores = statistic_of(metric, labels)(array).tolist()
        except ConfigError:  # another task's function, which is gone: its metric is not known here
            continue
        if metric.per_label:
            found |= {
                f"{metric.name}/{label}": score for label, score in zip(labels, scores, strict=True)
            }
        else:
            found[metric.name] = scores
    support = {
        f"{SUPPORT}{label}": row[TP] + row[FN] for label, row in zip(labels, counts, strict=True)
    }
    return found | support


def with_folds_pooled(
    records: Sequence[RunRecord],
) -> tuple[list[RunRecord], dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Combine the runs of all folds into one record, with metrics over all their units.

    Args:
        records: the runs of one version, newest first.

    Returns:
        The records; the ids of the runs behind each pooled record, by its id; and a sentence for each set
        of folds that is not complete.
    """
    sets, incomplete = fold_sets(records)
    pooled = {each.id: tuple(run.id for run in each.runs) for each in sets if each.is_pooled}
    return [_pooled(each) if each.is_pooled else each.newest for each in sets], pooled, incomplete


def _pooled(runs: FoldSet[RunRecord]) -> RunRecord:
    """Return the newest run's record with the metrics of all folds; without metrics if one kept no rows."""
    newest, spec = runs.newest, find_spec(runs.newest.summary.task)
    tables = [run.fold_counts for run in runs.runs]
    best: dict[str, float] = {}
    if spec is not None and all(tables):
        total: dict[str, list[float]] = {}
        for label, counts in (each for table in tables for each in table.items()):
            so_far = total.get(label, [0.0] * len(counts))
            total[label] = [sum(pair) for pair in zip(so_far, counts, strict=True)]
        same = all([*table] == [*total] for table in tables)
        labels = [*total] if same else sorted(total)
        best = metrics_of([total[label] for label in labels], spec, labels)
    sources = [run.validation_source for run in runs.runs]
    return msgspec.structs.replace(
        newest,
        best=best,
        alike=runs.alike,
        data=runs.data,
        scored_on=digest([run.scored_on for run in runs.runs]),
        validation_source=pooled_source(sources),
        summary=newest.summary if spec is None else _leading(newest, spec, best),
    )


def _leading(record: RunRecord, spec: TaskSpec, metrics: dict[str, float]) -> RunSummary:
    """Return the summary with the leading metric of these measurements."""
    leading = spec.leading(metrics)
    return msgspec.structs.replace(
        record.summary,
        metric=leading,
        metric_label=spec.label_of(leading),
        metric_rises=spec.rises(leading),
    )
