"""Unpacking an archive from somewhere else: no path outside the folder, no half-file taken for whole."""

import calendar
import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from core.errors import DataError
from core.files import replace_atomically
from core.progress import Progress


def unzip(archive: Path, folder: Path, progress: Progress | None = None) -> int:
    """Unpack an archive; gives how many files were written.

    A file gets its name once it is whole and its checksum was right, and the date that the archive has of
    it. Files that are there with that size and date stay, so that an unpacking that was cut short goes on
    where it was.

    Raises:
        DataError: it is no archive, is damaged, or has a path that leads out of the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            targets = [_target(member, folder, archive) for member in members]
            written = 0
            for number, (member, target) in enumerate(zip(members, targets, strict=True), start=1):
                written += _extract(opened, member, target)
                if progress is not None:
                    progress(number, len(members), "files unpacked")
            return written
    except zipfile.BadZipFile as error:
        raise DataError(f"{archive}: damaged ({error}); remove it and download it again") from error


def _target(member: zipfile.ZipInfo, folder: Path, archive: Path) -> Path:
    parts = PurePosixPath(member.filename.replace("\\", "/"))
    is_link = (member.external_attr >> 16) & 0o170000 == 0o120000
    if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0] or is_link:
        raise DataError(f"{archive}: {member.filename!r} leads out of the folder; not unpacked")
    return folder.joinpath(*parts.parts)


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> int:
    date = _date(member)
    if target.is_file():
        status = target.stat()
        if (status.st_size, status.st_mtime) == (member.file_size, date):
            return 0
    with archive.open(member) as source, replace_atomically(target) as file:
        shutil.copyfileobj(source, file)
    os.utime(target, (date, date))  # prepared data are known by it, wherever the files are
    return 1


def _date(member: zipfile.ZipInfo) -> float:
    """Give the date that the archive has of a file, in seconds since the epoch; 0 where it has none."""
    try:
        return float(calendar.timegm((*member.date_time, 0, 0, 0)))
    except ValueError:
        return 0.0
