"""What a download that came to its end leaves beside the data, so that the next one sees it is done."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.system.files import UNDECODABLE, write_bytes_atomically

NAME = ".downloaded.json"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """All files that were unpacked."""

    competition: str
    files: dict[str, int]
    """Name relative to the folder → bytes."""


def write_receipt(folder: Path, competition: str, files: Mapping[str, int]) -> None:
    """Say that all files of a competition are in the folder.

    Raises:
        UserError: it cannot be written.
    """
    receipt = Receipt(competition=competition, files=dict(files))
    write_bytes_atomically(folder / NAME, msgspec.json.encode(receipt))


def forget_receipt(folder: Path) -> None:
    """Take that back, before the files are written again."""
    (folder / NAME).unlink(missing_ok=True)


def missing_files(folder: Path, competition: str) -> list[str] | None:
    """Name the files of a finished download that are gone or have another size.

    Returns:
        ``None`` where no download of this competition into the folder has come to its end.
    """
    try:
        receipt = msgspec.json.decode((folder / NAME).read_bytes(), type=Receipt)
    except (OSError, *UNDECODABLE):
        return None
    if receipt.competition != competition:
        return None
    return [name for name, size in receipt.files.items() if not _has_size(folder / name, size)]


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
