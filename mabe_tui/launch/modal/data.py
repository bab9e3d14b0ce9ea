"""The volume that holds data: upload a folder and list what is there."""

import io
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

import modal
import modal.exception
import msgspec

from core.errors import DataError, UserError
from core.system.files import UNDECODABLE
from core.system.progress import Progress
from mabe_tui.launch.data_messages import CALL, STATUS, DownloadFailed, StartedCall, Status
from mabe_tui.launch.modal.client import ask
from mabe_tui.launch.modal.machine import DATA_MOUNT

VOLUME = "mabe-data"
CACHE = "cache"
"""Folder of prepared arrays, which every run can rebuild."""
BATCH_BYTES = 256 << 20
"""Maximum amount that an interrupted upload sends again."""
UPLOAD_SECONDS = 3600.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""Valid data set names; a name also becomes part of an app's name."""
Kept = TypeVar("Kept", Status, StartedCall)


class RemoteFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A data set on the volume."""

    name: str
    files: int
    bytes: int
    status: Status | None = None
    """State of its download; ``None`` if it was uploaded or created there."""

    @property
    def problem(self) -> str | None:
        """Why its download failed."""
        ended = self.status.ended if self.status is not None else None
        return ended.error if isinstance(ended, DownloadFailed) else None


def folders() -> list[RemoteFolder]:
    """List the data sets on the volume; the prepared arrays appear as a data set named ``cache``.

    Raises:
        UserError: Modal cannot be queried.
    """
    sizes = _sizes("/")
    names = sorted({path.parts[0] for path in sizes if len(path.parts) > 1})
    return [_folder(name, sizes) for name in names]


def _folder(name: str, sizes: dict[PurePosixPath, int]) -> RemoteFolder:
    status, call = PurePosixPath(name, STATUS), PurePosixPath(name, CALL)
    own = [s for path, s in sizes.items() if path.parts[0] == name and path.name[0] != "."]
    begun = Status(competition="") if call in sizes else None  # its job has not reported yet
    return RemoteFolder(
        name=name,
        files=len(own),
        bytes=sum(own),
        status=read_status(name) if status in sizes else begun,
    )


def read_status(name: str) -> Status | None:
    """Read the state of the download into this folder; ``None`` if none is recorded.

    Raises:
        UserError: Modal cannot be queried.
    """
    return _read(name, STATUS, Status)


def read_call(name: str) -> StartedCall | None:
    """Read which call downloads, or last downloaded, into this folder; ``None`` if it was not recorded.

    Raises:
        UserError: Modal cannot be queried.
    """
    return _read(name, CALL, StartedCall)


def write_status(name: str, status: Status) -> None:
    """Replace the recorded state of the download into this folder.

    Raises:
        UserError: Modal cannot be queried.
    """
    _write(name, STATUS, status)


def write_call(name: str, call: StartedCall) -> None:
    """Record which call downloads into this folder.

    Raises:
        UserError: Modal cannot be queried.
    """
    _write(name, CALL, call)


def require_name(name: str) -> None:
    """Check that a data set on the volume may have this name.

    Raises:
        DataError: the name is invalid; the message says which names are valid.
    """
    if name == CACHE or not NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot be a data set's name on the volume: write letters, digits, '.', '_' and"
            f" '-', 40 at most, and not {CACHE!r}"
        )


def require_folder(path: str) -> None:
    """Check that a data folder exists on the volume; ``path`` is as in a request, ``/vol/NAME``.

    Raises:
        DataError: it does not exist; names the existing ones.
        UserError: Modal cannot be queried.
    """
    name = PurePosixPath(path).relative_to(DATA_MOUNT)
    try:
        ask(lambda: _volume().listdir.aio(f"/{name}"))
    except UserError as error:
        if not isinstance(error.__cause__, modal.exception.NotFoundError | FileNotFoundError):
            raise
        known = [f"{DATA_MOUNT}/{folder.name}" for folder in folders() if folder.name != CACHE]
        raise DataError(
            f"--data {path}: it is not on Modal; there is {', '.join(known) or 'nothing'};"
            " `mabe data push DIR` brings a folder there"
        ) from error


def push(folder: Path, name: str, progress: Progress | None = None) -> int:
    """Upload a folder to the volume as ``/name``; return how many files had to be sent.

    Files that already exist with the same size are skipped, so an interrupted upload continues where it
    left off.

    Raises:
        DataError: the folder is empty, or the name is invalid.
        UserError: Modal cannot be queried.
    """
    require_name(name)
    here = {
        PurePosixPath(name, path.relative_to(folder).as_posix()): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    if not here:
        raise DataError(f"{folder}: there is nothing in it")
    there = _sizes(f"/{name}")
    missing = {to: path for to, path in here.items() if there.get(to) != path.stat().st_size}
    done, total = 0, sum(path.stat().st_size for path in missing.values())
    for batch in _batches(missing):
        _upload(batch)
        done += sum(path.stat().st_size for path in batch.values())
        if progress is not None:
            progress(done, total, "bytes")
    return len(missing)


def _read(name: str, file: str, kind: type[Kept]) -> Kept | None:
    async def question() -> bytes:
        parts = [part async for part in _volume().read_file.aio(f"/{name}/{file}")]
        return b"".join(parts)

    try:
        return msgspec.json.decode(ask(question), type=kind)
    except UNDECODABLE:
        return None
    except UserError as error:
        if isinstance(error.__cause__, FileNotFoundError | modal.exception.NotFoundError):
            return None
        raise


def _write(name: str, file: str, kept: Status | StartedCall) -> None:
    async def question() -> None:
        async with _volume(create=True).batch_upload.aio(force=True) as upload:
            upload.put_file(io.BytesIO(msgspec.json.encode(kept)), f"/{name}/{file}")

    ask(question)


def _batches(files: dict[PurePosixPath, Path]) -> Iterator[dict[PurePosixPath, Path]]:
    batch: dict[PurePosixPath, Path] = {}
    size = 0
    for to, path in files.items():
        batch[to] = path
        size += path.stat().st_size
        if size >= BATCH_BYTES:
            yield batch
            batch, size = {}, 0
    if batch:
        yield batch


def _upload(batch: dict[PurePosixPath, Path]) -> None:
    async def question() -> None:
        async with _volume(create=True).batch_upload.aio(force=True) as upload:
            for to, path in batch.items():
                upload.put_file(path, f"/{to}")

    ask(question, UPLOAD_SECONDS)


def _sizes(path: str) -> dict[PurePosixPath, int]:
    async def question() -> dict[PurePosixPath, int]:
        try:
            entries = await _volume().listdir.aio(path, recursive=True)
        except modal.exception.NotFoundError:
            return {}
        return {
            PurePosixPath(entry.path): entry.size for entry in entries if entry.type.name == "FILE"
        }

    return ask(question)


def _volume(create: bool = False) -> modal.Volume:
    """Return the volume; only writing creates it."""
    return modal.Volume.from_name(VOLUME, create_if_missing=create)
