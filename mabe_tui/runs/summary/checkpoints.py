"""A run's checkpoints and their integrity. Reads no weights, so it does not need torch."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from core.errors import CheckpointError, RunError
from core.run.events import CheckpointSaved
from core.run.records import Pointer
from core.run.rundir import EPOCH_POINTER, RunDir, epoch_pointer
from core.run.trash import restore_hint
from core.system.progress import Progress
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.run_summary import state_of

MARKED = "marked"
"""The pointer that the user sets; ``best`` stays the one that training chose."""
CORE_POINTERS = ("last", "best", MARKED)
"""Pointers needed to resume and compare, or set by the user; all others keep single epochs."""
ALL = "all"
BLOCK = 16 << 20
"""Bytes per read."""
Reader = Callable[[int], None]
"""Called with the number of bytes read of a file."""


class CheckpointRow(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint file, or a pointer that cannot be read."""

    file: str
    pointers: tuple[str, ...]
    epoch: int = 0
    step: int = 0
    metric: float | None = None
    bytes: int = 0
    sha256: str = ""
    attempt: str = ""
    problem: str | None = None
    """What is wrong with it; ``None``: no problem found, at the depth of the check."""
    here: bool = True
    """Whether its file is on this computer, not only where the run is."""
    verified: bool = False
    """Whether its whole content was read and has the correct hash."""


def checkpoint_rows(
    run: RunDir, verify: bool = False, progress: Progress | None = None
) -> list[CheckpointRow]:
    """List a run's checkpoints, newest first.

    Args:
        run: the run.
        verify: read each file completely and compare its hash.
        progress: called with the bytes read for that.
    """
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
    tell = progress or (lambda *_: None)
    total, before, rows = sum(p.bytes for p in newest_first), 0, []
    for pointer in newest_first:
        read = partial(_told, tell, before, total)
        rows.append(_row(run, pointer, named[pointer.file], read if verify else None))
        before += pointer.bytes
    return rows + broken


def _told(tell: Progress, before: int, total: int, done: int) -> None:
    tell(before + done, total, "bytes")


def pointer_names(run: RunDir) -> list[str]:
    """Name all pointers: ``last`` and ``best`` first, then those of single epochs."""
    names = {path.stem for path in run.checkpoints.glob("*.json") if not path.name.startswith(".")}
    core = [name for name in CORE_POINTERS if name in names]
    return core + sorted(names.difference(CORE_POINTERS))


def pointer_name(which: str) -> str:
    """Return the name of a pointer as its file has it: ``epoch-5`` is ``epoch-0005``."""
    number = EPOCH_POINTER.fullmatch(which)
    return epoch_pointer(int(number[1])) if number else which


def mark(run: RunDir, which: str) -> Pointer:
    """Let ``marked`` point to a checkpoint, which is then kept and can be named like ``best`` everywhere.

    Raises:
        RunError: there is no such checkpoint, or its file is not here.
    """
    pointer = checkpoint_here(run, which)
    run.write_pointer(MARKED, pointer)
    if not (run.checkpoints / pointer.file).is_file():  # removed by its job at this very moment
        unmark(run)
        raise RunError(f"{run.id}: {which} was replaced just now; mark again")
    return pointer


def unmark(run: RunDir) -> None:
    """Remove the mark; the file stays as long as another pointer names it."""
    (run.checkpoints / f"{MARKED}.json").unlink(missing_ok=True)


def checkpoint_here(run: RunDir, which: str) -> Pointer:
    """Return the pointer of one checkpoint whose file is on this computer.

    Raises:
        RunError: there is no such checkpoint, or it has not been pulled.
    """
    if which == ALL:
        raise RunError("name one checkpoint, such as best, last or epoch-5")
    pointer = chosen_pointers(run, which, one=True)[0]
    if not (run.checkpoints / pointer.file).is_file():
        mend = (
            f"`mabe pull {run.id} {which}` brings it"
            if is_elsewhere(run)
            else "its file was removed; choose one that `mabe checkpoints` lists"
        )
        raise RunError(f"the checkpoint {which!r} of {run.id} is not here; {mend}")
    return pointer


def is_elsewhere(run: RunDir) -> bool:
    """Return whether the run's own folder is on another machine, of which the local one is a mirror."""
    handle = run.read_handle()
    return handle is not None and handle.launcher != "local"


def chosen_pointers(run: RunDir, which: str, one: bool = False) -> list[Pointer]:
    """Return the checkpoints for ``best``, ``last``, ``epoch-5`` or, unless ``one`` is set, ``all``.

    Raises:
        RunError: there is no such checkpoint; names the existing ones.
    """
    names = pointer_names(run)
    wanted = names if which == ALL else [pointer_name(which)]
    if not wanted or not set(wanted) <= set(names):
        if not names:
            raise RunError(none_words(run))
        known = ", ".join([*names, *([] if one else [ALL])])
        raise RunError(f"{run.id} has no checkpoint {which!r}; there is {known}")
    pointers = [run.read_pointer(name) for name in wanted]
    return [pointer for pointer in pointers if pointer is not None]


def none_words(run: RunDir) -> str:
    """Say why a run has no checkpoint."""
    entry = RunEntry(run)
    if not run.path.is_dir():
        return f"{run.id} is gone: its folder was removed{restore_hint(run.path)}"
    if entry.problem is not None:
        return entry.problem
    if entry.is_import:
        return f"{run.id} was imported from a log, so it has no checkpoints"
    if entry.request is not None and entry.request.inputs:
        return f"{run.id} is an ensemble, which predicts with its members' checkpoints"
    if state_of(entry).may_speak:
        return f"{run.id} has no checkpoint yet"
    if thin_history(run).last(CheckpointSaved) is not None:
        gone = f"{run.id} has no checkpoints any more: they were removed"
        return f"{gone}{restore_hint(run.path)}"
    return f"{run.id} has saved no checkpoint"


def _row(run: RunDir, pointer: Pointer, names: list[str], read: Reader | None) -> CheckpointRow:
    """Check one checkpoint; with ``read``, which is called with byte counts, check its whole content."""
    path = run.checkpoints / pointer.file
    here = path.exists() or not is_elsewhere(run)
    problem = _problem(path, pointer, read) if here else None
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
        here=here,
        verified=read is not None and here and problem is None,
    )


def _problem(path: Path, pointer: Pointer, read: Reader | None) -> str | None:
    try:
        size = path.stat().st_size
        if size != pointer.bytes:
            return f"{size} bytes where its pointer names {pointer.bytes}"
        if read is not None and _sha256(path, read) != pointer.sha256:
            return "its sha256 is not the one its pointer names"
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return None


def _sha256(path: Path, read: Reader) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            read(done)
    return digest.hexdigest()
