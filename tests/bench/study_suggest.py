"""F1 against labelled minutes on ethome: clips as `mabe suggest` chooses them, against random ones.

``nice -n 19 python -m tests.bench.study_suggest [--seeds 5]`` takes some minutes of one core. One video
is held out, and the other three are cut into clips of 10 s, of which six chosen at random are labelled first.
A model of boosted trees (distances between keypoints, speeds, their rolling means) is fitted on the labelled
clips; then clips of one more minute are labelled, chosen by that model or at random. F1 of ``interact`` at
0.5, frames pooled over the four videos held out.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from core.data.competition import read_bouts, read_tracking, read_videos
from core.data.keypoints import MARS_7
from core.inference.clips import Clip, choose, clips_of

SECONDS = 10
FIRST_CLIPS = 6
ROUNDS = 7
CLIPS_PER_ROUND = 6
TREES = 50
STRIDE = 2
"""One frame in so many is fitted on: neighbours say the same."""
BOUNDS = ("random", "suggested")
Floats = npt.NDArray[np.float32]


def features(positions: Floats, rate: float) -> Floats:
    """Return distances between all keypoints, speeds, and their means over a second."""
    points = positions.reshape(len(positions), -1, 2)
    first, second = np.triu_indices(points.shape[1], 1)
    apart = np.linalg.norm(points[:, first] - points[:, second], axis=-1)
    speed = np.linalg.norm(np.diff(points, axis=0, prepend=points[:1]), axis=-1) * rate
    plain = np.concatenate([apart, speed], axis=1).astype(np.float32)
    return np.concatenate([plain, _rolled(plain, 31)], axis=1)


def _rolled(values: Floats, frames: int) -> Floats:
    total = np.cumsum(
        np.pad(values, ((frames // 2 + 1, frames // 2), (0, 0)), mode="edge"),
        axis=0,
        dtype=np.float64,
    )
    return ((total[frames:] - total[:-frames]) / frames).astype(np.float32)


class Video:
    """One video: its features, truth and clips."""

    def __init__(self, root: Path, name: str) -> None:
        about = next(video for video in read_videos(root) if video.video_id == name)
        tracking = read_tracking(about, MARS_7, 2)
        self.name, self.positions = name, tracking.positions
        self.rate = about.frames_per_second
        self.features = features(np.nan_to_num(self.positions), self.rate)
        self.truth = np.zeros(len(self.positions), bool)
        bouts = read_bouts(about)
        for start, stop in zip(bouts.start.tolist(), bouts.stop.tolist(), strict=True):
            self.truth[start:stop] = True


def fitted(
    videos: dict[str, Video], labelled: list[Clip], seed: int
) -> HistGradientBoostingClassifier | None:
    """Fit on the labelled clips; none while they hold one class only."""
    parts = [(videos[clip.video], slice(clip.start, clip.stop, STRIDE)) for clip in labelled]
    truth = np.concatenate([video.truth[part] for video, part in parts])
    if truth.all() or not truth.any():
        return None
    model = HistGradientBoostingClassifier(
        max_iter=TREES, learning_rate=0.1, random_state=seed, early_stopping=False
    )
    return model.fit(np.concatenate([video.features[part] for video, part in parts]), truth)


def answers(model: HistGradientBoostingClassifier | None, video: Video) -> Floats:
    """Return the probability of each frame; a half where there is no model yet."""
    if model is None:
        return np.full(len(video.truth), 0.5, np.float32)
    return np.asarray(model.predict_proba(video.features)[:, 1], np.float32)


def cut(video: Video, probability: Floats) -> list[Clip]:
    """Cut a video into clips."""
    both = np.stack([1 - probability, probability], axis=1)
    return clips_of(video.name, both, video.positions, round(SECONDS * video.rate))


def one_fold(videos: dict[str, Video], held_out: str, how: str, seed: int) -> list[Floats]:
    """Return the answers on the video held out after each round."""
    rng = np.random.default_rng([seed, list(videos).index(held_out)])
    pool = [
        clip
        for name, video in videos.items()
        if name != held_out
        for clip in cut(video, answers(None, video))
    ]
    order = rng.permutation(len(pool)).tolist()
    taken, rest = order[:FIRST_CLIPS], order[FIRST_CLIPS:]
    found = []
    for number in range(ROUNDS):
        model = fitted(videos, [pool[place] for place in taken], seed)
        found.append(answers(model, videos[held_out]))
        if number + 1 == ROUNDS:
            break
        if how == "suggested":
            by_place = {
                (c.video, c.start): c
                for name, v in videos.items()
                if name != held_out
                for c in cut(v, answers(model, v))
            }
            current = [by_place[pool[place].video, pool[place].start] for place in rest]
            known = [by_place[pool[place].video, pool[place].start] for place in taken]
            new = [rest[place] for place in choose(current, CLIPS_PER_ROUND, known)]
        else:
            new = rest[:CLIPS_PER_ROUND]
        taken, rest = [*taken, *new], [place for place in rest if place not in new]
    return found


def f1(truth: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_]) -> float:
    """Return F1 of the positive class."""
    hits = int((truth & said).sum())
    return 2 * hits / max(int(truth.sum()) + int(said.sum()), 1)


def main() -> None:
    """Print a row per labelled minute."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    root = Path(os.environ.get("MABE_TEST_DATA") or beside) / "ethome"
    if not (root / "train.csv").is_file():
        sys.exit(f"real data not found at {root}; set MABE_TEST_DATA")
    videos = {video.video_id: Video(root, video.video_id) for video in read_videos(root)}
    truth = np.concatenate([video.truth for video in videos.values()])
    scores: dict[str, list[list[float]]] = {how: [] for how in BOUNDS}
    for seed in range(seeds):
        for how in BOUNDS:
            folds = [one_fold(videos, name, how, seed) for name in videos]
            pooled = [np.concatenate(parts) >= 0.5 for parts in zip(*folds, strict=True)]
            scores[how].append([f1(truth, said) for said in pooled])
        print(
            f"seed {seed}:",
            {how: [round(v, 3) for v in scores[how][-1]] for how in BOUNDS},
            flush=True,
        )
    print("minutes  " + "  ".join(f"{how:>15}" for how in BOUNDS))
    for number in range(ROUNDS):
        minutes = (FIRST_CLIPS + number * CLIPS_PER_ROUND) * SECONDS / 60
        cells = [np.array([run[number] for run in scores[how]]) for how in BOUNDS]
        print(
            f"{minutes:7.0f}  "
            + "  ".join(f"{c.mean():7.3f} ± {c.std(ddof=min(1, len(c) - 1)):.3f}" for c in cells)
        )


if __name__ == "__main__":
    main()
