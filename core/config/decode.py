"""From a table to an experiment of the right task: the one way that registry, runs and checkpoints go."""

from collections.abc import Callable, Mapping
from typing import Any

from core.config.experiment import DEFAULT_TASK, Experiment
from core.config.strict import convert
from core.config.task_spec import TaskSpec, task_spec
from core.errors import ConfigError


def experiment_from(table: Mapping[str, Any], name: Callable[[str], str]) -> Experiment:
    """Decode an experiment as the settings of the task that it names.

    Args:
        table: the whole experiment; without ``task`` it is of :data:`DEFAULT_TASK`.
        name: gives the words that name a key path in a message: file, table, line.

    Raises:
        ConfigError: there is no such task, or the settings are not those of one; names the key path, what is
            wrong, what is allowed and the nearest right spelling.
    """
    spec = task_named(table.get("task", DEFAULT_TASK), name("task"))
    owner = "" if spec.name == DEFAULT_TASK else f"task {spec.name!r}"
    return convert(table, spec.experiment, name, owner)


def task_named(task: object, where: str) -> TaskSpec:
    """Return the spec of a task that a file names.

    Args:
        task: what stands there.
        where: names the place in a message.

    Raises:
        ConfigError: there is no such task.
    """
    if not isinstance(task, str):
        raise ConfigError(f"{where}: {task!r} is not a text")
    try:
        return task_spec(task)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
