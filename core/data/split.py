"""Training and validation, split by video: frames of one video never stand on both sides."""

import hashlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from core.errors import DataError


def split_videos(
    video_ids: Iterable[str],
    validation_fraction: float,
    seed: int,
    validation_videos: Sequence[str] | None = None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split videos into training and validation.

    Each id is ranked by a hash of the seed and itself, so that the split depends neither on the order
    of the ids nor on any library's random numbers, and an added video moves few others.

    Args:
        video_ids: the videos there are.
        validation_fraction: share of videos for validation, above 0 and below 1. With two videos or
            more neither side is ever empty.
        seed: another seed, another split.
        validation_videos: exactly these for validation, instead of a share.

    Returns:
        Training and validation ids, each sorted. A single video is for training alone.

    Raises:
        DataError: no videos, unknown or no ids in ``validation_videos``, or none left to train on.
    """
    ids = sorted(set(video_ids))
    if not ids:
        raise DataError(
            "there are no videos to split; check the data folder with `mabe data check`"
        )
    if validation_videos is not None:
        validation = set(_known(validation_videos, ids))
    else:
        wanted = round(validation_fraction * len(ids))
        count = min(max(wanted, 1), len(ids) - 1)
        validation = set(sorted(ids, key=lambda video_id: _rank(seed, video_id))[:count])
    training = tuple(video_id for video_id in ids if video_id not in validation)
    if not training:
        raise DataError(
            f"validation_videos: names all {len(ids)} videos, so none is left to train on"
        )
    return training, tuple(sorted(validation))


def _rank(seed: int, video_id: str) -> bytes:
    return hashlib.sha256(f"{seed}/{video_id}".encode()).digest()


def _known(wanted: Sequence[str], ids: Sequence[str]) -> Sequence[str]:
    if not wanted:
        raise DataError("validation_videos: names no video; without the key a share is drawn")
    unknown = [video_id for video_id in wanted if video_id not in ids]
    if not unknown:
        return wanted
    named = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
    close = get_close_matches(unknown[0], ids, n=1, cutoff=0)
    hint = f"; the nearest to {unknown[0]} is {close[0]}" if close else ""
    raise DataError(f"validation_videos: no labelled video {named}{hint}")
