"""What an archive says of itself: its run, and the hash of every file."""

import re
import stat
import zipfile
from pathlib import PurePosixPath

import msgspec

from core.errors import RunError
from mabe_tui.runs.store import is_run_id

MANIFEST = "mabe-archive.json"
FORMAT = 1
MOST_FILES = 100_000
MOST_MANIFEST_BYTES = 64 << 20
LARGE_BYTES = 64 << 20
MOST_RATIO = 250
"""A file larger than :data:`LARGE_BYTES` that is packed more tightly than this is no log and no weights."""
_PART = re.compile(r"[^/\\\x00-\x1f\x7f:]{1,255}")
_RESERVED = re.compile(r"\.[^/]*\.(lock|tmp)|\.removed-.*")


class ArchivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the run."""

    path: str
    """Relative to the run's folder, with slashes."""
    bytes: int
    sha256: str
    modified_ns: int
    """Time of its last change, in nanoseconds since 1970."""


class ArchiveManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The last entry of an archive, ``mabe-archive.json``."""

    format: int = FORMAT
    run: str
    files: tuple[ArchivedFile, ...]
    inputs: tuple[str, ...] = ()
    """Ids of the runs that it was made of, or began with: they are not in the archive."""

    @property
    def bytes(self) -> int:
        """Total size of the files."""
        return sum(file.bytes for file in self.files)


def is_kept(path: str) -> bool:
    """Return whether a file belongs to the run: not a lock, nor left over by a write that was cut short."""
    return not any(_RESERVED.fullmatch(part) for part in path.split("/"))


def checked_manifest(archive: zipfile.ZipFile, where: str) -> ArchiveManifest:
    """Read the manifest, and check it against the archive's list of entries before anything is unpacked.

    Raises:
        RunError: the archive is not one of a run, names files outside the run's folder, holds links or
            anything else that mabe does not write, or would grow out of proportion.
    """
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if MANIFEST not in names:
        raise RunError(f"{where}: not an archive of a run; `mabe archive RUN -o FILE` makes one")
    if len(set(names)) != len(names) or len(names) > MOST_FILES:
        raise RunError(
            f"{where}: refused: it lists a file twice, or more than {MOST_FILES:,} files"
        )
    for entry in entries:
        if (problem := _problem_of(entry)) is not None:
            raise RunError(f"{where}: refused: {entry.filename!r} {problem}")
    manifest = _decoded(archive, where)
    if not is_run_id(manifest.run):
        raise RunError(f"{where}: refused: {manifest.run!r} is not the id of a run")
    sizes = {entry.filename: entry.file_size for entry in entries if entry.filename != MANIFEST}
    stated = {file.path: file.bytes for file in manifest.files}
    if sizes != stated or len(manifest.files) != len(stated) or "run.toml" not in stated:
        raise RunError(f"{where}: refused: its files are not those that {MANIFEST} lists")
    return manifest


def _decoded(archive: zipfile.ZipFile, where: str) -> ArchiveManifest:
    if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST_BYTES:
        raise RunError(f"{where}: refused: {MANIFEST} is too large")
    try:
        content = archive.read(MANIFEST)
        stated = msgspec.json.decode(content)
        written = stated.get("format") if isinstance(stated, dict) else None
        if isinstance(written, int) and written > FORMAT:
            raise RunError(f"{where}: written by a newer mabe; update mabe to read it")
        return msgspec.convert(stated, ArchiveManifest)
    except (msgspec.MsgspecError, zipfile.BadZipFile, UnicodeDecodeError, RecursionError) as error:
        raise RunError(f"{where}: damaged: {MANIFEST} cannot be read ({error})") from error


def _problem_of(entry: zipfile.ZipInfo) -> str | None:
    parts = entry.filename.split("/")
    if not all(_PART.fullmatch(part) for part in parts) or {".", ".."} & {*parts}:
        return "leads out of the run's folder"
    if PurePosixPath(entry.filename).as_posix() != entry.filename or not is_kept(entry.filename):
        return "is not a name that a run's files have"
    kind = stat.S_IFMT(entry.external_attr >> 16)  # 0 where the archive was made without
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that mabe does not use"
    if entry.file_size > max(LARGE_BYTES, MOST_RATIO * entry.compress_size):
        return f"would grow {entry.file_size // max(1, entry.compress_size):,}-fold"
    return None
