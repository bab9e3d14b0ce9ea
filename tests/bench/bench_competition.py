"""The competition's score: interval arithmetic against a Python set of frames for every key.

The reference follows the rules as the host's code does, frame by frame. Truth and submission are made
up at the size of the real labels: 800 videos, 80,000 bouts, about 5 million frames. Both must agree.
"""

import json
import statistics
import time
from collections import Counter, defaultdict

import numpy as np
import pandas as pd

from core.evaluation.competition import KEY, score

VIDEOS, BOUTS, LABS, ROUNDS = 800, 100, 15, 3
ACTIONS = ("sniff", "attack", "mount", "rear")


def made_up(seed: int) -> pd.DataFrame:
    """Bouts one after another of one mouse towards another, so that none overlap."""
    rng = np.random.default_rng(seed)
    edges = rng.integers(5, 100, size=(VIDEOS, 2 * BOUTS)).cumsum(axis=1)
    video = np.repeat(np.arange(VIDEOS), BOUTS)
    return pd.DataFrame(
        {
            "video_id": video,
            "agent_id": "mouse1",
            "target_id": "mouse2",
            "action": rng.choice(ACTIONS, size=VIDEOS * BOUTS),
            "start_frame": edges[:, ::2].ravel(),
            "stop_frame": edges[:, 1::2].ravel(),
            "lab_id": [f"lab{number % LABS}" for number in video],
            "behaviors_labeled": json.dumps([f"mouse1,mouse2,{action}" for action in ACTIONS]),
        }
    )


def frames_of_keys(bouts: pd.DataFrame, listed: dict[int, set[str]] | None) -> dict[str, set[int]]:
    """Frames of every key; with ``listed``, rows not listed are skipped and overlaps refused."""
    frames: defaultdict[str, set[int]] = defaultdict(set)
    taken: defaultdict[tuple[int, str, str], set[int]] = defaultdict(set)
    for row in bouts.to_dict("records"):
        video, agent, target, action = (row[name] for name in KEY)
        key = f"{video}_{agent}_{target}_{action}"
        new = set(range(row["start_frame"], row["stop_frame"]))
        if listed is not None:
            if f"{agent},{target},{action}" not in listed[video]:
                continue
            new -= frames[key]
            if new & taken[video, agent, target]:
                raise ValueError("multiple predictions for the same frame")
            taken[video, agent, target] |= new
        frames[key] |= new
    return frames


def lab_score(truth: pd.DataFrame, submission: pd.DataFrame) -> float:
    """Mean F1 of one lab's actions."""
    first = truth.drop_duplicates("video_id")
    listed = {
        v: set(json.loads(b)) for v, b in zip(first.video_id, first.behaviors_labeled, strict=True)
    }
    labelled = frames_of_keys(truth, None)
    predicted = frames_of_keys(submission[submission.video_id.isin(listed)], listed)
    tp, size = Counter[str](), Counter[str]()
    for key in labelled.keys() | predicted.keys():
        action = key.rsplit("_", 1)[1]
        ours, theirs = predicted.get(key, set()), labelled.get(key, set())
        tp[action] += len(ours & theirs)
        size[action] += len(ours) + len(theirs)
    return statistics.mean(2 * tp[action] / size[action] for action in size)


def reference(truth: pd.DataFrame, submission: pd.DataFrame) -> float:
    """Mean over labs."""
    return statistics.mean(lab_score(lab, submission) for _, lab in truth.groupby("lab_id"))


def main() -> None:
    """Print the figures."""
    truth, submission = made_up(0), made_up(1)
    ours, sets = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        fast = score(truth, submission).score
        between = time.perf_counter()
        slow = reference(truth, submission)
        ours.append(between - started)
        sets.append(time.perf_counter() - between)
        if not np.isclose(fast, slow, rtol=0, atol=1e-12):
            raise SystemExit(f"the scores differ: {fast} and {slow}")
    frames = int((truth["stop_frame"] - truth["start_frame"]).sum())
    print(f"{VIDEOS} videos, {len(truth):,} bouts, {frames:,} frames; both score {fast:.6f}")
    print(f"  intervals {statistics.median(ours):.2f} s, sets {statistics.median(sets):.2f} s")
    print(f"  ratio {statistics.median(sets) / statistics.median(ours):.0f}")


if __name__ == "__main__":
    main()
