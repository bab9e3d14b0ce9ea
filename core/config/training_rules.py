"""Rules for the part of a ``[training]`` table that all tasks share.

Imports neither numpy nor torch, because ``mabe list`` uses it.
"""

import re
from collections.abc import Iterator

from core.config.experiment import Experiment
from core.config.task_spec import TaskSpec

Found = Iterator[tuple[str, str]]


def training_problems(experiment: Experiment, spec: TaskSpec) -> list[tuple[str, str]]:
    """Find the problems with an experiment's training: pairs of key path and sentence."""
    found = [
        *_learning_rate(experiment),
        *_monitor(experiment, spec),
        *_processes(experiment, spec),
        *_frozen(experiment),
        *_recomputed(experiment),
        *_without_epochs(experiment, spec),
    ]
    return [(f"training.{key}", problem) for key, problem in found]


def _learning_rate(experiment: Experiment) -> Found:
    training = experiment.training
    if training.warmup_epochs > training.epochs:
        yield (
            "warmup_epochs",
            f"{training.warmup_epochs} is more than the {training.epochs} epochs",
        )
    if training.min_learning_rate > training.learning_rate:
        yield "min_learning_rate", "must not be above training.learning_rate"


def _monitor(experiment: Experiment, spec: TaskSpec) -> Found:
    monitor = experiment.training.monitor
    choices = spec.metric_names(experiment)
    if monitor not in choices:
        yield "monitor", f"{monitor!r} is not measured; choose one of {', '.join(choices)}"


def _frozen(experiment: Experiment) -> Found:
    for pattern in experiment.training.frozen:
        try:
            re.compile(pattern)
        except re.error as error:
            yield "frozen", f"{pattern!r} is not a regular expression ({error})"


def _recomputed(experiment: Experiment) -> Found:
    if experiment.training.compile and experiment.training.checkpoint_activations:
        yield (
            "checkpoint_activations",
            "does not go with training.compile, which chooses what it keeps by itself; unset one of them",
        )


def _without_epochs(experiment: Experiment, spec: TaskSpec) -> Found:
    """Find settings that only a training by epochs of steps follows."""
    if spec.fit(experiment) is None:
        return
    for key in ("start_from", "frozen", "pseudo_labels", "teacher"):
        if getattr(experiment.training, key):
            yield key, "is for models that are trained by epochs, and this one is not; unset it"


def _processes(experiment: Experiment, spec: TaskSpec) -> Found:
    training = experiment.training
    processes = training.processes
    if processes is not None and processes > training.batch_size:
        yield (
            "processes",
            f"{processes} processes cannot share batches of {training.batch_size} {spec.sample.many}",
        )
