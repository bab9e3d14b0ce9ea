"""Decode a table into an experiment of the right task: shared by the registry, runs and checkpoints."""

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
        name: returns the text that names a key path in a message: file, table, line.

    Raises:
        ConfigError: there is no such task, or the settings do not match it; names the key path, the problem,
            the allowed values and the nearest correct spelling.
    """
    spec = task_named(table.get("task", DEFAULT_TASK), name("task"))
    owner = "" if spec.name == DEFAULT_TASK else f"task {spec.name!r}"
    return convert(table, spec.experiment, name, owner)


def task_named(task: object, where: str) -> TaskSpec:
    """Return the spec of a task that a file names.

    Args:
        task: the name in the file.
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
