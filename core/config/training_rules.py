"""What cannot be in a ``[training]`` table: values that types allow and that make no sense together.

It loads neither numpy nor torch: ``mabe list`` goes through it.
"""

from collections.abc import Iterator, Sequence

from core.config.experiment import Experiment

POOLED_METRICS = (
    "accuracy",
    "f1_macro",
    "f1_macro_present",
    "f1_macro_behaviours",
    "precision_macro",
    "recall_macro",
)
CLASS_METRICS = ("f1", "precision", "recall", "ap")
"""Measured for each class, as ``f1/<class>``."""

Found = Iterator[tuple[str, str]]


def rising_metrics(classes: Sequence[str]) -> tuple[str, ...]:
    """Name the validation metrics that rise as a model gets better, and so can be the monitor.

    ``loss`` falls, and ``support/<class>`` counts frames.
    """
    of_classes = (f"{metric}/{name}" for metric in CLASS_METRICS for name in classes)
    return (*POOLED_METRICS, *of_classes)


def training_problems(experiment: Experiment) -> list[tuple[str, str]]:
    """Find what is wrong with an experiment's training: pairs of key path and sentence."""
    found = [
        *_class_weights(experiment),
        *_learning_rate(experiment),
        *_monitor(experiment),
        *_processes(experiment),
    ]
    return [(f"training.{key}", problem) for key, problem in found]


def _class_weights(experiment: Experiment) -> Found:
    weights, classes = experiment.training.class_weights, experiment.classes
    if weights is None:
        return
    if len(weights) != len(classes):
        names = ", ".join(classes)
        yield "class_weights", f"{len(weights)} weights for the {len(classes)} classes {names}"
    if not any(weights):
        yield "class_weights", "at least one weight must be above 0"


def _learning_rate(experiment: Experiment) -> Found:
    training = experiment.training
    if training.warmup_epochs > training.epochs:
        yield (
            "warmup_epochs",
            f"{training.warmup_epochs} is more than the {training.epochs} epochs",
        )
    if training.min_learning_rate > training.learning_rate:
        yield "min_learning_rate", "must not be above training.learning_rate"


def _monitor(experiment: Experiment) -> Found:
    monitor, choices = experiment.training.monitor, rising_metrics(experiment.classes)
    if monitor == "loss":
        yield "monitor", "'loss' falls as a model gets better; choose one that rises: f1_macro, say"
    elif monitor not in choices:
        yield "monitor", f"{monitor!r} is not measured; choose one of {', '.join(choices)}"


def _processes(experiment: Experiment) -> Found:
    training = experiment.training
    processes = training.processes
    if processes is not None and processes > training.batch_size:
        yield (
            "processes",
            f"{processes} processes cannot share batches of {training.batch_size} windows",
        )
