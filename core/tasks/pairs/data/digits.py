"""Pairs of handwritten digits: real images that come with scikit-learn, without a download.

The 1,797 images are those of E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits" (UCI
Machine Learning Repository, 1998), 8 × 8 pixels, here enlarged to 28 × 28 with an empty margin. No image is
in two of the files. Within a file images are dealt into decks, and the two images of a pair come
from one deck: folds of whole decks then share no image either.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.errors import DataError, MisuseError
from core.system.files import replace_atomically
from core.tasks.pairs.data.pair_file import SPLITS
from core.tasks.pairs.settings import PairsDataConfig, Relation

SIDE = 28
"""Default height and width of an image."""
MARGIN_SHARE = 3 / 28
"""Share of the side that is left empty at each edge, for rotation and shift to move into."""
INK = 16.0
"""The greatest value in scikit-learn's images."""
IMAGE_SHARES = (0.6, 0.2, 0.2)
"""Shares of the images in the files of :data:`SPLITS`."""
VALIDATION_SHARE = 0.2
"""Share of the pairs in val.npz; test_public.npz has as many."""
DECK_IMAGES = 20
"""Images of a deck, where that is enough for the pairs that are asked for."""
HOW_TO_INSTALL = (
    "pairs of digits need scikit-learn: pip install 'mabe[pairs]', or name a folder of your own"
    " pairs with --data"
)


class DigitSettings(msgspec.Struct, frozen=True):
    """What pairs are made."""

    relation: Relation = "same"
    pairs: int = 6000
    """In train.npz and val.npz together."""
    seed: int = 42
    side: int = SIDE
    """Height and width of an image."""

    @classmethod
    def of(cls, config: PairsDataConfig) -> "DigitSettings":
        """Return the settings of an experiment that makes its own pairs."""
        return cls(
            config.digits_relation, config.digits_pairs, config.digits_seed, config.digits_side
        )

    @property
    def counts(self) -> tuple[int, int, int]:
        """Pairs in the files of :data:`SPLITS`."""
        validation = round(self.pairs * VALIDATION_SHARE)
        return self.pairs - validation, validation, validation


@dataclass(frozen=True, slots=True)
class Digits:
    """Images and what they show."""

    images: NDArray[np.uint8]
    """``(images, side, side)``."""
    digits: NDArray[np.int64]
    """``(images,)``, 0 to 9."""


@dataclass(frozen=True, slots=True)
class DigitPairs:
    """Pairs as places of images."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    label: NDArray[np.uint8]


def read_digits(side: int = SIDE) -> Digits:
    """Return scikit-learn's handwritten digits, enlarged to a height and width.

    Raises:
        DataError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(HOW_TO_INSTALL) from error
    found = load_digits()
    images = np.asarray(found.images, np.float64) * (255 / INK)
    return Digits(_enlarged(images, side), np.asarray(found.target, np.int64))


def write_digit_pairs(folder: Path, settings: DigitSettings) -> dict[str, int]:
    """Write ``train.npz``, ``val.npz`` and ``test_public.npz`` with arrays ``first, second, label``.

    Half of each file's pairs are positive. Equal settings give equal files.

    Args:
        folder: created if it does not exist.
        settings: relation, number of pairs, and seed.

    Returns:
        The number of pairs in each file.

    Raises:
        MisuseError: one of the files exists already.
        DataError: scikit-learn is not installed, or more pairs are asked for than there are.
    """
    there = [name for name in SPLITS if (folder / f"{name}.npz").exists()]
    if there:
        raise MisuseError(f"{folder / there[0]}.npz: exists already; name another folder")
    digits = read_digits(settings.side)
    random = np.random.default_rng(settings.seed)
    order = random.permutation(len(digits.images))
    ends = np.round(np.cumsum(IMAGE_SHARES)[:-1] * len(order)).astype(int)
    parts = np.split(order, ends)
    drawn = [
        draw_pairs(digits.digits, part, count, settings.relation, random)
        for part, count in zip(parts, settings.counts, strict=True)
    ]
    counts = {}
    for name, pairs in reversed([*zip(SPLITS, drawn, strict=True)]):  # train.npz is written last
        with replace_atomically(folder / f"{name}.npz") as file:
            np.savez(
                file,
                first=digits.images[pairs.first],
                second=digits.images[pairs.second],
                label=pairs.label,
            )
        counts[name] = len(pairs.label)
    return {name: counts[name] for name in SPLITS}


def draw_pairs(
    digits: NDArray[np.int64],
    images: NDArray[np.int64],
    count: int,
    relation: Relation,
    random: np.random.Generator,
) -> DigitPairs:
    """Draw different pairs of some images, half of them positive, each within a deck.

    Args:
        digits: what each image shows.
        images: places of the images to use, in random order.
        count: number of pairs.
        relation: of the digits of a pair.
        random: source of everything random.

    Raises:
        DataError: there are not that many.
    """
    deck = max(DECK_IMAGES, round(12 * count / len(images)))
    decks = np.array_split(images, max(1, len(images) // deck))
    within = [np.triu_indices(len(cards), 1) for cards in decks]
    one, other = (
        np.concatenate([cards[each[side]] for cards, each in zip(decks, within, strict=True)])
        for side in (0, 1)
    )
    equal = digits[one] == digits[other]
    positives = count // 2
    if relation == "same":
        chosen = [
            _some(np.flatnonzero(equal), positives, random),
            _some(np.flatnonzero(~equal), count - positives, random),
        ]
    else:
        chosen = [_some(np.flatnonzero(~equal), count, random)]
    place, label = np.concatenate(chosen), np.arange(count) < positives
    first, second = one[place], other[place]
    exchanged = random.random(count) < 0.5
    if relation == "greater":
        exchanged = (digits[first] > digits[second]) != label
    order = random.permutation(count)
    return DigitPairs(
        np.where(exchanged, second, first)[order],
        np.where(exchanged, first, second)[order],
        label[order].astype(np.uint8),
    )


def _some(places: NDArray[np.intp], count: int, random: np.random.Generator) -> NDArray[np.intp]:
    if count > len(places):
        raise DataError(
            "digits: more different pairs are asked for than 1,797 images give without sharing images"
            " between files; ask for fewer"
        )
    return random.choice(places, count, replace=False)


def _enlarged(images: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Enlarge square images by linear interpolation, with an empty margin."""
    margin = round(side * MARGIN_SHARE)
    before, after = images.shape[1], side - 2 * margin
    places = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
    weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(before)))
    inner = np.einsum("ya,nab,xb->nyx", weights, images, weights)
    framed = np.pad(inner, ((0, 0), (margin, margin), (margin, margin)))
    return np.round(framed).astype(np.uint8)
