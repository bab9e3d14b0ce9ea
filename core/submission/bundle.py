"""The bundle for a machine that predicts a submission: runs, each with a checkpoint, in a flat folder.

The folder is flat because upload services treat subfolders and archives in different ways. A table,
:data:`NAME`, says where each file belongs.
"""

import shutil
from pathlib import Path, PurePosixPath
from typing import Literal

import msgspec

from core.errors import DataError
from core.system.files import UNDECODABLE, sha256_of

FORMAT = 1
NAME = "bundle.json"


class BundledFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a run."""

    path: str
    """Its path below the folder of runs, such as ``RUN/run.toml``; with slashes."""
    file: str
    """Its name in the bundle."""
    sha256: str


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The table of a bundle."""

    format: int = FORMAT
    digest: str
    """Hash of everything that is sent, including the code."""
    competition: str
    runs: tuple[str, ...]
    """Ids of the runs whose predictions are averaged, the most valuable first; one that is named twice counts
    twice."""
    rules: str | None = None
    """Path of stored post-processing below the folder of runs; ``None``: :attr:`threshold` decides."""
    threshold: float
    """Threshold of every action, if there are no rules."""
    tta: bool = False
    """Whether probabilities are averaged over views, such as the mirror image."""
    seconds: float
    """Time limit for predicting."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    files: tuple[BundledFile, ...]


def read_bundle(folder: Path) -> Bundle:
    """Read the table of a bundle.

    Raises:
        DataError: there is none, or this version cannot read it.
    """
    path = folder / NAME
    try:
        bundle = msgspec.json.decode(path.read_bytes(), type=Bundle)
    except (OSError, *UNDECODABLE) as error:
        raise DataError(f"{path}: not the table of a bundle ({error})") from error
    if bundle.format > FORMAT:
        raise DataError(f"{path}: written by a newer mabe; its own code reads it")
    return bundle


def unpack(folder: Path, bundle: Bundle, into: Path) -> None:
    """Put each file at its place below a folder of runs, as a link where possible.

    Args:
        folder: of the bundle.
        bundle: its table.
        into: the folder of runs.

    Raises:
        DataError: a file is missing or damaged, or its path leads out of the folder.
    """
    for each in bundle.files:
        source, place = folder / each.file, PurePosixPath(each.path)
        if place.is_absolute() or ".." in place.parts:
            raise DataError(f"{folder / NAME}: {each.path!r} leads out of the folder")
        if not source.is_file():
            raise DataError(f"{source}: missing from the bundle")
        if sha256_of(source) != each.sha256:
            raise DataError(f"{source}: damaged, its sha256 is not that of the bundle's table")
        target = into.joinpath(*place.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(source.resolve(), target)


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        target.symlink_to(source)
    except OSError:  # links are not supported or not permitted
        shutil.copyfile(source, target)
