"""The volume that data lie on: bringing a folder there, and listing what is there."""

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
"""Prepared arrays, which every run can make again."""
BATCH_BYTES = 256 << 20
"""Of an upload that is cut short, at most so much is sent again."""
UPLOAD_SECONDS = 3600.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""A data set's: it is part of an app's name, too."""
Kept = TypeVar("Kept", Status, StartedCall)


class RemoteFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A data set on the volume."""

    name: str
    files: int
    bytes: int
    status: Status | None = None
    """How far its download has come; ``None`` where it was pushed, or made there."""

    @property
    def problem(self) -> str | None:
        """Why its download failed."""
        ended = self.status.ended if self.status is not None else None
        return ended.error if isinstance(ended, DownloadFailed) else None


def folders() -> list[RemoteFolder]:
    """List the data sets on the volume; prepared arrays are one of their own, ``cache``.

    Raises:
        UserError: Modal cannot be asked.
    """
    sizes = _sizes("/")
    names = sorted({path.parts[0] for path in sizes if len(path.parts) > 1})
    return [_folder(name, sizes) for name in names]


def _folder(name: str, sizes: dict[PurePosixPath, int]) -> RemoteFolder:
    status, call = PurePosixPath(name, STATUS), PurePosixPath(name, CALL)
    own = [s for path, s in sizes.items() if path.parts[0] == name and path.name[0] != "."]
    begun = Status(competition="") if call in sizes else None  # its job has not said a word
    return RemoteFolder(
        name=name,
        files=len(own),
        bytes=sum(own),
        status=read_status(name) if status in sizes else begun,
    )


def read_status(name: str) -> Status | None:
    """Read how far a download into this folder has come; ``None`` where nothing says so.

    Raises:
        UserError: Modal cannot be asked.
    """
    return _read(name, STATUS, Status)


def read_call(name: str) -> StartedCall | None:
    """Read which call downloads, or last downloaded, into this folder; ``None`` where it was not noted.

    Raises:
        UserError: Modal cannot be asked.
    """
    return _read(name, CALL, StartedCall)


def write_status(name: str, status: Status) -> None:
    """Replace what is said of a download into this folder.

    Raises:
        UserError: Modal cannot be asked.
    """
    _write(name, STATUS, status)


def write_call(name: str, call: StartedCall) -> None:
    """Note which call downloads into this folder.

    Raises:
        UserError: Modal cannot be asked.
    """
    _write(name, CALL, call)


def require_name(name: str) -> None:
    """Refuse what cannot be a data set's name on the volume.

    Raises:
        DataError: it cannot; says what can.
    """
    if name == CACHE or not NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot be a data set's name on the volume: write letters, digits, '.', '_' and"
            f" '-', 40 at most, and not {CACHE!r}"
        )


def require_folder(path: str) -> None:
    """Make sure that a data folder is on the volume; ``path`` is as in a request, ``/vol/NAME``.

    Raises:
        DataError: it is not there; names what is.
        UserError: Modal cannot be asked.
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
    """Bring a folder to the volume as ``/name``; return how many files had to be sent.

    Files that are there with the same size stay as they are, so that an upload that was cut short goes
    on where it was.

    Raises:
        DataError: the folder is empty, or the name cannot be one on the volume.
        UserError: Modal cannot be asked.
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
    """Return the volume; only what writes makes it where there is none."""
    return modal.Volume.from_name(VOLUME, create_if_missing=create)
