"""Receipt of a completed download, left beside the data so that the next command sees that it is done."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.system.files import UNDECODABLE, write_bytes_atomically

NAME = ".downloaded.json"


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """All files that were unpacked."""

    competition: str
    files: dict[str, int]
    """Name relative to the folder → size in bytes."""


def write_receipt(folder: Path, competition: str, files: Mapping[str, int]) -> None:
    """Record that the folder holds all files of a competition.

    Raises:
        UserError: the receipt cannot be written.
    """
    receipt = Receipt(competition=competition, files=dict(files))
    write_bytes_atomically(folder / NAME, msgspec.json.encode(receipt))


def forget_receipt(folder: Path) -> None:
    """Remove the receipt before the files are written again."""
    (folder / NAME).unlink(missing_ok=True)


def missing_files(folder: Path, competition: str) -> list[str] | None:
    """Return the files of a completed download that are missing or have another size.

    Returns:
        ``None`` if no download of this competition into the folder was completed.
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
