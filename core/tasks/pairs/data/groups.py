"""Which pairs share an image: by hashes of the images, whatever file they are in."""

import numpy as np
from numpy.typing import NDArray

from core.data.copies import scrambled

Hashes = NDArray[np.uint64]


def image_hashes(images: NDArray[np.generic]) -> Hashes:
    """Return a hash of each image, ``(images,)``: equal for equal images.

    A sum of 64-bit words, each times an odd weight of its place, then scrambled: two of a million
    different images share a hash with a probability below 1e-7.

    Args:
        images: ``(images, height, width)``.
    """
    flat = np.ascontiguousarray(images).reshape(len(images), -1).view(np.uint8)
    padding = -flat.shape[1] % 8
    words = np.pad(flat, ((0, 0), (0, padding))).view(np.uint64)
    weights = np.random.PCG64(words.shape[1]).random_raw(words.shape[1]) | np.uint64(1)
    sums = (scrambled(words) * weights).sum(axis=1, dtype=np.uint64)
    return scrambled(sums)


def pair_groups(first: Hashes, second: Hashes) -> NDArray[np.int64]:
    """Return the group of each pair, numbered from 0: pairs that share an image are in one.

    So are pairs that are linked by others, as in a–b, b–c, c–d.

    Args:
        first: ``(pairs,)`` hashes of the first images.
        second: ``(pairs,)`` hashes of the second images.
    """
    _, images = np.unique(np.concatenate([first, second]), return_inverse=True)
    one, other = images[: len(first)], images[len(first) :]
    root = np.arange(images.max() + 1 if len(images) else 0)
    while True:  # each image takes the smallest number that its pairs know, until none is smaller
        least = np.minimum(root[one], root[other])
        new = root.copy()
        np.minimum.at(new, root[one], least)
        np.minimum.at(new, root[other], least)
        np.minimum.at(new, one, least)
        np.minimum.at(new, other, least)
        new = new[new]
        if np.array_equal(new, root):
            break
        root = new
    return np.unique(root[one], return_inverse=True)[1].astype(np.int64)
