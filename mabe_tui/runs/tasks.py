"""The task of a run or a version, and that task's vocabulary."""

from collections.abc import Iterable
from typing import get_args

from core.config.experiment import DEFAULT_TASK, Experiment
from core.config.task_spec import TaskSpec, ViewName, task_spec
from core.errors import ConfigError, MisuseError

VIEWS = get_args(ViewName)
"""The views that the dashboard can show if the task of a run offers them."""
VIEW_WORDS = {
    "video": "videos to watch",
    "classes": "classes to tell apart",
    "examples": "examples to look at",
}
SCORE = "score"
"""Heading of a column that holds the leading metrics of several tasks."""


def spec_of(experiment: Experiment) -> TaskSpec:
    """Return the task that an experiment trains."""
    return task_spec(experiment.task)


def default_spec() -> TaskSpec:
    """Return the task of runs that name none, such as an old log."""
    return task_spec(DEFAULT_TASK)


def find_spec(name: object) -> TaskSpec | None:
    """Return the spec of a task, or ``None`` if it is not installed here."""
    try:
        return task_spec(str(name))
    except ConfigError:
        return None


def lacking_view(name: str, spec: TaskSpec | None) -> str | None:
    """Say that a task does not offer a view; ``None`` if it does, or if ``name`` is not a view.

    Args:
        name: as in :data:`~core.config.task_spec.ViewName`.
        spec: the task; ``None`` if unknown: it then offers none.
    """
    if name not in VIEWS or (spec is not None and name in spec.views):
        return None
    kind = VIEW_WORDS.get(name, f"{name} view")
    return f"the task {spec.name} has no {kind}" if spec is not None else f"its task has no {kind}"


def require_view(name: str, experiment: Experiment) -> None:
    """Raise for a command whose view the task of an experiment does not offer.

    Raises:
        MisuseError: it does not.
    """
    if (why := lacking_view(name, spec_of(experiment))) is not None:
        raise MisuseError(f"{experiment.name}: {why}")


def common_label(labels: Iterable[str | None]) -> str | None:
    """Return the label that all rows of a table share; ``None`` if they differ, or there is none."""
    found = {label for label in labels if label is not None}
    return found.pop() if len(found) == 1 else None
