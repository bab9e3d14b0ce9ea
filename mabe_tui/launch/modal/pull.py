"""Whole files of a run from Modal's volume: in pieces, going on where they were broken off, checked.

What has come of a checkpoint is kept beside it as ``.NAME.HASH.part``, under the beginning of the hash that
its pointer names, so that a part of another version is never gone on with.
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
"""Downloads in a row that brought nothing, or brought something else than the pointer names."""
DOWNLOAD_SECONDS = 3600.0
LOCK = ".pull.lock"
Tell = Callable[[int], None]
"""Called with the bytes of a file that are here."""


def fetch(run: RunDir, path: str, into: Path) -> Path:
    """Bring one file of the run to ``into``, a file name or a folder that exists.

    Raises:
        RunError: there is no such file in the run.
        UserError: Modal cannot be asked.
    """
    target = into / PurePosixPath(path).name if into.is_dir() else into
    if path not in modal_volume.files(run):
        raise RunError(f"{run.id} has no file {path!r} on Modal")
    with replace_atomically(target) as file:
        _download(run, path, file, 0, lambda _: None)
    return target


def pull(run: RunDir, pointers: Iterable[Pointer], progress: Progress | None = None) -> list[Path]:
    """Bring checkpoints here. Those that are here and whole are not fetched again.

    A file gets its name only once its sha256 is the one that its pointer names. Where this is broken
    off, what has come stays, and the next call goes on from there.

    Raises:
        RunError: a file cannot be had whole, or another process is fetching.
        UserError: Modal cannot be asked.
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
    if not modal_volume.FILE.fullmatch(pointer.file):  # a pointer is a stranger's word
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
    """Name the file for what has come; those of other versions are removed."""
    target.parent.mkdir(exist_ok=True)
    part = target.with_name(f".{target.name}.{pointer.sha256[:12]}.part")
    for other in target.parent.glob(f".{target.name}.*.part"):
        if other != part:
            other.unlink()
    return part


def _complete(run: RunDir, pointer: Pointer, part: Path, tell: Tell) -> None:
    """Fetch what is missing of a part, however often the connection is lost while something comes.

    Raises:
        UnreachableError: several times in a row nothing came.
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
                    f" {pointer.bytes / 2**20:.1f} MiB ({reason}); the same command goes on from there"
                ) from error


def _download(run: RunDir, path: str, file: IO[bytes], start: int, tell: Tell) -> None:
    """Write a file from ``start`` on, or from a little before; what is behind its end is cut off."""

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
