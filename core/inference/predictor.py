"""Predict with runs of any task: with a run's own checkpoint, or with those of an ensemble's members."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch

from core.blending.blend import Blend
from core.blending.saved import KIND as BLEND
from core.blending.saved import blend_of
from core.config.task_modules import load_attribute
from core.config.task_spec import TaskSpec, labels_of, task_spec
from core.errors import CheckpointError, ConfigError, MisuseError
from core.inference.checkpoints import load_checkpoint
from core.run.inputs import predicting_inputs, require_pulled
from core.run.request import Input
from core.run.rundir import RunDir
from core.run.trash import restore_hint
from core.system.machine import choose_device
from core.tasks.loaded import LoadedCheckpoint
from core.tasks.predictor import Blends, PredictionOptions, Predictor

Device = Literal["auto", "cpu", "cuda"]


def load_predictor(run: RunDir, which: str = "best", device: Device = "auto") -> Predictor:
    """Load the predictor of a run; see :func:`load_members` and :func:`predictor_of`."""
    return predictor_of(load_members(run, which), device)


def load_members(run: RunDir, which: str = "best") -> list[LoadedCheckpoint]:
    """Load the checkpoints that a run predicts with.

    Args:
        run: the run; an ensemble predicts with the checkpoints that its members had when it was created, and
            a member that was named twice comes twice. The last is its own, if it has fitted a second level.
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
    inputs = predicting_inputs(run, request)
    try:
        return load_inputs(run.path.parent, inputs)
    except CheckpointError as error:
        raise CheckpointError(
            f"{run.id} cannot predict without all its members: {error}"
        ) from error


def load_inputs(runs: Path, inputs: Sequence[Input]) -> list[LoadedCheckpoint]:
    """Load the checkpoints that a request names, each once.

    Args:
        runs: folder of the runs.
        inputs: one that is named twice comes twice.

    Raises:
        CheckpointError: a file is gone, damaged or has changed, or was not brought here.
    """
    require_pulled(runs, inputs)
    loaded = {each: _loaded(RunDir(runs / each.run), each) for each in dict.fromkeys(inputs)}
    return [loaded[each] for each in inputs]


def _loaded(run: RunDir, each: Input) -> LoadedCheckpoint:
    path = run.checkpoints / each.file
    if not path.is_file() and (hint := restore_hint(run.path)):
        raise CheckpointError(f"{path}: the checkpoint file was removed{hint}")
    return load_checkpoint(path, sha256=each.sha256)


def predictor_of(members: Sequence[LoadedCheckpoint], device: Device = "auto") -> Predictor:
    """Return a predictor of what some checkpoints say together, as their task defines it.

    Args:
        members: one or more checkpoints, whose answers are averaged; or those of an ensemble, as
            :func:`load_members` returns them, with its fitted second level, which makes one answer of theirs.
        device: device to compute on.

    Raises:
        ConfigError: their task does not predict, or cannot blend; they differ in their task or labels, or
            are more than those that a second level was fitted for; or CUDA is requested and not available.
        CheckpointError: a checkpoint cannot be used.
    """
    members, blend = _apart(members)
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
    spec = task_spec(first.experiment.task)
    predictor = predicting_function(spec)(members, choose_device(device))
    if blend is not None:
        if not isinstance(predictor, Blends):
            raise ConfigError(
                f"task {spec.name!r} ({spec.title}) predicts with means alone, not with a fitted second level"
            )
        predictor.blend = blend
    return predictor


def _apart(
    checkpoints: Sequence[LoadedCheckpoint],
) -> tuple[list[LoadedCheckpoint], Blend | None]:
    """Return the checkpoints of models, and the second level among them, if there is one.

    Raises:
        ConfigError: it was fitted for fewer checkpoints.
        CheckpointError: it is damaged.
    """
    models = [each for each in checkpoints if each.input_table.get("kind") != BLEND]
    blends = [each for each in checkpoints if each.input_table.get("kind") == BLEND]
    if not blends:
        return models, None
    own = blends[0]
    found = blend_of(own.input_table, own.weights, str(own.source))
    if len(blends) > 1 or len(found.groups) != len(models):
        raise ConfigError(
            f"{own.source} is fitted to the {len(found.groups)} checkpoints of its ensemble, which cannot be"
            " averaged with others: name the ensemble alone"
        )
    return models, found


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
