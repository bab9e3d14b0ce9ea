"""Which videos of a data folder can be predicted, evaluated on, or pseudo-labelled."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.competition import LeftOut, Video, labelled, read_tracking, read_videos
from core.data.keypoints import SLOTS_18
from core.errors import DataError


def predictable(root: Path, table: str | None = None) -> tuple[list[Video], list[LeftOut]]:
    """Return the videos of a data folder that have a tracking file, labelled or not.

    Args:
        root: a folder in the competition's layout.
        table: ``train`` or ``test``; by default ``train`` if there is a ``train.csv``, else ``test``.

    Returns:
        Those videos in their order, and the listed ones whose tracking is missing.

    Raises:
        DataError: not a data folder, or no video has its tracking.
    """
    if table is None:
        table = "test" if not _has(root, "train") and _has(root, "test") else "train"
    videos = read_videos(root, table)
    found = [video for video in videos if video.tracking_path.is_file()]
    if not found:
        raise DataError(
            f"{root}: none of the {len(videos)} videos in {table}.csv has a file in {table}_tracking"
        )
    missing = [
        LeftOut(video, "no tracking file") for video in videos if not video.tracking_path.is_file()
    ]
    return found, missing


def measurable(root: Path, table: str = "train") -> list[Video]:
    """Return the labelled videos of a data folder whose files exist.

    Raises:
        DataError: not a data folder, or nothing in it is labelled.
    """
    videos, left_out = labelled(read_videos(root, table))
    if not videos:
        reasons = ", ".join(sorted({each.reason for each in left_out}))
        raise DataError(f"{root}: no video of {table}.csv can be evaluated on ({reasons})")
    return videos


def unlabelled(root: Path | None) -> list[Video]:
    """Return the videos of a data folder that have tracking and no annotation, of either table.

    Raises:
        DataError: there is none.
    """
    found: dict[str, Video] = {}
    for table in ("train", "test"):
        if root is None or not (root / f"{table}.csv").is_file():
            continue
        for video in read_videos(root, table):
            if video.tracking_path.is_file() and not video.annotation_path.is_file():
                found.setdefault(video.video_id, video)
    if not found:
        where = root or "synthetic data"
        raise DataError(
            f"{where}: training.pseudo_labels needs videos with a tracking file and no annotation, listed in"
            " train.csv or test.csv, and there is none"
        )
    return list(found.values())


def own_positions(video: Video) -> npt.NDArray[np.float32]:
    """Read the positions of the body parts and mice that a video's row names, ``(frames, mice, parts, 2)``.

    Raises:
        DataError: its tracking is missing or damaged.
    """
    slots = tuple(dict.fromkeys(video.body_parts)) or SLOTS_18
    return read_tracking(video, slots, max(len(video.mice), 1)).positions


def _has(root: Path, table: str) -> bool:
    return (root / f"{table}.csv").is_file()
