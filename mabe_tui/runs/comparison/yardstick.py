"""The metric that a verdict uses: one metric of a task, over the task's units."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.config.experiment import Experiment
from core.config.task_spec import MetricSpec, Noun, TaskSpec
from core.errors import ConfigError, DataError
from mabe_tui.runs.tasks import spec_of

if TYPE_CHECKING:  # numpy
    from core.evaluation.rows import Statistic


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A metric and its task."""

    task: TaskSpec
    metric: MetricSpec

    @property
    def unit(self) -> Noun:
        """The unit that is resampled."""
        return self.task.unit

    def statistic(self, labels: Sequence[str]) -> "Statistic":
        """Return the function from rows to scores.

        Args:
            labels: the names of the rows' labels, in order.

        Raises:
            DataError: the rows lack the counts for this metric.
            ConfigError: the function that the task names cannot be imported.
        """
        from core.evaluation.statistic import statistic_of

        if self.metric.statistic is None:
            raise DataError(
                f"{self.metric.name} cannot be computed from counts of each {self.unit.one}"
            )
        return statistic_of(self.metric, labels)


def yardstick(task: TaskSpec, measured: Iterable[Mapping[str, float]] = ()) -> Yardstick:
    """Choose the metric that leads a comparison.

    Args:
        task: of all sides.
        measured: metrics of each side that measured any. If the validation examples of one lack a
            label, the metric over the labels that are present leads, if every side measured it.

    Raises:
        ConfigError: the task does not declare its leading metric.
    """
    known = [metrics for metrics in measured if metrics]
    leading = {task.leading(metrics) for metrics in known} - {task.primary}
    for name in leading:
        metric = task.metric(name)
        if metric is not None and all(name in metrics for metrics in known):
            return Yardstick(task, metric)
    return Yardstick(task, task.primary_metric)


def common_task(experiments: Sequence[Experiment]) -> TaskSpec:
    """Return the common task of all experiments.

    Raises:
        ConfigError: their tasks differ, or one of these does not exist.
    """
    tasks = [spec_of(experiment) for experiment in experiments]
    if len({*tasks}) > 1:
        learned = dict.fromkeys(
            f"{experiment.name}: {task.name}, {task.title}"
            for experiment, task in zip(experiments, tasks, strict=True)
        )
        raise ConfigError(f"runs of different tasks cannot be compared ({'; '.join(learned)})")
    return tasks[0]
