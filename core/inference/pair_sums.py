"""The mean of several models' probabilities for pairs of mice, kept on disk: memory holds one video."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.evaluation.pair_probabilities import PairProbabilities


class PairSums:
    """Sums of models' probabilities for each video: 4 bytes per frame of each annotated action of each pair.

    Models need not know the same animals or actions: each action of each pair is averaged over the models
    that have it.

    Args:
        folder: an existing folder, for one file per video.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, found: PairProbabilities, weight: int = 1) -> None:
        """Add one model's probabilities of a video, which count as those of ``weight`` models."""
        pairs, columns = np.nonzero(found.annotated)
        keys = np.stack([found.agents[pairs], found.targets[pairs], columns], axis=1)
        values = weight * found.values[pairs, :, columns].astype(np.float32)
        counts = np.full(len(keys), weight, np.int32)
        actions = found.actions
        path = self._path(found.video_id)
        if path.is_file():
            with np.load(path) as kept:
                actions = tuple(dict.fromkeys((*map(str, kept["actions"]), *found.actions)))
                place = np.array([actions.index(action) for action in found.actions], np.int64)
                keys[:, 2] = place[columns]
                keys, counts, values = _merged(
                    (kept["keys"], kept["counts"], kept["values"]), (keys, counts, values)
                )
        np.savez(
            path,
            keys=keys,
            counts=counts,
            values=values,
            about=np.array([found.video_id, found.lab_id]),
            rate=found.frames_per_second,
            actions=np.array(actions),
        )

    def mean(self, video_id: str) -> PairProbabilities | None:
        """Return the mean over the models so far; ``None`` if none has predicted the video."""
        path = self._path(video_id)
        if not path.is_file():
            return None
        with np.load(path) as kept:
            keys, actions = kept["keys"], tuple(map(str, kept["actions"]))
            means = kept["values"] / kept["counts"][:, None]
            lab, rate = str(kept["about"][1]), float(kept["rate"])
        pairs, row = np.unique(keys[:, :2], axis=0, return_inverse=True)
        values = np.full((len(pairs), means.shape[1], len(actions)), np.nan, np.float32)
        values[row.ravel(), :, keys[:, 2]] = means
        return PairProbabilities(
            video_id=video_id,
            lab_id=lab,
            frames_per_second=rate,
            agents=pairs[:, 0].astype(np.int64),
            targets=pairs[:, 1].astype(np.int64),
            actions=actions,
            values=values,
        )

    def _path(self, video_id: str) -> Path:
        return self._folder / f"{video_id}.npz"


Sums = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]
"""For each row its key (agent, target, action), the number of models that have it, and the sum of their
probabilities."""


def _merged(first: Sums, second: Sums) -> Sums:
    """Add up rows with the same key, over the frames that both have."""
    frames = min(first[2].shape[1], second[2].shape[1])
    keys, row = np.unique(np.concatenate([first[0], second[0]]), axis=0, return_inverse=True)
    counts = np.zeros(len(keys), np.int32)
    values = np.zeros((len(keys), frames), np.float32)
    rows = np.split(row.ravel(), [len(first[0])])
    for each, (_, count, value) in zip(rows, (first, second), strict=True):
        counts[each] += count
        values[each] += value[:, :frames]
    return keys, counts, values
