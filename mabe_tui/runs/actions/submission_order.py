"""The order in which members of a submission predict: if the time runs out, the best have done so."""

import math
from collections.abc import Sequence
from typing import Literal, cast

from core.config.task_spec import task_spec
from core.errors import DataError
from mabe_tui.kaggle_io.staging import TravellingRun
from mabe_tui.runs.listing.fold_metrics import metrics_of
from mabe_tui.runs.listing.folds import fold_group
from mabe_tui.runs.tasks import spec_of


def most_valuable_first(runs: Sequence[TravellingRun], which: str) -> tuple[TravellingRun, ...]:
    """Sort by the metric that the runs monitor; as they are, if it is not the same or not known.

    Folds differ in how hard their units are. Where the runs of all folds are there, each counts with the
    metric over the units of all of them, and they keep their order.

    Args:
        runs: the members.
        which: their checkpoint, such as ``best``.
    """
    experiments = [each.request.experiment for each in runs]
    measured = {(each.task, each.training.monitor) for each in experiments}
    if len(measured) > 1:
        return tuple(runs)
    ((task, monitor),) = measured
    pooled = _of_all_folds(runs, monitor, which)
    values = [pooled.get(each.run.id, each.pointer.metric) for each in runs]
    if any(value is None for value in values):
        return tuple(runs)
    sign = -1 if task_spec(task).rises(monitor) else 1
    order = sorted(range(len(runs)), key=lambda place: sign * (values[place] or 0.0))
    return tuple(runs[place] for place in order)


def _of_all_folds(runs: Sequence[TravellingRun], monitor: str, which: str) -> dict[str, float]:
    """Return the pooled metric of each run of a complete set of folds, by its id."""
    if which not in ("best", "last"):
        return {}  # other checkpoints keep no rows
    groups: dict[tuple[str, int | None], list[TravellingRun]] = {}
    for each in runs:
        if each.request.experiment.data.folds is not None:
            key = fold_group(each.request), each.request.seed
            groups.setdefault(key, []).append(each)
    found: dict[str, float] = {}
    for group in groups.values():
        for members in _sets(group):
            value = _pooled(members, monitor, cast(Literal["best", "last"], which))
            found |= {} if value is None else {each.run.id: value for each in members}
    return found


def _sets(group: Sequence[TravellingRun]) -> list[tuple[TravellingRun, ...]]:
    """Return the sets of all folds that runs make that differ in the fold alone: none if one is missing."""
    config = group[0].request.experiment.data
    by_fold = [
        [each for each in group if each.request.experiment.data.fold == fold]
        for fold in range(config.folds or 0)
    ]
    return list(zip(*by_fold, strict=True)) if len(set(map(len, by_fold))) == 1 else []


def _pooled(
    members: Sequence[TravellingRun], monitor: str, which: Literal["best", "last"]
) -> float | None:
    """Return a metric over the units of all members; ``None`` if rows are not here or not enough for it."""
    from core.evaluation.rows import concatenated
    from core.evaluation.table import read_rows

    try:
        rows = concatenated([read_rows(each.run.evaluation_of(which)) for each in members])
    except (DataError, ValueError):
        return None
    spec = spec_of(members[0].request.experiment)
    value = metrics_of(rows.pooled.tolist(), spec, rows.labels).get(monitor)
    return None if value is None or math.isnan(value) else value
