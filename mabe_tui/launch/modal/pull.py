"""Download whole files of a run from Modal's volume: resumable, in pieces, verified.

The partial download of a checkpoint is kept beside it as ``.NAME.HASH.part``. HASH is a prefix of the hash
in its pointer, so that a partial file of another version is never continued.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from core.errors import RunError
from core.run.records import Pointer
from core.run.rundir import RunDir
from core.system.files import replace_atomically
from core.system.lock import try_lock
from core.system.progress import Progress
from mabe_tui.launch.launcher import UnreachableError
from mabe_tui.launch.modal import volume as modal_volume
from mabe_tui.launch.modal.blocks import read_blocks

TRIES = 4
"""Consecutive downloads that brought nothing, or content whose hash does not match the pointer."""
DOWNLOAD_SECONDS = 3600.0
LOCK = ".pull.lock"
Tell = Callable[[int], None]
"""Called with the number of bytes of a file present here."""


def fetch(run: RunDir, path: str, into: Path) -> Path:
    """Download one file of the run to ``into``, a file name or an existing folder.

    Raises:
        RunError: the run has no such file.
        UserError: Modal cannot be queried.
    """
    target = into / PurePosixPath(path).name if into.is_dir() else into
    if path not in modal_volume.files(run):
        raise RunError(f"{run.id} has no file {path!r} on Modal")
    with replace_atomically(target) as file:
        _download(run, path, file, 0, lambda _: None)
    return target


def pull(run: RunDir, pointers: Iterable[Pointer], progress: Progress | None = None) -> list[Path]:
    """Download checkpoints. Those already present and intact are skipped.

    A file gets its final name only after its sha256 matches its pointer. After an interruption the partial
    file is kept, and the next call continues from there.

    Raises:
        RunError: a file cannot be downloaded intact, or another process is downloading.
        UserError: Modal cannot be queried.
    """
    wanted = {pointer.file: pointer for pointer in pointers}
    total = sum(pointer.bytes for pointer in wanted.values())
    done = 0
    paths: list[Path] = []
    with _alone(run):
        for pointer in wanted.values():
            before = done

            def tell(received: int, before: int = before) -> None:
                if progress is not None:
                    progress(before + received, total, "bytes")

            paths.append(_pull_one(run, pointer, tell))
            done += pointer.bytes
            tell(pointer.bytes)
    return paths


def _pull_one(run: RunDir, pointer: Pointer, tell: Tell) -> Path:
    if not modal_volume.FILE.fullmatch(pointer.file):  # a pointer is untrusted input
        raise RunError(f"{run.id}: {pointer.file!r} is no checkpoint's name; nothing was fetched")
    target = run.checkpoints / pointer.file
    if _sha256(target) == pointer.sha256:
        return target
    part = _part_of(target, pointer)
    for _ in range(TRIES):
        _complete(run, pointer, part, tell)
        if _sha256(part) == pointer.sha256:
            part.replace(target)
            return target
        part.unlink(missing_ok=True)
    raise RunError(
        f"{run.id}: {pointer.file} came {TRIES} times with another sha256 than its pointer names;"
        " nothing was kept; try again later"
    )


def _part_of(target: Path, pointer: Pointer) -> Path:
    """Return the path of the partial file; those of other versions are removed."""
    target.parent.mkdir(exist_ok=True)
    part = target.with_name(f".{target.name}.{pointer.sha256[:12]}.part")
    for other in target.parent.glob(f".{target.name}.*.part"):
        if other != part:
            other.unlink()
    return part


def _complete(run: RunDir, pointer: Pointer, part: Path, tell: Tell) -> None:
    """Fetch the rest of a partial file, reconnecting as long as each connection brings something.

    Raises:
        UnreachableError: several connections in a row brought nothing.
    """
    failures = 0
    while True:
        before = _size(part)
        try:
            with part.open("r+b" if before else "wb") as file:
                _download(run, f"checkpoints/{pointer.file}", file, before, tell)
            return
        except UnreachableError as error:
            failures = 0 if _size(part) > before else failures + 1
            if failures == TRIES:
                reason = str(error).partition(";")[0]
                raise UnreachableError(
                    f"{run.id}: {pointer.file} broke off at {_size(part) / 2**20:.1f} of"
                    f" {pointer.bytes / 2**20:.1f} MiB ({reason}); the same command continues from there"
                ) from error


def _download(run: RunDir, path: str, file: IO[bytes], start: int, tell: Tell) -> None:
    """Write a file from ``start`` or slightly before; anything behind the new end is truncated."""

    async def question() -> None:
        async for position, content in read_blocks(
            modal_volume.volume_of(run), f"/{run.id}/{path}", start
        ):
            file.seek(position)
            file.write(content)
            file.flush()
            tell(file.tell())
        file.truncate()

    modal_volume.without_missing(run, question, DOWNLOAD_SECONDS)


@contextmanager
def _alone(run: RunDir) -> Iterator[None]:
    with try_lock(run.path / LOCK) as held:
        if not held:
            raise RunError(f"{run.id}: another `mabe pull` is fetching; wait for it")
        yield


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
