"""Load a model for prediction from a run or a checkpoint file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from core.config.decode import experiment_from
from core.errors import CheckpointError, ConfigError
from core.models.build import build_model
from core.models.input_spec import InputSpec
from core.run.rundir import RunDir
from core.tasks.behaviour.settings import BehaviourExperiment, behaviour_of
from core.training.checkpoint import CheckpointStore
from core.training.checkpoint_file import (
    predicting_weights,
    read_checkpoint,
)
from core.training.state import FIT_ERRORS


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """The parts of a checkpoint needed for prediction, on the CPU."""

    source: Path
    """The checkpoint file."""
    experiment: BehaviourExperiment
    model: nn.Module
    """Model with the checkpoint's weights, or their moving average if kept; in evaluation mode."""
    task_state: dict[str, Any]
    """Feature statistics and keypoint slots, as the task wrote them."""


def load_trained(
    checkpoint: Path | RunDir, which: str = "best", sha256: str | None = None
) -> TrainedModel:
    """Load a model for prediction; nothing but tensors and plain containers is unpickled.

    Args:
        checkpoint: a run's folder, or one of its ``.pt`` files. The hash is verified whenever a
            pointer names the file.
        which: the run's pointer to follow; ignored for a file.
        sha256: required hash of the file, whatever a pointer beside it says.

    Raises:
        CheckpointError: there is none, or it is damaged, foreign, or newer than this program.
    """
    if isinstance(checkpoint, Path) and checkpoint.suffix == ".pt":
        content = read_checkpoint(checkpoint, sha256 or _promised_sha256(checkpoint))
        return _trained(checkpoint, content)
    run_dir = checkpoint if isinstance(checkpoint, RunDir) else RunDir(checkpoint)
    found = CheckpointStore(run_dir).load(which)
    if found is None and run_dir.evaluation_table.exists() and not _has_any(run_dir):
        raise CheckpointError(
            f"{run_dir.path}: its checkpoints were removed (by `mabe rm` or `mabe gc`), so there is"
            " nothing to predict with; train it again"
        )
    if found is None and not _has_any(run_dir):
        raise CheckpointError(
            f"{run_dir.path}: has saved no checkpoint, so there is nothing to predict with"
        )
    if found is None:
        raise CheckpointError(
            f"{run_dir.path}: has no {which!r} checkpoint; choose one that `mabe checkpoints` lists"
        )
    return _trained(run_dir.checkpoints / found.pointer.file, found.content)


def _has_any(run_dir: RunDir) -> bool:
    return any(run_dir.checkpoints.glob("*.pt"))


def _promised_sha256(path: Path) -> str | None:
    """Return the hash that a pointer beside the file records; ``None`` for a file without pointers."""
    if path.parent.name != "checkpoints":
        return None
    pointers = CheckpointStore(RunDir(path.parent.parent)).pointers().values()
    return next((pointer.sha256 for pointer in pointers if pointer.file == path.name), None)


def _trained(path: Path, content: dict[str, Any]) -> TrainedModel:
    try:
        decoded = experiment_from(content["experiment"], str)
    except ConfigError as error:
        raise CheckpointError(
            f"{path}: its weights and its settings do not belong together ({error})"
        ) from error
    try:
        experiment = behaviour_of(decoded, "predicting")
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from error
    try:
        model = build_model(experiment.model, InputSpec.from_table(content["input_spec"]))
        model.load_state_dict(predicting_weights(content))
    except FIT_ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{path}: its weights and its settings do not belong together ({reason})"
        ) from error
    return TrainedModel(path, experiment, model.eval(), content["task"])
