"""Which parts of videos to label next: those that a model is unsure of, and that differ from each other.

Labelling the most uncertain frames alone would label the same moment many times. Clips are therefore chosen
one by one, each for its uncertainty times its distance from those chosen before (a greedy k-centre choice
weighted by uncertainty; compare Sener & Savarese 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
MEASURED = 200
"""Frames of a clip from which its scene is described, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A part of a video."""

    video: str
    start: int
    stop: int
    """Exclusive."""
    uncertainty: float
    """Mean over its frames, from 0 to 1."""
    scene: Floats
    """What tells it from others, ``(numbers,)``: distances, speeds, and mean probabilities."""


def frame_uncertainty(probabilities: npt.NDArray[np.float32], exclusive: bool = True) -> Floats:
    """Return how unsure a model is of each frame: the entropy, as a share of the largest possible.

    Args:
        probabilities: ``(frames, labels)``.
        exclusive: labels exclude each other and their probabilities add up to 1; if not, the label that is
            least certain counts.
    """
    p = np.clip(np.nan_to_num(probabilities.astype(np.float64), nan=0.5), 1e-9, 1 - 1e-9)
    if exclusive:
        entropy: Floats = -(p * np.log(p)).sum(axis=1) / np.log(max(p.shape[1], 2))
        return entropy
    each = -(p * np.log(p) + (1 - p) * np.log(1 - p)) / np.log(2)
    least: Floats = each.max(axis=1, initial=0.0)
    return least


def clips_of(
    video: str,
    probabilities: npt.NDArray[np.float32],
    positions: npt.NDArray[np.float32],
    frames: int,
    exclusive: bool = True,
) -> list[Clip]:
    """Cut a video into clips of equal length; what is left at its end, if short, is no clip.

    Args:
        video: its name.
        probabilities: ``(frames of the video, labels)``.
        positions: ``(frames of the video, mice, parts, 2)``, NaN where missing.
        frames: length of a clip.
        exclusive: see :func:`frame_uncertainty`.
    """
    unsure = frame_uncertainty(probabilities, exclusive)
    clips = []
    for start in range(0, len(unsure) - (frames + 1) // 2 + 1, frames):
        part = slice(start, min(start + frames, len(unsure)))
        scene = np.concatenate(
            (_scene(positions[part]), np.nan_to_num(probabilities[part]).mean(axis=0))
        )
        clips.append(Clip(video, start, part.stop, float(unsure[part].mean()), scene))
    return clips


def _scene(positions: npt.NDArray[np.float32]) -> Floats:
    """Return four numbers of any number of mice, 0 where there are too few.

    Log distance of the nearest two, its mean and spread; mean log speed of the slowest and the fastest.
    """
    seen = np.isfinite(positions[..., 0]) & np.isfinite(positions[..., 1])
    total = np.where(seen[..., None], positions, 0).sum(axis=2, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        centres = total / seen.sum(axis=2)[..., None]
    step = max(1, len(centres) // MEASURED)
    centres = centres[::step]
    first, second = np.triu_indices(centres.shape[1], 1)
    offsets = centres[:, first] - centres[:, second]
    apart = np.log1p(np.hypot(offsets[..., 0], offsets[..., 1]))
    nearest = np.where(np.isfinite(apart), apart, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    nearest[np.isinf(nearest)] = np.nan
    moves = np.diff(centres, axis=0)
    speeds = _mean(np.log1p(np.hypot(moves[..., 0], moves[..., 1]) / step))
    ends = [speeds.min(initial=np.inf), speeds.max(initial=0.0)] if speeds.size else [0.0, 0.0]
    return np.concatenate((_mean(nearest), _spread(nearest), ends))


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    mean: Floats = np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return mean


def _spread(values: Floats) -> Floats:
    around: Floats = np.sqrt(_mean((values - _mean(values)) ** 2))
    return around


def choose(clips: Sequence[Clip], count: int, labelled: Sequence[Clip] = ()) -> list[int]:
    """Return the places of the clips to label, the most useful first.

    Args:
        clips: what can be chosen.
        count: how many, at most.
        labelled: clips that are labelled already, from which the chosen should differ, too.
    """
    if not clips or count < 1:
        return []
    scenes = np.stack([clip.scene for clip in (*clips, *labelled)])
    scenes = (scenes - scenes.mean(axis=0)) / np.maximum(scenes.std(axis=0), 1e-9)
    own, known = scenes[: len(clips)], scenes[len(clips) :]
    unsure = np.array([clip.uncertainty for clip in clips])
    distance = np.full(len(clips), np.inf)
    for scene in known:
        distance = np.minimum(distance, np.linalg.norm(own - scene, axis=1))
    chosen: list[int] = []
    for _ in range(min(count, len(clips))):
        score = unsure * np.where(np.isinf(distance), 1.0, distance)
        score[chosen] = -1.0
        best = int(np.argmax(score))
        chosen.append(best)
        distance = np.minimum(distance, np.linalg.norm(own - own[best], axis=1))
    return chosen
