"""Which task a run or a version is of, and what that task calls things."""

from collections.abc import Iterable

from core.config.experiment import DEFAULT_TASK, Experiment
from core.config.task_spec import TaskSpec, task_spec
from core.errors import ConfigError

SCORE = "score"
"""Heads a column that holds the leading metrics of several tasks."""


def spec_of(experiment: Experiment) -> TaskSpec:
    """Return the task that an experiment trains."""
    return task_spec(experiment.task)


def default_spec() -> TaskSpec:
    """Return the task of what names none: an old log, say."""
    return task_spec(DEFAULT_TASK)


def find_spec(name: object) -> TaskSpec | None:
    """Return the spec of a task, or ``None`` where it is not installed here."""
    try:
        return task_spec(str(name))
    except ConfigError:
        return None


def common_label(labels: Iterable[str | None]) -> str | None:
    """Return the label that all rows of a table share; ``None`` where they differ, or there is none."""
    found = {label for label in labels if label is not None}
    return found.pop() if len(found) == 1 else None
