"""What is wrong or odd in a folder of pairs, all of it at once."""

from itertools import combinations
from pathlib import Path

import msgspec
import numpy as np

from core.errors import DataError
from core.system.progress import Progress
from core.tasks.pairs.data.groups import Hashes, image_hashes
from core.tasks.pairs.data.pair_file import SPLITS, PairFile, open_pair_file
from core.tasks.pairs.data.prepared import LEARNED, require_alike


class CheckedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of pairs."""

    name: str
    pairs: int
    height: int
    width: int
    dtype: str
    arrays: tuple[str, str, str | None]
    """Names of the first images, the second images and the labels."""
    positive: int | None
    """Positive pairs; ``None`` without labels."""
    images: int
    """Different images."""
    repeated: int
    """Pairs that are an earlier one again, in the same order."""
    twins: int
    """Pairs of an image with itself."""


class PairsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found."""

    files: tuple[CheckedFile, ...]
    errors: tuple[str, ...]
    """What would stop training or prediction."""
    warnings: tuple[str, ...]

    @property
    def stops_training(self) -> bool:
        """Whether anything has to be mended first."""
        return bool(self.errors)


def check_pairs(
    folder: Path, arrays: tuple[str, str, str] | None, progress: Progress | None = None
) -> PairsReport:
    """Check ``train.npz``, ``val.npz`` and ``test_public.npz``, each image of them.

    Args:
        folder: has the files; train.npz is needed.
        arrays: see :func:`~core.tasks.pairs.data.pair_file.open_pair_file`.
        progress: called with (done, total, what).
    """
    checked: dict[str, CheckedFile] = {}
    opened: list[PairFile] = []
    hashes: dict[str, Hashes] = {}
    errors: list[str] = []
    for number, name in enumerate(SPLITS):
        path = folder / f"{name}.npz"
        if name != LEARNED[0] and not path.exists():
            continue
        if progress is not None:
            progress(number, len(SPLITS), "files checked")
        try:
            file = open_pair_file(path, arrays, needs_labels=name in LEARNED)
            checked[name], hashes[name] = _checked(file)
            require_alike([*opened[:1], file])
            opened.append(file)
        except DataError as error:
            errors.append(str(error))
    return PairsReport(
        files=tuple(checked.values()),
        errors=tuple(errors),
        warnings=(*_of_files(checked), *_shared(hashes)),
    )


def _checked(file: PairFile) -> tuple[CheckedFile, Hashes]:
    """Read a file; return what it holds, and the hashes of its different images."""
    labels = file.labels() if file.label is not None else None
    first, second = np.empty(file.pairs, np.uint64), np.empty(file.pairs, np.uint64)
    for begin, *blocks in file.image_blocks():
        part = slice(begin, begin + len(blocks[0]))
        first[part], second[part] = (image_hashes(block) for block in blocks)
    images = np.unique(np.concatenate([first, second]))
    different = len(np.unique(np.stack([first, second]), axis=1).T)
    height, width = file.size
    found = CheckedFile(
        name=file.split,
        pairs=file.pairs,
        height=height,
        width=width,
        dtype=str(file.first.dtype),
        arrays=file.arrays,
        positive=None if labels is None else int(labels.sum()),
        images=len(images),
        repeated=file.pairs - different,
        twins=int((first == second).sum()),
    )
    return found, images


def _of_files(checked: dict[str, CheckedFile]) -> list[str]:
    found = []
    if checked and LEARNED[1] not in checked:
        found.append("val.npz: not there; a share of train.npz is kept for validation")
    for name, file in checked.items():
        if file.positive in (0, file.pairs):
            found.append(f"{name}.npz: all labels are {int(file.positive > 0)}")
        if file.repeated:
            found.append(f"{name}.npz: pairs that repeat an earlier one: {file.repeated:,}")
        if file.twins:
            found.append(f"{name}.npz: pairs of an image with itself: {file.twins:,}")
    return found


def _shared(hashes: dict[str, Hashes]) -> list[str]:
    found = []
    for one, other in combinations(hashes, 2):
        both = len(np.intersect1d(hashes[one], hashes[other], assume_unique=True))
        if both:
            found.append(
                f"images that are in {one}.npz and in {other}.npz: {both:,}; scores flatter"
            )
    return found
