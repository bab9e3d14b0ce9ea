"""Find videos that show the same recording: several annotators, or several ids, for one tracking.

Each video is represented by the smallest hashes of its frames (bottom-k sketch, Broder 1997). Two videos with
frames in common share hashes, wherever the common part begins and ends, and whichever mouse has which id.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt

from core.data.tracking import NOTHING

HASHES = 64
"""Hashes in a sketch. A video with fewer different frames has none: it is too short to be recognised."""
SHARED_HASHES = 4
"""Least number of hashes that copies share. Half a video in common shares about half of the hashes; less than
a tenth of the longer video may go unnoticed."""
FEWEST_POINTS = 4
"""Tracked points of a frame that counts; a frame with fewer could be the same by chance."""
CHUNK_FRAMES = 16_384

Integers = npt.NDArray[np.uint64]


def sketch(positions: npt.NDArray[np.float32]) -> bytes | None:
    """Return the smallest hashes among the different frames of a video, or ``None`` if there are too few.

    Args:
        positions: ``(frames, mice, keypoints, 2)``, missing points as ``read_positions`` leaves them.
    """
    smallest = np.empty(0, np.uint64)
    for start in range(0, len(positions), CHUNK_FRAMES):
        found = _frame_hashes(positions[start : start + CHUNK_FRAMES])
        smallest = np.unique(np.concatenate([smallest, found]))[:HASHES]
    return smallest.astype("<u8").tobytes() if len(smallest) == HASHES else None


def copies(sketches: Mapping[str, bytes | None]) -> list[tuple[str, ...]]:
    """Return the groups of videos that share tracking, each with two ids or more, in the order given.

    Args:
        sketches: the :func:`sketch` of each video, by its id.
    """
    owners: dict[int, list[str]] = defaultdict(list)
    for video, each in sketches.items():
        for value in np.frombuffer(each or b"", "<u8").tolist():
            owners[value].append(video)
    common = Counter(pair for videos in owners.values() for pair in combinations(videos, 2))
    group = {video: [video] for video in sketches}
    for (one, other), count in common.items():
        if count >= SHARED_HASHES and group[one] is not group[other]:
            group[one].extend(group[other])
            for video in group[other]:
                group[video] = group[one]
    place = {video: number for number, video in enumerate(sketches)}
    groups = {id(each): each for each in group.values() if len(each) > 1}
    found = [tuple(sorted(each, key=place.__getitem__)) for each in groups.values()]
    return sorted(found, key=lambda each: place[each[0]])


def _frame_hashes(positions: npt.NDArray[np.float32]) -> Integers:
    """Return a hash of each frame with enough points, the same whatever the order of the mice."""
    bits = np.ascontiguousarray(positions).view(np.uint64)[..., 0]  # both coordinates of a point
    seen = bits != NOTHING.view(np.uint64)
    mice = np.flatnonzero(seen.any(axis=0).any(axis=1))
    parts = np.flatnonzero(seen.any(axis=0).any(axis=0))
    tracked = seen[:, mice[:, None], parts]
    weights = scrambled(parts.astype(np.uint64) + np.uint64(1)) | np.uint64(1)
    sums = (bits[:, mice[:, None], parts] * weights).sum(axis=-1, dtype=np.uint64)
    hashes = scrambled(sums)
    hashes[~tracked.any(axis=-1)] = 0  # as if there were no such mouse
    frames: Integers = hashes.sum(axis=1, dtype=np.uint64)
    return scrambled(frames[tracked.sum(axis=(1, 2)) >= FEWEST_POINTS])


def scrambled(values: Integers) -> Integers:
    """Scramble 64-bit integers (the finaliser of splitmix64, Steele et al. 2014)."""
    mixed: Integers = values ^ (values >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
