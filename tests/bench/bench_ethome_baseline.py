"""Gradient boosting on simple geometry of the real ethome videos: the figures a network has to beat.

Leave-one-video-out, frames pooled, threshold 0.5. The features of a frame are the distances between all
points of both mice (91), each point's speed (14), and their centred rolling means over 15 and 61 frames;
no coordinates. Here: average precision 0.776, F1 0.684; measured elsewhere: 0.774, 0.685. Only accuracy is
measured.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, f1_score

from core.data.competition import Video, read_bouts, read_tracking, read_videos
from core.data.keypoints import MARS_7
from core.data.labels import ActionMap, frame_classes

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]

MICE = 2
ROLLING_FRAMES = (15, 61)
ROUNDS, LEARNING_RATE, SEED = 200, 0.06, 0
"""The rounds are a limit: on this many frames scikit-learn stops early by default, on a tenth of them.
Without that (``early_stopping=False``): average precision 0.780, F1 0.673."""
ACTIONS = ActionMap({"interact": "social"}, ("other", "social"))


@dataclass(frozen=True, slots=True)
class LabelledVideo:
    """One video as the learner sees it."""

    name: str
    features: Floats
    """(frames, 315)"""
    labels: Labels
    """(frames,) 1 where the mice interact."""


def real_data() -> Path | None:
    """Find the folder of ethome: below ``MABE_TEST_DATA``, or beside the checkout."""
    beside_checkout = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("MABE_TEST_DATA") or beside_checkout) / "ethome"
    return folder if (folder / "train.csv").is_file() else None


def distances(positions: Floats) -> Floats:
    """Return the distance of every pair of points, ``(frames, pairs)`` in pixels."""
    points = positions.reshape(len(positions), -1, 2)
    first, second = np.triu_indices(points.shape[1], k=1)
    between: Floats = np.linalg.norm(points[:, first] - points[:, second], axis=-1)
    return between


def speeds(positions: Floats) -> Floats:
    """Return how far each point moves in a frame, ``(frames, points)``; the first copies the second."""
    moved = np.linalg.norm(np.diff(positions, axis=0), axis=-1).reshape(len(positions) - 1, -1)
    return np.concatenate((moved[:1], moved))


def rolling_mean(columns: Floats, frames: int) -> Floats:
    """Return the centred mean over an odd number of frames, over fewer at both ends."""
    half = frames // 2
    total = np.concatenate((np.zeros((1, columns.shape[1])), np.cumsum(columns, 0, np.float64)))
    at = np.arange(len(columns))
    first, stop = np.maximum(at - half, 0), np.minimum(at + half + 1, len(columns))
    means: Floats = ((total[stop] - total[first]) / (stop - first)[:, None]).astype(np.float32)
    return means


def read(video: Video) -> LabelledVideo:
    positions = read_tracking(video, MARS_7, MICE).positions
    now = np.concatenate((distances(positions), speeds(positions)), axis=1)
    features = np.concatenate(
        (now, *(rolling_mean(now, width) for width in ROLLING_FRAMES)), axis=1
    )
    return LabelledVideo(
        video.video_id, features, frame_classes(read_bouts(video), len(positions), ACTIONS)
    )


def held_out_probabilities(videos: Sequence[LabelledVideo], held_out: int) -> Floats:
    """Train on the other videos and give P(interact) of every frame of this one, ``(frames,)``."""
    training = [video for index, video in enumerate(videos) if index != held_out]
    model = HistGradientBoostingClassifier(
        max_iter=ROUNDS, learning_rate=LEARNING_RATE, random_state=SEED
    )
    model.fit(
        np.concatenate([video.features for video in training]),
        np.concatenate([video.labels for video in training]),
    )
    probabilities: Floats = model.predict_proba(videos[held_out].features)[:, 1]
    return probabilities


def describe(name: str, labels: Labels, probabilities: Floats) -> str:
    precision = average_precision_score(labels, probabilities)
    f1 = f1_score(labels, probabilities >= 0.5, zero_division=0)
    return f"{name:10} frames {len(labels):6}  interact {labels.mean():6.1%}  AP {precision:.3f}  F1 {f1:.3f}"


def main() -> int:
    folder = real_data()
    if folder is None:
        print(
            "skipped: the real ethome data is not here; set MABE_TEST_DATA to the folder it is in"
        )
        return 0
    videos = [read(video) for video in read_videos(folder)]
    probabilities = []
    for index, video in enumerate(videos):
        probabilities.append(held_out_probabilities(videos, index))
        print(describe(video.name, video.labels, probabilities[-1]), flush=True)
    labels = np.concatenate([video.labels for video in videos])
    print(describe("pooled", labels, np.concatenate(probabilities)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
