"""One file of pairs: which of its arrays are the images and the labels, and whether they can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config.strict import nearest
from core.errors import DataError
from core.tasks.pairs.data.npz import NpzArray, members

SPLITS = ("train", "val", "test_public")
"""The files of a data folder, without ``.npz``."""
IMAGE_AXES = 3
LEAST_SIDE = 8
LARGEST_SIDE = 512
HOW_TO_NAME = 'name the three with --set \'data.arrays=["FIRST", "SECOND", "LABEL"]\''
LARGEST_BYTE = 255


@dataclass(frozen=True, slots=True)
class PairFile:
    """The arrays of one file that hold its pairs."""

    path: Path
    first: NpzArray
    second: NpzArray
    label: NpzArray | None

    @property
    def split(self) -> str:
        """The file's name without ``.npz``."""
        return self.path.stem

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return self.first.rows

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image."""
        return self.first.shape[1], self.first.shape[2]

    @property
    def arrays(self) -> tuple[str, str, str | None]:
        """Names of the three arrays."""
        return self.first.name, self.second.name, self.label.name if self.label else None

    def ids(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of some pairs, such as ``val/000123``."""
        return [f"{self.split}/{row:06d}" for row in rows.tolist()]

    def labels(self) -> NDArray[np.uint8]:
        """Read the labels, ``(pairs,)``, each 0 or 1.

        Raises:
            DataError: there are none, or one is neither 0 nor 1; names the first.
        """
        if self.label is None:
            raise DataError(f"{self.path}: has no array of labels, only {', '.join(self._images)}")
        parts = [block.reshape(-1) for block in self.label.blocks()]
        found = np.concatenate(parts) if parts else np.empty(0, np.uint8)
        wrong = np.flatnonzero((found != 0) & (found != 1))
        if len(wrong):
            values = ", ".join(f"{value:g}" for value in np.unique(found)[:5].astype(float))
            raise DataError(
                f"{self.path}: label {found[wrong[0]]:g} of pair {wrong[0]} in array {self.label.name!r} is"
                f" neither 0 nor 1 (values: {values}); the task learns one relation, true or false"
            )
        return found.astype(np.uint8)

    def image_blocks(self) -> Iterator[tuple[int, NDArray[Any], NDArray[Any]]]:
        """Yield the number of the first pair in a block, and its first and second images.

        Raises:
            DataError: a number is no finite float32; names pair and array.
        """
        begin = 0
        for first, second in zip(self.first.blocks(), self.second.blocks(), strict=True):
            for name, block in zip(self._images, (first, second), strict=True):
                _require_finite(self.path, name, begin, block)
            yield begin, first, second
            begin += len(first)

    @property
    def _images(self) -> tuple[str, str]:
        return self.first.name, self.second.name


def open_pair_file(
    path: Path, arrays: tuple[str, str, str] | None, needs_labels: bool = True
) -> PairFile:
    """Find the arrays of a file and check their shapes and types; no image is read.

    Args:
        path: an ``.npz`` file.
        arrays: names of the first images, the second images and the labels; ``None`` if they are to be found:
            the only two arrays of images, in the file's order, and the only one of labels.
        needs_labels: whether a file without labels is an error.

    Raises:
        DataError: the file or an array is missing, or of a wrong shape, type or length.
    """
    found = members(path)
    if arrays is None:
        first, second, label = _looked_for(path, found)
    else:
        first, second = (_named(path, found, name) for name in arrays[:2])
        label = _named(path, found, arrays[2]) if needs_labels else found.get(arrays[2])
    if label is None and needs_labels:
        raise DataError(
            f"{path}: no array of labels, (pairs,), a number 0 or 1 for each pair; it has {_listed(found)}"
        )
    for image in (first, second):
        _require_image(path, image)
    if first.shape != second.shape or first.dtype != second.dtype:
        raise DataError(
            f"{path}: {first.name!r} is {_words(first)}, but {second.name!r} is {_words(second)}; a pair is"
            " two images of one size and type"
        )
    if label is not None:
        _require_labels(path, label, first)
    if not first.rows:
        raise DataError(f"{path}: holds no pair; its arrays are empty")
    return PairFile(path, first, second, label)


def _looked_for(
    path: Path, found: dict[str, NpzArray]
) -> tuple[NpzArray, NpzArray, NpzArray | None]:
    images = [each for each in found.values() if len(each.shape) == IMAGE_AXES]
    flat = [each for each in found.values() if _is_flat(each)]
    if len(images) < 2:
        raise DataError(
            f"{path}: two arrays of images are needed, each (pairs, height, width), such as (n, 28, 28); it"
            f" has {_listed(found)}"
        )
    if len(images) > 2 or len(flat) > 1:
        what = "arrays of images, not two" if len(images) > 2 else "arrays of labels, not one"
        count = len(images) if len(images) > 2 else len(flat)
        raise DataError(f"{path}: {count} {what}, among {_listed(found)}; {HOW_TO_NAME}")
    return images[0], images[1], flat[0] if flat else None


def _named(path: Path, found: dict[str, NpzArray], name: str) -> NpzArray:
    if name not in found:
        raise DataError(
            f"{path}: no array {name!r}{nearest(name, found)}; it has {_listed(found)} (data.arrays names"
            " them)"
        )
    return found[name]


def _is_flat(member: NpzArray) -> bool:
    """Return whether an array has one number a row."""
    return bool(member.shape) and all(side == 1 for side in member.shape[1:])


def _require_image(path: Path, image: NpzArray) -> None:
    sides = image.shape[1:]
    if len(image.shape) != IMAGE_AXES or not all(
        LEAST_SIDE <= side <= LARGEST_SIDE for side in sides
    ):
        raise DataError(
            f"{path}: array {image.name!r} is {_words(image)}; images are (pairs, height, width), each side"
            f" {LEAST_SIDE} to {LARGEST_SIDE}, such as (n, 28, 28)"
        )
    if image.dtype != np.uint8 and image.dtype.kind != "f":
        raise DataError(
            f"{path}: array {image.name!r} is of type {image.dtype}; images are uint8 or floating-point"
            " numbers"
        )


def _require_labels(path: Path, label: NpzArray, images: NpzArray) -> None:
    if not _is_flat(label) or label.dtype.kind not in "biuf":
        raise DataError(
            f"{path}: array {label.name!r} is {_words(label)}; labels are a number 0 or 1 for each pair"
        )
    if label.rows != images.rows:
        raise DataError(
            f"{path}: {label.rows:,} labels in {label.name!r}, but {images.rows:,} images in"
            f" {images.name!r}; each pair has one"
        )


def _require_finite(path: Path, name: str, begin: int, block: NDArray[Any]) -> None:
    if block.dtype.kind != "f":
        return
    with np.errstate(over="ignore"):  # of float64, what float32 cannot hold becomes infinite
        bad = ~np.isfinite(block.astype(np.float32)).all(axis=(1, 2))
    if bad.any():
        place = int(bad.argmax())
        words = (
            "numbers too large for float32; divide the images by their largest"
            if np.isfinite(block[place]).all()
            else "NaN or infinity; replace it, by 0 say"
        )
        raise DataError(f"{path}: image {begin + place} of array {name!r} holds {words}")


def _words(member: NpzArray) -> str:
    return f"{member.shape} {member.dtype}"


def _listed(found: dict[str, NpzArray]) -> str:
    return ", ".join(f"{name} {each.shape}" for name, each in found.items()) or "no arrays"


def scaled(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return images as float32; bytes become shares of 1."""
    found = images.astype(np.float32)
    return found / np.float32(LARGEST_BYTE) if images.dtype == np.uint8 else found
