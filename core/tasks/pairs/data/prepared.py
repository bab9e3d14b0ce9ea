"""Pairs ready for training: checked once, with images that are read where they lie.

The folder in the cache has a manifest, the labels, and the group of each pair (the pairs that share images);
images only where the file has them compressed. Memory holds neither images nor files, whatever their size.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.data.manifest import Remark
from core.errors import DataError
from core.system.files import UNDECODABLE, write_bytes_atomically
from core.system.lock import in_turn
from core.system.progress import Progress
from core.tasks.pairs.data.groups import pair_groups
from core.tasks.pairs.data.pair_file import SPLITS, PairFile, open_pair_file, scaled
from core.tasks.pairs.data.scan import content_of, labels_path, opened, scanned

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
GROUPS = "groups.npy"
LEARNED = SPLITS[:2]
"""The files that a run learns from and validates on."""


class PairManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of prepared pairs; written last."""

    format_version: int
    source: str
    fingerprint: str
    """Hash of images and labels: equal for equal data, wherever they are."""
    validation_content: str | None
    """The same of val.npz alone."""
    size: tuple[int, int]
    mean: float
    """Of the pixels of train.npz, after bytes have become shares of 1."""
    deviation: float
    shared_images: int
    """Images of val.npz that are also in train.npz."""


