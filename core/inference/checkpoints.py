"""Load a checkpoint of any task for prediction, from a run or a file."""

from pathlib import Path
from typing import Any

from core.config.decode import experiment_from
from core.errors import CheckpointError, ConfigError
from core.run.rundir import RunDir
from core.run.trash import restore_hint
from core.tasks.loaded import LoadedCheckpoint
from core.training.checkpoint import CheckpointStore
from core.training.checkpoint_file import predicting_weights, read_checkpoint


def load_checkpoint(
    checkpoint: Path | RunDir, which: str = "best", sha256: str | None = None
) -> LoadedCheckpoint:
    """Load a checkpoint for prediction; nothing but tensors and plain containers is unpickled.

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
        return _loaded(checkpoint, content)
    run_dir = checkpoint if isinstance(checkpoint, RunDir) else RunDir(checkpoint)
    found = CheckpointStore(run_dir).load(which)
    if found is None and run_dir.evaluation_table.exists() and not _has_any(run_dir):
        raise CheckpointError(
            f"{run_dir.path}: its checkpoints were removed (by `mabe rm` or `mabe gc`), so there is"
            f" nothing to predict with{restore_hint(run_dir.path) or '; train it again'}"
        )
    if found is None and not _has_any(run_dir):
        raise CheckpointError(
            f"{run_dir.path}: has saved no checkpoint, so there is nothing to predict with"
        )
    if found is None:
        raise CheckpointError(
            f"{run_dir.path}: has no {which!r} checkpoint; choose one that `mabe checkpoints` lists"
        )
    return _loaded(run_dir.checkpoints / found.pointer.file, found.content)


def _has_any(run_dir: RunDir) -> bool:
    return any(run_dir.checkpoints.glob("*.pt"))


def _promised_sha256(path: Path) -> str | None:
    """Return the hash that a pointer beside the file records; ``None`` for a file without pointers."""
    if path.parent.name != "checkpoints":
        return None
    pointers = CheckpointStore(RunDir(path.parent.parent)).pointers().values()
    return next((pointer.sha256 for pointer in pointers if pointer.file == path.name), None)


def _loaded(path: Path, content: dict[str, Any]) -> LoadedCheckpoint:
    """Keep the parts that predict; the optimizer's state, which is larger, is let go."""
    try:
        experiment = experiment_from(content["experiment"], str)
    except ConfigError as error:
        raise CheckpointError(
            f"{path}: its weights and its settings do not belong together ({error})"
        ) from error
    return LoadedCheckpoint(
        source=path,
        experiment=experiment,
        weights=predicting_weights(content),
        input_table=content["input_spec"],
        task_state=content["task"],
    )
