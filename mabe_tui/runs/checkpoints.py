"""Which checkpoints a run has, and whether they are whole. Reads no weights, so needs no torch."""

import hashlib
from pathlib import Path

import msgspec

from core.errors import CheckpointError
from core.rundir import Pointer, RunDir

CORE_POINTERS = ("last", "best")
"""What going on and comparing need; others keep single epochs."""


class CheckpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint file that counts, or a pointer that cannot be read."""

    file: str
    pointers: tuple[str, ...]
    epoch: int = 0
    step: int = 0
    metric: float | None = None
    bytes: int = 0
    sha256: str = ""
    attempt: str = ""
    problem: str | None = None
    """What is wrong with it; ``None``: nothing found, as deep as was looked."""
    verified: bool = False
    """Its whole content was read and has the right hash."""


def checkpoint_rows(run: RunDir, verify: bool = False) -> list[CheckpointRow]:
    """List a run's checkpoints, the newest first; with ``verify``, read each whole."""
    named: dict[str, list[str]] = {}
    pointers: dict[str, Pointer] = {}
    broken: list[CheckpointRow] = []
    for name in pointer_names(run):
        try:
            pointer = run.read_pointer(name)
        except CheckpointError as error:
            broken.append(CheckpointRow(file="", pointers=(name,), problem=str(error)))
            continue
        if pointer is not None:
            named.setdefault(pointer.file, []).append(name)
            pointers[pointer.file] = pointer
    newest_first = sorted(pointers.values(), key=lambda p: (p.step, p.seq), reverse=True)
    return [_row(run, pointer, named[pointer.file], verify) for pointer in newest_first] + broken


def pointer_names(run: RunDir) -> list[str]:
    """Name all pointers there are: ``last`` and ``best`` first, then those of single epochs."""
    names = {path.stem for path in run.checkpoints.glob("*.json") if not path.name.startswith(".")}
    core = [name for name in CORE_POINTERS if name in names]
    return core + sorted(names.difference(CORE_POINTERS))


def _row(run: RunDir, pointer: Pointer, names: list[str], verify: bool) -> CheckpointRow:
    problem = _problem(run.checkpoints / pointer.file, pointer, verify)
    return CheckpointRow(
        file=pointer.file,
        pointers=tuple(names),
        epoch=pointer.epoch,
        step=pointer.step,
        metric=pointer.metric,
        bytes=pointer.bytes,
        sha256=pointer.sha256,
        attempt=pointer.attempt,
        problem=problem,
        verified=verify and problem is None,
    )


def _problem(path: Path, pointer: Pointer, verify: bool) -> str | None:
    try:
        size = path.stat().st_size
        if size != pointer.bytes:
            return f"{size} bytes where its pointer names {pointer.bytes}"
        if verify and _sha256(path) != pointer.sha256:
            return "its sha256 is not the one its pointer names"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
