"""Which videos an experiment trains on, and which it validates on."""

from collections.abc import Iterable

from core.data.split import split_videos
from core.tasks.behaviour.settings import BehaviourDataConfig


def split(
    config: BehaviourDataConfig, video_ids: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split videos as an experiment's ``data`` asks for; see :func:`core.data.split.split_videos`.

    Returns:
        Training and validation ids, each sorted.

    Raises:
        DataError: no videos, fewer than folds, or ``validation_videos`` that are not among them.
    """
    return split_videos(
        video_ids,
        config.validation_fraction,
        config.split_seed,
        config.validation_videos,
        config.folds,
        config.fold or 0,
    )
