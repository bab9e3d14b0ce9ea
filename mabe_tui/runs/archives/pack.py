"""A run as one file: a zip archive with the hash of every file."""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

import msgspec

from core.errors import CheckpointError, RunError
from core.run.request import RunRequest
from core.run.rundir import RunDir
from core.system.files import replace_atomically
from core.system.progress import Progress
from mabe_tui.launch.launcher import RunState
from mabe_tui.runs.archives.manifest import MANIFEST, ArchivedFile, ArchiveManifest, is_kept
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import pointer_names
from mabe_tui.runs.summary.run_summary import state_of

PACKED_ALREADY = (".pt", ".parquet")
"""Files that do not get smaller."""
BLOCK = 1 << 20
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644 << 16


def pack(entry: RunEntry, target: Path, progress: Progress) -> ArchiveManifest:
    """Write all files of a run to one archive; it appears only once it is complete.

    Files are read in pieces. The same run gives the same bytes.

    Args:
        entry: the run, which must not be alive.
        target: the file to write; replaced if it exists.
        progress: called with the bytes read so far.

    Raises:
        RunError: the run is alive or may be, cannot be read, or changes meanwhile.
        UserError: the archive cannot be written.
    """
    request = entry.require_request()
    _require_still(entry)
    paths = sorted(_files(entry.run))
    total = sum(path.stat().st_size for path in paths)
    files: list[ArchivedFile] = []
    done = 0
    with replace_atomically(target) as whole, zipfile.ZipFile(whole, "w") as archive:
        for path in paths:
            files.append(_add(archive, entry.run, path, partial(told_from, progress, done, total)))
            done += files[-1].bytes
        manifest = ArchiveManifest(run=entry.id, files=tuple(files), inputs=inputs_of(request))
        _write_manifest(archive, manifest)
        _require_still(entry)
    return manifest


def inputs_of(request: RunRequest) -> tuple[str, ...]:
    """Return the ids of the runs that a run was made of, began with or learned from."""
    start = (request.start,) if request.start is not None else ()
    return tuple(dict.fromkeys(each.run for each in (*request.inputs, *start, *request.pseudo)))


def missing_checkpoints(run: RunDir) -> list[str]:
    """Return the pointers whose checkpoint is not on this computer, so that an archive lacks it."""
    missing = []
    for name in pointer_names(run):
        try:
            pointer = run.read_pointer(name)
        except CheckpointError:
            continue
        if pointer is not None and not (run.checkpoints / pointer.file).is_file():
            missing.append(name)
    return missing


def _require_still(entry: RunEntry) -> None:
    state = state_of(entry)
    if state.is_alive:
        raise RunError(
            f"{entry.id} is {state}; an archive is made of a run that has ended (mabe stop {entry.id})"
        )
    if state is RunState.UNKNOWN:
        raise RunError(f"{entry.id}: whether it has ended is not known now; try again later")


def _files(run: RunDir) -> Iterator[Path]:
    """Yield the run's files.

    Raises:
        RunError: one is a link or a device.
    """
    for path in run.path.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise RunError(f"{path}: a link or a device, which an archive does not hold; remove it")
        if path.is_file() and is_kept(path.relative_to(run.path).as_posix()):
            yield path


def told_from(progress: Progress, before: int, total: int, size: int) -> None:
    """Report that of one file so many bytes were read, after those of the files before it."""
    progress(before + size, total, "bytes")


def _add(
    archive: zipfile.ZipFile, run: RunDir, path: Path, read: Callable[[int], None]
) -> ArchivedFile:
    name = path.relative_to(run.path).as_posix()
    entry = zipfile.ZipInfo(name, _FIXED_TIME)
    entry.external_attr = _FILE_MODE
    entry.compress_type = (
        zipfile.ZIP_STORED if path.suffix in PACKED_ALREADY else zipfile.ZIP_DEFLATED
    )
    try:
        with path.open("rb") as source:
            before = path.stat()
            entry.file_size = before.st_size
            with archive.open(entry, "w") as into:
                sha256, size = copied(source, into, read)
    except FileNotFoundError as error:
        raise RunError(f"{path}: removed while it was archived; try again") from error
    if size != before.st_size:
        raise RunError(f"{path}: changed while it was archived; try again")
    return ArchivedFile(path=name, bytes=size, sha256=sha256, modified_ns=before.st_mtime_ns)


def copied(
    source: IO[bytes],
    into: IO[bytes] | None,
    read: Callable[[int], None] = lambda _: None,
    most: int | None = None,
) -> tuple[str, int]:
    """Copy in pieces; return the hash and the number of bytes.

    Args:
        source: read to its end.
        into: written to; ``None`` only hashes.
        read: called with the number of bytes read so far.
        most: stop once more than this was read.
    """
    digest, size = hashlib.sha256(), 0
    while piece := source.read(BLOCK):
        digest.update(piece)
        size += len(piece)
        if most is not None and size > most:
            break
        if into is not None:
            into.write(piece)
        read(size)
    return digest.hexdigest(), size


def _write_manifest(archive: zipfile.ZipFile, manifest: ArchiveManifest) -> None:
    entry = zipfile.ZipInfo(MANIFEST, _FIXED_TIME)
    entry.external_attr = _FILE_MODE
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
