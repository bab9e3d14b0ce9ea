"""Predict with runs of any task: with a run's own checkpoint, or with those of an ensemble's members."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

import torch

from core.config.task_modules import load_attribute
from core.config.task_spec import TaskSpec, labels_of, task_spec
from core.errors import CheckpointError, ConfigError, MisuseError
from core.inference.checkpoints import load_checkpoint
from core.run.rundir import RunDir
from core.system.machine import choose_device
from core.tasks.loaded import LoadedCheckpoint
from core.tasks.predictor import PredictionOptions, Predictor

Device = Literal["auto", "cpu", "cuda"]


def load_predictor(run: RunDir, which: str = "best", device: Device = "auto") -> Predictor:
    """Load the predictor of a run; see :func:`load_members` and :func:`predictor_of`."""
    return predictor_of(load_members(run, which), device)


def load_members(run: RunDir, which: str = "best") -> list[LoadedCheckpoint]:
    """Load the checkpoints that a run predicts with.

    Args:
        run: the run; an ensemble predicts with the checkpoints that its members had when it was created, and
            a member that was named twice comes twice.
        which: a pointer of the run; an ensemble only has ``best``.

    Raises:
        CheckpointError: there is no such checkpoint, or its file is gone, damaged or has changed.
        ConfigError: its task does not predict.
        RunError: the run cannot be read.
    """
    request = run.read_request() if (run.path / "run.toml").exists() else None
    if request is not None:
        predicting_function(task_spec(request.experiment.task))
    if request is None or not request.inputs:
        return [load_checkpoint(run, which)]
    if which not in ("best", "last"):
        raise CheckpointError(
            f"{run.id} is an ensemble, which has no checkpoint {which!r}: it predicts with its members'"
            " checkpoints"
        )
    runs = run.path.parent
    loaded = {
        each: load_checkpoint(RunDir(runs / each.run).checkpoints / each.file, sha256=each.sha256)
        for each in dict.fromkeys(request.inputs)
    }
    return [loaded[each] for each in request.inputs]


def predictor_of(members: Sequence[LoadedCheckpoint], device: Device = "auto") -> Predictor:
    """Return a predictor of the mean of some checkpoints, as their task defines it.

    Args:
        members: one or more checkpoints.
        device: device to compute on.

    Raises:
        ConfigError: their task does not predict, or they differ in their task or labels; or CUDA is
            requested and not available.
        CheckpointError: a checkpoint cannot be used.
    """
    first = members[0]
    for each in members[1:]:
        if each.experiment.task != first.experiment.task:
            raise ConfigError(
                f"{first.source} and {each.source} learn different tasks ({first.experiment.task},"
                f" {each.experiment.task}); only the predictions of one can be averaged"
            )
        if labels_of(each.experiment) != labels_of(first.experiment):
            raise ConfigError(
                f"{first.source} and {each.source} learn different labels"
                f" ({', '.join(labels_of(first.experiment))}; {', '.join(labels_of(each.experiment))})"
            )
    return predicting_function(task_spec(first.experiment.task))(members, choose_device(device))


def require_known(options: PredictionOptions, predictor: Predictor, spec: TaskSpec) -> None:
    """Refuse options that do not apply to a task.

    Raises:
        MisuseError: an option does not apply; it is named as on the command line.
    """
    for field in dataclasses.fields(options):
        if field.name not in predictor.accepts and getattr(options, field.name) != field.default:
            option = field.name.replace("_", "-")
            raise MisuseError(f"--{option} does not apply to the task {spec.name!r} ({spec.title})")


def predicting_function(
    spec: TaskSpec,
) -> Callable[[Sequence[LoadedCheckpoint], torch.device], Predictor]:
    """Return the function that a task's ``predictor`` names.

    Raises:
        ConfigError: it names none, or one that cannot be imported.
    """
    if spec.predictor is None:
        raise ConfigError(
            f"task {spec.name!r} ({spec.title}) does not say how its checkpoints predict (predictor of its"
            " TaskSpec), so they cannot be applied to data"
        )
    found: Callable[[Sequence[LoadedCheckpoint], torch.device], Predictor] = load_attribute(
        spec.predictor
    )
    return found
