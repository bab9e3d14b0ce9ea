"""Map the answers for a window to the video's own frames, and decide them with a threshold."""

import numpy as np
import numpy.typing as npt

from core.frames.windows import Indices
from core.models.chunking import Chunk
from core.tasks.actions.timeline import own_frames, values_at

Probabilities = npt.NDArray[np.float32]


def own_probabilities(
    values: Probabilities, chunk: Chunk, frames: int, ratio: float
) -> tuple[Indices, Probabilities]:
    """Return a window's answers at the video's own frames.

    Args:
        values: ``(window, actions)`` at the frames of the timeline.
        chunk: the part of the timeline that the window covers; values beyond its end are ignored.
        frames: frames of the video.
        ratio: the video's frame rate divided by the timeline's.

    Returns:
        The frames ``(frames,)`` that this window alone answers, and their values ``(frames, actions)``.
    """
    own = own_frames(chunk, frames, ratio)
    return own, values_at(values[: chunk.length], own / ratio - chunk.start)


def decided(
    values: Probabilities, annotated: npt.NDArray[np.bool_], threshold: float
) -> npt.NDArray[np.int64]:
    """Return the one action of each frame, ``(frames,)``: the most probable, or −1 below the threshold.

    Args:
        values: ``(frames, actions)``.
        annotated: ``(actions,)`` which actions may be chosen.
        threshold: least probability of an action that is chosen.
    """
    offered = np.where(annotated, values, -1.0)
    best = offered.argmax(axis=1)
    found = offered[np.arange(len(best)), best] >= threshold
    return np.where(found, best, -1)


def only_action(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the action of each frame, ``(frames,)``, or −1, from ``(frames, actions)`` of 0 and 1."""
    return np.where(labels.any(axis=1), labels.argmax(axis=1), -1)
