"""The images of validation pairs, to be looked at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from core.run.request import RunRequest
from core.system.progress import Progress
from core.tasks.pairs.build import open_data
from core.tasks.pairs.data.prepared import PreparedPairs

Images = tuple[NDArray[np.float32], ...]


def pictures(
    request: RunRequest, cache: Path, units: Sequence[str], progress: Progress
) -> list[Images]:
    """Return both images of each pair, ``(height, width)`` from 0 to 1; see ``pictures`` of a ``TaskSpec``.

    Raises:
        DataError: the data are gone, or have changed since the run read them.
    """
    data = open_data(request.experiment, request.data, cache, progress)
    resolved = request.resolved
    if resolved is not None and resolved.data_fingerprint != data.manifest.fingerprint:
        raise DataError(
            f"the pairs in {request.data or 'the cache'} are not those that {request.run} was measured on"
        )
    rows = np.array([_row(data, unit) for unit in units], np.int64)
    first, second = (_from_0_to_1(images) for images in data.images(rows))
    return list(zip(first, second, strict=True))


def _row(data: PreparedPairs, unit: str) -> int:
    """Return the place of a pair by its id, such as ``val/000123``."""
    split, _, place = unit.partition("/")
    begin = 0
    for part in data.parts:
        if part.split == split and place.isdigit() and int(place) < part.pairs:
            return begin + int(place)
        begin += part.pairs
    raise DataError(f"no pair {unit!r} among the data of the run")


def _from_0_to_1(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stretch images that are not of bytes over the whole range, all alike."""
    low, high = float(images.min(initial=0)), float(images.max(initial=1))
    return (images - np.float32(low)) / np.float32(high - low)