@dataclass(frozen=True, slots=True)
class Part:
    """The pairs of one file."""

    split: str
    first: NDArray[Any]
    """``(pairs, height, width)``, on disk."""
    second: NDArray[Any]
    labels: NDArray[np.uint8]

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class PreparedPairs:
    """The pairs of train.npz and, where there is one, val.npz, one after the other."""

    manifest: PairManifest
    parts: tuple[Part, ...]
    labels: NDArray[np.uint8]
    groups: NDArray[np.int64]
    """Group of each pair: see :func:`~core.tasks.pairs.data.groups.pair_groups`."""

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return len(self.labels)

    def images(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read both images of some pairs: two arrays ``(pairs, height, width)``, bytes as shares of 1."""
        shape = (len(rows), *self.manifest.size)
        first, second = np.empty(shape, np.float32), np.empty(shape, np.float32)
        begin = 0
        for part in self.parts:
            here = np.flatnonzero((rows >= begin) & (rows < begin + part.pairs))
            if len(here):
                places = rows[here] - begin
                first[here] = scaled(part.first[places])
                second[here] = scaled(part.second[places])
            begin += part.pairs
        return first, second

    def ids(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of some pairs, such as ``val/000123``."""
        named = []
        learned = self.parts[0].pairs
        for row in rows.tolist():
            part, place = (0, row) if row < learned else (1, row - learned)
            named.append(f"{self.parts[part].split}/{place:06d}")
        return named

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """What the user should know of these data."""
        shared = self.manifest.shared_images
        if not shared:
            return ()
        words = (
            f"val.npz shares {shared:,} image{'s' * (shared > 1)} with train.npz; scores on"
            f" {'them' if shared > 1 else 'it'} flatter"
        )
        return (Remark("images_shared", words),)


def open_files(folder: Path, arrays: tuple[str, str, str] | None) -> tuple[PairFile, ...]:
    """Open train.npz and, where there is one, val.npz, and check that they belong together.

    Raises:
        DataError: one cannot be used.
    """
    files = [
        open_pair_file(folder / f"{name}.npz", arrays)
        for name in LEARNED
        if name == LEARNED[0] or (folder / f"{name}.npz").exists()
    ]
    require_alike(files)
    return tuple(files)


def require_alike(files: list[PairFile]) -> None:
    """Check that files have images of one size and type, in arrays of the same names.

    Raises:
        DataError: two differ.
    """
    first = files[0]
    for other in files[1:]:
        one, two = first.first, other.first
        if (first.size, one.dtype) != (other.size, two.dtype):
            raise DataError(
                f"{other.path}: images are {other.size} {two.dtype}, but those of {first.path.name} are"
                f" {first.size} {one.dtype}"
            )
        if first.arrays[:2] != other.arrays[:2]:
            raise DataError(
                f"{other.path}: images are in {' and '.join(map(str, other.arrays[:2]))}, but those of"
                f" {first.path.name} in {' and '.join(map(str, first.arrays[:2]))}; name them alike, or in"
                " data.arrays"
            )


def source_key(folder: Path, arrays: tuple[str, str, str] | None) -> str:
    """Hash the names, sizes and times of the files, and the names of the arrays.

    Raises:
        DataError: train.npz cannot be read.
    """
    digest = hashlib.sha256(f"{FORMAT_VERSION} {arrays}\n".encode())
    for name in LEARNED:
        path = folder / f"{name}.npz"
        try:
            status = path.stat()
        except FileNotFoundError as error:
            if name == LEARNED[0]:
                raise DataError(f"{path}: not there") from error
            continue
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def prepare(
    folder: Path,
    cache: Path,
    arrays: tuple[str, str, str] | None = None,
    progress: Progress | None = None,
) -> PreparedPairs:
    """Check the pairs of a folder, all images included, or open what an earlier check of them left.

    Args:
        folder: has ``train.npz`` and perhaps ``val.npz``.
        cache: parent of the prepared folders.
        arrays: see :func:`~core.tasks.pairs.data.pair_file.open_pair_file`.
        progress: called with (done, total, what); what it raises ends the preparation.

    Raises:
        DataError: the files cannot be used, or there is no space for compressed images.
    """
    files = open_files(folder, arrays)
    key = source_key(folder, arrays)
    prepared = cache / f"pairs-{folder.resolve().name}-{key[:16]}"
    waiting = "waiting for another process that prepares the same pairs"
    with in_turn(prepared / ".lock", progress, waiting):
        manifest = _read_manifest(prepared)
        if manifest is None or not _is_whole(prepared, files):
            (prepared / MANIFEST).unlink(missing_ok=True)
            manifest = _build(prepared, files, key, progress or (lambda *_: None))
            if source_key(folder, arrays) != key:
                raise DataError(f"{folder}: changed while it was being prepared; run again")
            write_bytes_atomically(prepared / MANIFEST, msgspec.json.encode(manifest))
        parts = tuple(
            Part(
                file.split,
                opened(prepared, file, file.first),
                opened(prepared, file, file.second),
                np.load(labels_path(prepared, file)),
            )
            for file in files
        )
        labels = np.concatenate([part.labels for part in parts])
        return PreparedPairs(manifest, parts, labels, np.load(prepared / GROUPS))


def _build(folder: Path, files: tuple[PairFile, ...], key: str, progress: Progress) -> PairManifest:
    labels = [file.labels() for file in files]
    total, done, scans = sum(file.pairs for file in files), 0, []
    for file, truth in zip(files, labels, strict=True):
        scan = scanned(folder, file, progress, done, total)
        scans.append(scan)
        done += file.pairs
        np.save(labels_path(folder, file), truth)
    first = np.concatenate([scan.first for scan in scans])
    second = np.concatenate([scan.second for scan in scans])
    np.save(folder / GROUPS, pair_groups(first, second))
    contents = [content_of(scan, truth) for scan, truth in zip(scans, labels, strict=True)]
    pixels = 2 * files[0].pairs * files[0].size[0] * files[0].size[1]
    mean = scans[0].total / pixels
    variance = max(0.0, scans[0].squares / pixels - mean**2)
    shared = (
        len(np.intersect1d(scans[0].images, scans[1].images, assume_unique=True))
        if len(scans) > 1
        else 0
    )
    return PairManifest(
        format_version=FORMAT_VERSION,
        source=key,
        fingerprint=hashlib.sha256(" ".join(contents).encode()).hexdigest(),
        validation_content=contents[1] if len(contents) > 1 else None,
        size=files[0].size,
        mean=mean,
        deviation=variance**0.5 or 1.0,
        shared_images=shared,
    )


def _is_whole(folder: Path, files: tuple[PairFile, ...]) -> bool:
    """Return whether all arrays are there, as the files have them."""
    try:
        total = sum(file.pairs for file in files)
        return len(np.load(folder / GROUPS, mmap_mode="r")) == total and all(
            len(np.load(labels_path(folder, file), mmap_mode="r")) == file.pairs
            and len(opened(folder, file, file.first)) == file.pairs
            and len(opened(folder, file, file.second)) == file.pairs
            for file in files
        )
    except (OSError, ValueError, EOFError):
        return False


def _read_manifest(folder: Path) -> PairManifest | None:
    try:
        found = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=PairManifest)
    except (OSError, *UNDECODABLE):
        return None
    return found if found.format_version == FORMAT_VERSION else None
