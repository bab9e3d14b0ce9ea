"""Probabilities that take the place of labels: made once, kept in one file, and mapped into memory."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import DataError
from core.frames.windows import Indices
from core.run.code_version import code_version
from core.system.lock import in_turn
from core.system.progress import Progress

VALUES, LENGTHS = "probabilities.bin", "lengths.json"
Answer = Callable[[int], NDArray[np.float32]]
"""Returns the probabilities of one part, ``(rows,)`` or ``(rows, labels)``."""


@dataclass(frozen=True, slots=True)
class SoftLabels:
    """The probabilities of all parts (videos, say), one after the other."""

    values: Tensor
    """``(total rows, labels)`` float32, a map of the file."""
    offsets: Indices
    """(parts,) first row of each part."""
    lengths: Indices
    """(parts,) rows of each part."""


def folder_of(cache: Path, kind: str, *parts: str) -> Path:
    """Return the folder in which probabilities are kept.

    Args:
        cache: its parent.
        kind: begins its name.
        parts: all that the probabilities depend on, beside the code.
    """
    key = hashlib.sha256("\0".join((code_version(), *parts)).encode()).hexdigest()[:24]
    return cache / f"{kind}-{key}"


def soft_labels(
    folder: Path,
    parts: Sequence[str],
    labels: int,
    answer: Answer,
    progress: Progress,
    what: str,
) -> SoftLabels:
    """Open the probabilities in a folder; make them first if they are not there.

    Memory holds one part at a time. What was interrupted is begun again.

    Args:
        folder: its name changes with whatever the probabilities depend on.
        parts: names of the parts.
        labels: probabilities of each row.
        answer: called with each part's number, in order.
        progress: called with (done, total, what).
        what: names what is done to the parts, for the progress.

    Raises:
        DataError: an answer is not of ``labels`` numbers from 0 to 1 a row.
    """
    lock = folder.with_name(f".{folder.name}.lock")
    with in_turn(lock, progress, "waiting for another job that asks the same teacher"):
        if not folder.is_dir():
            _make(folder, parts, labels, answer, progress, what)
    lengths = np.array(msgspec.json.decode((folder / LENGTHS).read_bytes()), np.int64)
    shape = (int(lengths.sum()), labels)
    # Mode "c": torch warns of an array that cannot be written to; nothing is.
    values = np.memmap(folder / VALUES, np.float32, "c", shape=shape)
    return SoftLabels(torch.from_numpy(values), np.cumsum(lengths) - lengths, lengths)


def _make(
    folder: Path,
    parts: Sequence[str],
    labels: int,
    answer: Answer,
    progress: Progress,
    what: str,
) -> None:
    """Write the files under a temporary name, and rename the folder."""
    lengths = []
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", suffix=".tmp", dir=folder.parent))
    try:
        with (beside / VALUES).open("wb") as file:
            for number, part in enumerate(parts):
                progress(number, len(parts), what)
                found = np.ascontiguousarray(answer(number), np.float32).reshape(-1, labels)
                if not ((found >= 0) & (found <= 1)).all():
                    raise DataError(
                        f"{part}: the teacher's answers are not probabilities (NaN, or beyond 0 and 1); its"
                        " training may have broken down: name an earlier checkpoint of it"
                    )
                file.write(found.tobytes())
                lengths.append(len(found))
        (beside / LENGTHS).write_bytes(msgspec.json.encode(lengths))
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
