"""Unpack an archive of a run: every file is checked before the run appears."""

import os
import secrets
import shutil
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from core.errors import RunError
from core.run import places
from core.run.rundir import RunDir
from core.system.progress import Progress
from mabe_tui.runs.actions.manage import ARRIVING_PREFIX
from mabe_tui.runs.archives.manifest import ArchivedFile, ArchiveManifest, checked_manifest, is_kept
from mabe_tui.runs.archives.pack import copied, told_from
from mabe_tui.runs.store import RunStore

SPARE_BYTES = 64 << 20
"""Free space that is left on the disk."""


class UnpackedRun(NamedTuple):
    """A run that an archive held."""

    run: RunDir
    was_here: bool
    """Whether the same run, with the same files, was here before."""
    missing: tuple[str, ...]
    """Ids of the runs that it was made of and that are not here."""


def unpack(archive: Path, home: Path, progress: Progress) -> UnpackedRun:
    """Add the run in an archive to the runs of a home; it appears only once all its files are checked.

    Args:
        archive: from :func:`~mabe_tui.runs.archives.pack.pack`.
        home: the home folder.
        progress: called with the bytes read so far.

    Raises:
        RunError: the file is not an archive of a run, is damaged or cut off, holds anything that must not
            be unpacked, needs more space than there is; or another run has this id.
    """
    with _opened(archive) as opened:
        manifest = checked_manifest(opened, str(archive))
        run = RunDir(places.runs(home) / manifest.run)
        if run.path.exists():
            _require_same(run, manifest)
            return UnpackedRun(run, True, _missing(home, manifest))
        _require_space(run.path.parent, manifest, archive)
        _extract(opened, manifest, run, archive, progress)
    return UnpackedRun(run, False, _missing(home, manifest))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError as error:
        raise RunError(f"{path}: not there") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise RunError(
            f"{path}: not an archive of a run, or damaged or cut off ({error})"
        ) from error
    except OSError as error:
        raise RunError(f"{error.filename or path}: {error.strerror or error}") from error


def _extract(
    archive: zipfile.ZipFile,
    manifest: ArchiveManifest,
    run: RunDir,
    source: Path,
    progress: Progress,
) -> None:
    run.path.parent.mkdir(parents=True, exist_ok=True)
    hidden = run.path.with_name(f"{ARRIVING_PREFIX}{run.id}-{secrets.token_hex(4)}")
    hidden.mkdir()
    try:
        done = 0
        for file in manifest.files:
            tell = partial(told_from, progress, done, manifest.bytes)
            _extract_file(archive, file, hidden / file.path, source, tell)
            done += file.bytes
        _require_request_of(manifest.run, hidden, source)
        hidden.rename(run.path)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


def _extract_file(
    archive: zipfile.ZipFile,
    file: ArchivedFile,
    target: Path,
    source: Path,
    read: Callable[[int], None],
) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(file.path) as packed, target.open("xb") as into:
        sha256, size = copied(packed, into, read, most=file.bytes)
        into.flush()
        os.fsync(into.fileno())
    if (sha256, size) != (file.sha256, file.bytes):
        raise RunError(
            f"{source}: damaged: {file.path} is not what was archived; nothing was unpacked"
        )
    os.utime(target, ns=(file.modified_ns, file.modified_ns))


def _require_request_of(run: str, folder: Path, source: Path) -> None:
    try:
        stated = tomllib.loads((folder / "run.toml").read_text(encoding="utf-8")).get("run")
    except ValueError as error:
        raise RunError(f"{source}: refused: its run.toml cannot be read ({error})") from error
    if stated != run:
        raise RunError(f"{source}: refused: its run.toml is of {stated!r}, not of {run}")


def _require_same(run: RunDir, manifest: ArchiveManifest) -> None:
    """Check that the run that is here has the archive's files.

    Raises:
        RunError: a file is missing, additional, or another.
    """
    here = {
        path.relative_to(run.path).as_posix()
        for path in run.path.rglob("*")
        if path.is_file() and is_kept(path.relative_to(run.path).as_posix())
    }
    other = sorted(here ^ {file.path for file in manifest.files})
    if not other:
        other = [file.path for file in manifest.files if not _is_same(run.path / file.path, file)]
    if other:
        raise RunError(
            f"{run.id} is here already, and its {other[0]} is not that of the archive;"
            f" `mabe rm --all {run.id}` makes room for the archived one"
        )


def _is_same(path: Path, file: ArchivedFile) -> bool:
    with path.open("rb") as content:
        return copied(content, None) == (file.sha256, file.bytes)


def _require_space(folder: Path, manifest: ArchiveManifest, source: Path) -> None:
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free - SPARE_BYTES
    if manifest.bytes > free:
        raise RunError(
            f"{source}: unpacked it takes {manifest.bytes / 2**20:,.0f} MiB, and {existing} has"
            f" {max(0, free) / 2**20:,.0f} MiB to spare; free some space"
        )


def _missing(home: Path, manifest: ArchiveManifest) -> tuple[str, ...]:
    here = {entry.id for entry in RunStore(home).entries()}
    return tuple(run for run in manifest.inputs if run not in here)
