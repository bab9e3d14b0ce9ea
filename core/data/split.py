"""Split into training and validation by video: frames of one video are never on both sides."""

import hashlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from core.errors import DataError


def split_videos(
    video_ids: Iterable[str],
    validation_fraction: float,
    seed: int,
    validation_videos: Sequence[str] | None = None,
    folds: int | None = None,
    fold: int = 0,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split videos into training and validation.

    Each id is ranked by a hash of the seed and itself, so that the split depends neither on the order
    of the ids nor on any library's random numbers, and an added video moves few others.

    Args:
        video_ids: all videos.
        validation_fraction: share of videos for validation, below 1. Above 0, and with two videos or
            more, neither side is ever empty; at 0, all videos are for training.
        seed: a different seed gives a different split.
        validation_videos: exactly these for validation, instead of a share; none of them, and all videos are
            for training.
        folds: number of parts that the ranked videos are cut into, instead of a share. Their sizes differ
            by at most one, and each video is for validation in exactly one fold.
        fold: the part for validation, from 0.

    Returns:
        Training and validation ids, each sorted. A single video is used for training only.

    Raises:
        DataError: no videos, fewer than folds, unknown ids in ``validation_videos``, or none left for
            training.
    """
    ids = sorted(set(video_ids))
    if not ids:
        raise DataError(
            "there are no videos to split; check the data folder with `mabe data check`"
        )
    if validation_videos is not None:
        validation = set(_known(validation_videos, ids))
    else:
        ranked = sorted(ids, key=lambda video_id: _rank(seed, video_id))
        if folds is not None:
            validation = set(_part(ranked, folds, fold))
        else:
            validation = set(ranked[: _count(validation_fraction, len(ids))])
    training = tuple(video_id for video_id in ids if video_id not in validation)
    if not training:
        raise DataError(
            f"validation_videos: names all {len(ids)} videos, so none is left to train on"
        )
    return training, tuple(sorted(validation))


def _count(fraction: float, videos: int) -> int:
    """Return the number of videos for validation."""
    return min(max(round(fraction * videos), 1), videos - 1) if fraction else 0


def _part(ranked: Sequence[str], folds: int, fold: int) -> Sequence[str]:
    if folds > len(ranked):
        raise DataError(
            f"data.folds: {folds} folds of {len(ranked)} videos would leave some without a video to"
            f" validate on; ask for {len(ranked)} folds at most"
        )
    return ranked[fold * len(ranked) // folds : (fold + 1) * len(ranked) // folds]


def _rank(seed: int, video_id: str) -> bytes:
    return hashlib.sha256(f"{seed}/{video_id}".encode()).digest()


def _known(wanted: Sequence[str], ids: Sequence[str]) -> Sequence[str]:
    unknown = [video_id for video_id in wanted if video_id not in ids]
    if not unknown:
        return wanted
    named = ", ".join(unknown[:3]) + (f" and {len(unknown) - 3} more" if len(unknown) > 3 else "")
    close = get_close_matches(unknown[0], ids, n=1, cutoff=0)
    hint = f"; the nearest to {unknown[0]} is {close[0]}" if close else ""
    raise DataError(f"validation_videos: no labelled video {named}{hint}")
