"""Unpack an untrusted archive: no path outside the folder, no partial file under its final name."""

import calendar
import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

import msgspec

from core.errors import DataError
from core.system.files import replace_atomically
from core.system.progress import Progress


class Unpacked(msgspec.Struct, frozen=True):
    """Result of unpacking an archive."""

    written: int
    files: dict[str, int]
    """All files of the archive: name relative to the folder → size in bytes."""


def unzip(
    archive: Path, folder: Path, progress: Progress | None = None, anew: bool = False
) -> Unpacked:
    """Unpack an archive.

    A file gets its final name, and its modification time from the archive, once it is complete and its
    checksum is right. Existing files with the right size and time are skipped, so an interrupted unpacking
    continues where it left off.

    Args:
        archive: a zip file.
        folder: destination of its files.
        progress: called with (done, total, what).
        anew: overwrite existing files.

    Raises:
        DataError: it is not an archive, is damaged, or contains a path that leads out of the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            targets = [_target(member, folder, archive) for member in members]
            written = 0
            for number, (member, target) in enumerate(zip(members, targets, strict=True), start=1):
                if anew or not _is_there(member, target):
                    _extract(opened, member, target)
                    written += 1
                if progress is not None:
                    progress(number, len(members), "files unpacked")
            sizes = [member.file_size for member in members]
            names = [target.relative_to(folder).as_posix() for target in targets]
            return Unpacked(written, dict(zip(names, sizes, strict=True)))
    except zipfile.BadZipFile as error:
        raise DataError(f"{archive}: damaged ({error}); remove it and download it again") from error


def _target(member: zipfile.ZipInfo, folder: Path, archive: Path) -> Path:
    parts = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0] or is_link:
        raise DataError(f"{archive}: {member.filename!r} leads out of the folder; not unpacked")
    return folder.joinpath(*parts.parts)


def _is_there(member: zipfile.ZipInfo, target: Path) -> bool:
    if not target.is_file():
        return False
    status = target.stat()
    return (status.st_size, status.st_mtime) == (member.file_size, _date(member))


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    date = _date(member)
    with archive.open(member) as source, replace_atomically(target) as file:
        shutil.copyfileobj(source, file)
    os.utime(target, (date, date))  # prepared data are identified by it, wherever the files are


def _date(member: zipfile.ZipInfo) -> float:
    """Return a file's modification time in the archive, in seconds since the epoch; 0 if it has none."""
    try:
        return float(calendar.timegm((*member.date_time, 0, 0, 0)))
    except ValueError:
        return 0.0
