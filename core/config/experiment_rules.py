"""Rules for experiments of any task: values that are valid by type but impossible together.

A task adds rules of its own (:attr:`core.config.task_spec.TaskSpec.problems`). This module imports
neither numpy nor torch, because ``mabe list`` uses it.
"""

import math
from collections.abc import Iterator

import msgspec

from core.config.experiment import DataConfig, Experiment, flatten
from core.config.gpus import gpu_problem
from core.config.task_spec import task_spec
from core.config.training_rules import training_problems
from core.config.tuning import range_problems


def problems(experiment: Experiment) -> list[tuple[str, str]]:
    """Find problems that types cannot express: values that are impossible together.

    Returns:
        Pairs of key path and problem; empty if the experiment is valid.

    Raises:
        ConfigError: there is no such task.
    """
    spec = task_spec(experiment.task)
    found = [*_not_finite(experiment), *spec.problems(experiment), *_split(experiment.data)]
    if not experiment.data.validates:
        found += _without_validation(experiment)
    if (problem := gpu_problem(experiment.hardware.gpu)) is not None:
        found.append(("hardware.gpu", problem))
    found += training_problems(experiment, spec)
    return [*found, *range_problems(experiment.tune, type(experiment), flatten(experiment))]


def _split(data: DataConfig) -> Iterator[tuple[str, str]]:
    if data.fold is not None and data.folds is None:
        yield "data.fold", f"{data.fold} is a part of how many? Set data.folds, too"
    if data.folds is None:
        return
    choices = f"one of 0 to {data.folds - 1}"
    if data.fold is None:
        yield "data.fold", f"data.folds = {data.folds} needs it: {choices}, the part to validate on"
    elif data.fold >= data.folds:
        yield "data.fold", f"{data.fold} is not {choices}: data.folds = {data.folds}"


def _without_validation(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Find settings that need a validation metric, if there is none."""
    training = experiment.training
    fraction = experiment.data.validation_fraction
    split = "its split" if fraction else "data.validation_fraction = 0"
    nothing = f"{split} leaves nothing to measure"
    if training.early_stopping_patience is not None:
        yield "training.early_stopping_patience", f"watches a metric, but {nothing}; use none"
    if training.scheduler == "plateau":
        yield (
            "training.scheduler",
            f"'plateau' watches a metric, but {nothing}; use cosine or none",
        )
    if training.keep_predictions:
        yield "training.keep_predictions", f"{nothing}, nor to predict; unset it"


def _not_finite(experiment: Experiment) -> list[tuple[str, str]]:
    """Find ``inf`` and ``nan``, which TOML allows and no setting does."""
    described = (experiment.tune, experiment.reported)
    others = zip(("tune", "reported"), map(msgspec.to_builtins, described), strict=True)
    return [
        (key, f"{value} is not a finite number")
        for name, setting in (*flatten(experiment).items(), *others)
        for key, value in _numbers(name, setting)
        if not math.isfinite(value)
    ]


def _numbers(key: str, value: object) -> Iterator[tuple[str, float]]:
    """Yield all floats in a setting and its nested values."""
    if isinstance(value, float):
        yield key, value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(key, item)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(f"{key}.{name}", inner)
