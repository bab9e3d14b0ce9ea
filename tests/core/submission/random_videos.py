"""Random videos, whitelists, truths and model outputs for the writer, sound and odd ones."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.competition import Bouts, LabeledBehavior, Video
from core.data.labels import ACTIONS, PAIR_ACTIONS, SELF_ACTIONS
from core.errors import DataError
from core.evaluation.competition import score, truth_table
from core.evaluation.pair_probabilities import PairProbabilities
from core.postprocess.decide import decide
from core.postprocess.rules import KeyRule, Rules
from core.submission.lab_actions import lab_actions
from core.submission.reading import read_submission
from core.submission.rows import harmless_row
from core.submission.writer import write_submission

MOST_MICE, MOST_FRAMES = 4, 120


def random_video(rng: np.random.Generator, number: int) -> Video:
    """Return a video of a random lab, with a random whitelist over up to four mice."""
    mice = rng.integers(1, MOST_MICE + 1)
    possible = [
        LabeledBehavior(agent, target, action)
        for agent in range(1, mice + 1)
        for target in range(1, mice + 1)
        for action in (SELF_ACTIONS if agent == target else PAIR_ACTIONS)
    ]
    listed = rng.choice(len(possible), rng.integers(1, min(12, len(possible)) + 1), replace=False)
    behaviors = [possible[place] for place in listed]
    lab = f"lab{rng.integers(3)}"
    fps = float(rng.choice([10, 25, 29.97, 30, 120]))
    return video_of(lab, str(number), behaviors, tuple(range(1, mice + 1)), fps)


def video_of(
    lab: str,
    name: str,
    behaviors: Iterable[LabeledBehavior],
    mice: tuple[int, ...] = (1, 2),
    fps: float = 30.0,
) -> Video:
    """Return a video without files."""
    return Video(
        lab_id=lab,
        video_id=name,
        frames_per_second=fps,
        duration_seconds=4.0,
        pixels_per_cm=None,
        width=None,
        height=None,
        mice=mice,
        body_parts=(),
        behaviors=tuple(behaviors),
        tracking_path=Path(f"{name}.parquet"),
        annotation_path=Path(f"{name}.parquet"),
        row=2,
    )


def random_truth(rng: np.random.Generator, video: Video) -> Bouts:
    """Return bouts of the whitelist, none overlapping within a pair, some without frames."""
    rows = []
    for agent, target in {(each.agent, each.target) for each in video.behaviors}:
        known = [each.action for each in video.behaviors if each[:2] == (agent, target)]
        edges = np.sort(rng.integers(0, MOST_FRAMES, 2 * rng.integers(0, 4)))
        for start, stop in edges.reshape(-1, 2).tolist():
            rows.append((agent, target, rng.choice(known), start, stop))
    return bouts_of(rows)


def bouts_of(rows: list[tuple[int, int, str, int, int]]) -> Bouts:
    """Return rows of agent, target, action, start and stop as columns."""
    agent, target, action, start, stop = zip(*rows, strict=True) if rows else ((),) * 5
    numbers = (np.array(column, np.int64) for column in (agent, target, start, stop))
    agents, targets, starts, stops = numbers
    return Bouts(agents, targets, np.array(action, dtype=object), starts, stops)


def random_probabilities(
    rng: np.random.Generator, video: Video, *, ragged: bool
) -> PairProbabilities:
    """Return random values for every pair of mice: noise, ties, all or nothing.

    Args:
        rng: source of all randomness.
        video: whose mice and whitelist count.
        ragged: give values to actions that are not listed, and no values to single frames.
    """
    mice = len(video.mice)
    agents, targets = (np.ravel(axis) + 1 for axis in np.indices((mice, mice)))
    frames = int(rng.choice([0, 1, 2, MOST_FRAMES]))
    shape = len(agents), frames, len(ACTIONS)
    kind = rng.integers(4)
    values = rng.random(shape) if kind < 2 else np.full(shape, float(kind == 2))
    if kind == 1:
        values = np.round(values, 1)  # ties
    if ragged:
        values[rng.random(shape) < 0.05] = np.nan
    else:
        listed = {*video.behaviors}
        for pair, (agent, target) in enumerate(zip(agents.tolist(), targets.tolist(), strict=True)):
            unlisted = [
                place
                for place, action in enumerate(ACTIONS)
                if LabeledBehavior(agent, target, action) not in listed
            ]
            values[pair, :, unlisted] = np.nan
    return PairProbabilities(
        video.video_id,
        video.lab_id,
        video.frames_per_second,
        agents,
        targets,
        ACTIONS,
        values.astype(np.float32),
    )


def random_rules(rng: np.random.Generator) -> Rules:
    """Return rules of post-processing with random parts."""

    def perhaps(time: float) -> float:
        return time * float(rng.random() < 0.3)

    return Rules(
        clock="seconds",
        choice="margin" if rng.random() < 0.5 else "probability",
        median=perhaps(0.2),
        merge_gap=perhaps(0.3),
        min_length=perhaps(0.1),
        otherwise=KeyRule(
            threshold=float(rng.choice([0, 0.3, 0.5, 0.9, 1])),
            sigma=perhaps(0.2),
            temperature=float(rng.choice([0.5, 1, 2])),
        ),
    )


def overlapping_bouts(found: PairProbabilities, threshold: float) -> Bouts:
    """Return the runs above a threshold of each action alone: actions of a pair overlap freely."""
    rows = []
    for pair, action in np.ndindex(len(found.agents), len(found.actions)):
        on = np.flatnonzero(np.diff(found.values[pair, :, action] > threshold, prepend=0, append=0))
        for start, stop in on.reshape(-1, 2).tolist():
            agent, target = int(found.agents[pair]), int(found.targets[pair])
            rows.append((agent, target, found.actions[action], start, stop))
    return bouts_of(rows)


def truth_of(videos: dict[Video, Bouts]) -> pd.DataFrame:
    """Return the truth as the metric takes it."""
    listed = pd.DataFrame(
        [
            (video.lab_id, video.video_id, json.dumps([each.entry for each in video.behaviors]))
            for video in videos
        ],
        columns=["lab_id", "video_id", "behaviors_labeled"],
    )
    tables = {
        video.video_id: pd.DataFrame(
            {
                "agent_id": bouts.agent,
                "target_id": bouts.target,
                "action": bouts.action,
                "start_frame": bouts.start,
                "stop_frame": bouts.stop,
            }
        )
        for video, bouts in videos.items()
    }
    return truth_table(listed, tables)


def write_and_score(seed: int, path: Path) -> int:
    """Write the random model outputs of a few videos and score them; fails if the metric rejects the file.

    Returns:
        The number of videos.
    """
    rng = np.random.default_rng(seed)
    videos = [random_video(rng, number) for number in range(rng.integers(1, 6))]
    truth = {video: random_truth(rng, video) for video in videos}
    known = lab_actions(truth.items()) if rng.random() < 0.8 else None
    decided = rng.random() < 0.5  # by post-processing; else actions of a pair overlap freely
    outputs = [random_probabilities(rng, video, ragged=not decided) for video in videos]
    rules, threshold = random_rules(rng), float(rng.choice([-1, 0, 0.5, 0.9, 1]))
    bouts = [
        decide(output, rules) if decided else overlapping_bouts(output, threshold)
        for output in outputs
    ]
    found = [
        (video, of_video, output.frames)
        for video, of_video, output in zip(videos, bouts, outputs, strict=True)
    ]
    if not any(harmless_row(video, frames, known) is not None for video, _, frames in found):
        with pytest.raises(DataError, match="nothing to write"):
            write_submission(path, found, known)
        return len(videos)
    written = write_submission(path, found, known)
    if decided and known is None and not written.filled:
        assert written.frames == sum(int((b.stop - b.start).sum()) for b in bouts)
        assert written.unlisted == 0
    table = truth_of(truth)
    if len(table):
        scored = score(table, read_submission(path))
        for lab, actions in scored.actions.items() if known is not None else ():
            assert {*actions} <= {*table[table["lab_id"] == lab]["action"]}, "costs points"
    _require_sound(read_submission(path), found)
    return len(videos)


def _require_sound(table: pd.DataFrame, found: list[tuple[Video, Bouts, int]]) -> None:
    """Check numbers, bounds, ids and whitelist of every row."""
    assert table["row_id"].tolist() == [str(number) for number in range(len(table))]
    start, stop = table["start_frame"].astype(int), table["stop_frame"].astype(int)
    length = {video.video_id: frames for video, _, frames in found}
    assert (start >= 0).all()
    assert (start < stop).all()
    assert (stop <= table["video_id"].map(length)).all()
    listed = {(v.video_id, each.entry) for v, _, _ in found for each in v.behaviors}
    behaviour = table["agent_id"] + "," + table["target_id"] + "," + table["action"]
    assert set(zip(table["video_id"], behaviour, strict=True)) <= listed
