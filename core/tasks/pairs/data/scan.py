"""One pass over a file of pairs: every image is checked, hashed and summed up, and unpacked if need be."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from core.system.progress import Progress
from core.tasks.pairs.data.groups import Hashes, image_hashes
from core.tasks.pairs.data.npz import NpzArray, npy_writer
from core.tasks.pairs.data.pair_file import LARGEST_BYTE, PairFile, scaled


@dataclass(slots=True)
class PairScan:
    """What one pass over a file finds."""

    first: Hashes
    """Of the first images, ``(pairs,)``."""
    second: Hashes
    total: float = 0.0
    """Sum of all pixels, bytes as shares of 1."""
    squares: float = 0.0
    """Sum of their squares."""

    @property
    def images(self) -> Hashes:
        """The hashes of all different images, sorted."""
        return np.unique(np.concatenate([self.first, self.second]))


def scanned(folder: Path, file: PairFile, progress: Progress, before: int, total: int) -> PairScan:
    """Read all images of a file once: check and hash them, and unpack those that are compressed.

    Args:
        folder: where compressed arrays are unpacked.
        file: the file.
        progress: called with (done, total, what).
        before: pairs of other files that are done.
        total: pairs of all files.

    Raises:
        DataError: an image cannot be read or used, or there is no space.
    """
    scan = PairScan(np.empty(file.pairs, np.uint64), np.empty(file.pairs, np.uint64))
    progress(before, total, f"pairs of {file.path.name} checked")
    with (
        _unpacked(folder, file, file.first) as first_copy,
        _unpacked(folder, file, file.second) as second_copy,
    ):
        for begin, first, second in file.image_blocks():
            part = slice(begin, begin + len(first))
            scan.first[part], scan.second[part] = image_hashes(first), image_hashes(second)
            for block, copy in ((first, first_copy), (second, second_copy)):
                total_of_block, squares = _sums(block)
                scan.total += total_of_block
                scan.squares += squares
                if copy is not None:
                    copy.write(block.tobytes())
            progress(before + begin + len(first), total, f"pairs of {file.path.name} checked")
    return scan


def _sums(images: NDArray[Any]) -> tuple[float, float]:
    """Return the sum of pixels and of their squares, bytes as shares of 1."""
    if images.dtype == np.uint8:  # by their counts: several times as fast
        counts = np.bincount(images.reshape(-1), minlength=LARGEST_BYTE + 1)
        shades = scaled(np.arange(LARGEST_BYTE + 1, dtype=np.uint8)).astype(np.float64)
        return float(counts @ shades), float(counts @ shades**2)
    values = images.astype(np.float64).reshape(-1)
    return float(values.sum()), float(values @ values)


@contextmanager
def _unpacked(folder: Path, file: PairFile, member: NpzArray) -> Iterator[IO[bytes] | None]:
    """Open the copy of a compressed array; ``None`` of one that can be read where it lies."""
    if member.offset is not None:
        yield None
        return
    needed = member.rows * member.row_bytes
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{folder}: {needed >> 20:,} MiB are needed to unpack {member.name!r} of {file.path.name}, but"
            f" {free >> 20:,} MiB are free; make room, choose another folder with MABE_HOME, or write the"
            " file with np.savez, uncompressed"
        )
    with npy_writer(_copy_path(folder, file, member), member.shape, member.dtype) as copy:
        yield copy


def opened(folder: Path, file: PairFile, member: NpzArray) -> NDArray[Any]:
    """Return an array as a memory map: of the file itself, or of what was unpacked from it.

    Raises:
        DataError: the file is gone or cut short.
        OSError: what was unpacked is gone.
    """
    if member.offset is not None:
        return member.mapped()
    copy: NDArray[Any] = np.load(_copy_path(folder, file, member), mmap_mode="r")
    return copy


def content_of(scan: PairScan, labels: NDArray[np.uint8]) -> str:
    """Hash the images and labels of a file."""
    digest = hashlib.sha256()
    for column in (scan.first, scan.second, labels):
        digest.update(column.tobytes())
    return digest.hexdigest()


def labels_path(folder: Path, file: PairFile) -> Path:
    """Return where the labels of a file are kept."""
    return folder / f"{file.split}-labels.npy"


def _copy_path(folder: Path, file: PairFile, member: NpzArray) -> Path:
    which = "first" if member is file.first else "second"
    return folder / f"{file.split}-{which}.npy"
