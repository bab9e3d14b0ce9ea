"""One checkpoint file: its contents, and how it is written and read.

The file is written atomically. It is untrusted: it is opened with ``weights_only``, and only after its hash
has been verified.
"""

import hashlib
import pickle
from pathlib import Path
from typing import IO, Any, cast

import torch

from core.errors import CheckpointError
from core.system.files import replace_atomically, sha256_of

FORMAT = 3
"""Format 2 also contained the validation videos, which are in ``run.toml``. Format 1 had no average of the
weights, and the random generators of one process only."""
PARTS: dict[str, type] = {
    "experiment": dict,
    "input_spec": dict,
    "model": dict,
    "average": dict,
    "optimizer": dict,
    "schedule": dict,
    "scaler": dict,
    "rng": list,
    "progress": dict,
    "task": dict,
    "pointers": list,
}
"""Parts of a checkpoint and their types. Prediction needs ``task`` and :func:`predicting_weights`."""


class _HashingWriter:
    """A write-only file that hashes its content as it passes, so that nothing is read twice."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def write_checkpoint(path: Path, content: dict[str, Any]) -> tuple[str, int]:
    """Write a checkpoint file under a temporary name, flush it to disk and rename it.

    Args:
        path: the file.
        content: the parts of :data:`PARTS`.

    Returns:
        The file's sha256 and its size in bytes.

    Raises:
        UserError: the folder cannot be written; any previous file is unchanged.
    """
    with replace_atomically(path) as file:
        writer = _HashingWriter(file)
        try:
            torch.save({"format": FORMAT, **content}, cast(IO[bytes], writer))
        except RuntimeError:
            # torch reports a full disk as a broken archive of its own making.
            if writer.error is not None:
                raise writer.error from None
            raise
    return writer.digest.hexdigest(), writer.size


def read_checkpoint(path: Path, sha256: str | None = None) -> dict[str, Any]:
    """Read one checkpoint file onto the CPU.

    Args:
        path: the ``.pt`` file.
        sha256: the hash in its pointer; ``None`` reads a file without a pointer.

    Raises:
        CheckpointError: it is missing, damaged, not one of ours, or has a newer format.
    """
    try:
        if sha256 is not None and sha256_of(path) != sha256:
            raise CheckpointError(f"{path}: damaged (its sha256 is not the one its pointer names)")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: the checkpoint file is missing") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path}: damaged, or not a checkpoint") from error
    return _checked(content, path)


def _checked(content: object, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise CheckpointError(f"{path}: not a checkpoint of mabe")
    if content["format"] > FORMAT:
        raise CheckpointError(
            f"{path}: written by a newer mabe (checkpoint format {content['format']}, this one reads"
            f" {FORMAT}); update mabe to use it"
        )
    content = _migrated(content)
    wrong = [name for name, kind in PARTS.items() if not isinstance(content.get(name), kind)]
    if wrong:
        raise CheckpointError(
            f"{path}: not a whole checkpoint ({', '.join(wrong)} missing or wrong)"
        )
    return content


def _migrated(content: dict[str, Any]) -> dict[str, Any]:
    """Convert the content of an older format to the current one; it may contain additional parts."""
    if content["format"] == 1:
        content = {**content, "average": {}, "rng": [content.get("rng")]}
    return {**content, "format": FORMAT}


def predicting_weights(content: dict[str, Any]) -> dict[str, Any]:
    """Return the ``state_dict`` to predict with: the average of the weights, if there is one."""
    weights: dict[str, Any] = content["average"].get("model", content["model"])
    return weights
