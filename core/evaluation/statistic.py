"""The function that computes a metric from evaluation rows."""

from collections.abc import Sequence

from core.config.task_modules import load_attribute
from core.config.task_spec import MetricSpec
from core.errors import DataError
from core.evaluation.rows import Statistic


def statistic_of(metric: MetricSpec, labels: Sequence[str]) -> Statistic:
    """Return the function from counts ``(..., labels, 5)`` to scores that a metric names.

    Args:
        metric: one metric of a task.
        labels: the names of the counts' labels, in order; used by scores that treat labels differently.

    Raises:
        DataError: the metric cannot be computed from rows.
        ConfigError: the function cannot be imported.
    """
    if metric.statistic is None:
        raise DataError(f"{metric.name} cannot be computed from evaluation rows")
    found = load_attribute(metric.statistic)
    statistic: Statistic = found(tuple(labels)) if metric.for_labels else found
    return statistic
