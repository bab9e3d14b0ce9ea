"""The score of "MABe Challenge – Social Action Recognition in Mice" (Kaggle, 2025), rule by rule.

A bout is the frames ``start_frame ≤ frame < stop_frame`` in which an agent directs an action at a target.
Per lab and action, frames are pooled over the lab's videos into an Fβ; the score is the mean over labs
of the mean over the lab's actions. The host's code builds a Python set of frames for every key; here
interval arithmetic computes exactly the same counts.

Surprising consequences of the rules, kept on purpose:

- a predicted row whose ``agent,target,action`` is not in its video's ``behaviors_labeled`` is ignored,
  before anything else is checked; the entries are compared literally, stray quotes included;
- an action that is listed and predicted, even by a row of no frames, but absent from the lab's truth
  adds an F of 0 to the lab's mean;
- repeating a prediction costs nothing, while two actions of one agent on one target at the same frame
  reject the whole submission.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from core.errors import DataError
from core.evaluation.clashes import KEY, clashes
from core.evaluation.intervals import Intervals, intersection_lengths, union

Table: TypeAlias = pd.DataFrame | pa.Table

SUBMISSION_COLUMNS = [*KEY, "start_frame", "stop_frame"]
TRUTH_COLUMNS = [*SUBMISSION_COLUMNS, "lab_id", "behaviors_labeled"]
LARGEST_FRAME = 2**31 - 1
"""Frame numbers fit the int32 of the competition's files; a larger number is a mistake."""


@dataclass(frozen=True)
class FrameCounts:
    """Frames of one lab's action: true positives, false positives and false negatives."""

    tp: int
    fp: int
    fn: int

    def f_score(self, beta: float = 1.0) -> float:
        """Return (1+β²)TP / ((1+β²)TP + β²FN + FP), and 0 if all three are 0."""
        if self.tp == 0:
            return 0.0
        weight = 1 + beta**2
        return weight * self.tp / (weight * self.tp + beta**2 * self.fn + self.fp)


@dataclass(frozen=True)
class CompetitionScore:
    """The score and its parts: lab → score, lab → action → Fβ, lab → action → counts."""

    score: float
    labs: dict[str, float]
    actions: dict[str, dict[str, float]]
    counts: dict[str, dict[str, FrameCounts]]


def score(truth: Table, submission: Table, beta: float = 1.0) -> CompetitionScore:
    """Score a submission as the competition does.

    Args:
        truth: as for :func:`key_counts`.
        submission: as for :func:`key_counts`.
        beta: weight of recall; the competition uses 1.

    Raises:
        DataError: as :func:`key_counts`.
        ValueError: ``beta`` is not positive.
    """
    if beta <= 0:
        raise ValueError(f"beta must be positive, not {beta}")
    return pooled_score(key_counts(truth, submission), beta)


def key_counts(truth: Table, submission: Table) -> pd.DataFrame:
    """Count the frames of every key that the score takes into account.

    Args:
        truth: one row per bout: ``video_id, agent_id, target_id, action, start_frame, stop_frame,
            lab_id, behaviors_labeled``, the last a JSON list of ``"agent,target,action"``, read from
            the first row of each video. :func:`truth_table` builds it.
        submission: one row per bout, the first six of these columns; others are ignored.

    Returns:
        One row per key: ``lab_id, video_id, agent_id, target_id, action, tp, fp, fn``. A key whose rows
        have no frames has a row of zeros.

    Raises:
        DataError: a table is empty, lacks a column or a value, a bout starts after it stops, or two
            actions of one agent on one target share a frame. The message names the row, from 0.
    """
    labelled = _checked(truth, "truth", TRUTH_COLUMNS)
    predicted = listed_rows(labelled, _checked(submission, "submission", SUBMISSION_COLUMNS))
    found, _ = clashes(predicted, most=1)
    if found:
        raise DataError(
            "submission: multiple predictions for the same frame from one agent/target pair:"
            f" {found[0]}; keep one action per frame"
        )
    rows = pd.concat([labelled[predicted.columns], predicted], ignore_index=True)
    key = rows.groupby(["lab_id", *KEY], sort=False).ngroup().to_numpy().astype(np.int64)
    keys = rows.groupby(key, sort=False)[["lab_id", *KEY]].first()
    frames = Intervals(
        key, *(rows[edge].to_numpy(np.int64) for edge in ("start_frame", "stop_frame"))
    )
    truth_frames = union(_part(frames, slice(None, len(labelled))))
    predicted_frames = union(_part(frames, slice(len(labelled), None)))
    return keys.join(_counts(truth_frames, predicted_frames, len(keys)))


def pooled_score(counts: pd.DataFrame, beta: float = 1.0) -> CompetitionScore:
    """Apply rules 6 and 7: pool over videos, score each action, then average twice.

    Args:
        counts: columns ``lab_id, action, tp, fp, fn``; rows of one lab and action are summed.
        beta: weight of recall.
    """
    pooled = counts.groupby(["lab_id", "action"])[["tp", "fp", "fn"]].sum()
    by_lab: dict[str, dict[str, FrameCounts]] = {}
    for lab, action, tp, fp, fn in pooled.reset_index().itertuples(index=False, name=None):
        by_lab.setdefault(lab, {})[action] = FrameCounts(int(tp), int(fp), int(fn))
    actions = {
        lab: {action: frames.f_score(beta) for action, frames in by_action.items()}
        for lab, by_action in by_lab.items()
    }
    labs = {lab: float(np.mean(list(scores.values()))) for lab, scores in actions.items()}
    return CompetitionScore(float(np.mean(list(labs.values()))), labs, actions, by_lab)


def truth_table(metadata: pd.DataFrame, annotations: Mapping[Any, pd.DataFrame]) -> pd.DataFrame:
    """Convert the competition's own files to the form that :func:`score` takes.

    Args:
        metadata: rows of ``train.csv``: ``lab_id, video_id, behaviors_labeled``.
        annotations: video id → annotation file: numbered ``agent_id, target_id``, equal for a self
            action, and ``action, start_frame, stop_frame``. Videos without an entry are left out.

    Raises:
        DataError: no video of ``metadata`` has an annotation.
    """
    columns = metadata[["video_id", "lab_id", "behaviors_labeled"]]
    videos = columns[columns["video_id"].isin(list(annotations))]
    if videos.empty:
        raise DataError("no labelled video: train.csv and train_annotation have no video in common")
    bouts = pd.concat(
        [annotations[video].assign(video_id=video) for video in videos["video_id"]],
        ignore_index=True,
    )
    agent, target = bouts["agent_id"], bouts["target_id"]
    bouts["agent_id"] = "mouse" + agent.astype(str)
    bouts["target_id"] = ("mouse" + target.astype(str)).where(agent != target, "self")
    return bouts.merge(videos, on="video_id")[TRUTH_COLUMNS]


def _checked(table: Table, name: str, columns: list[str]) -> pd.DataFrame:
    """Return the required columns: names as text, frames as int64, and ``row``, each row's number."""
    frame = table.to_pandas() if isinstance(table, pa.Table) else table
    if missing := [column for column in columns if column not in frame]:
        raise DataError(f"{name}: column {missing[0]!r} is missing; it needs {', '.join(columns)}")
    if frame.empty:
        raise DataError(f"{name}: no rows; nothing can be scored")
    checked = pd.DataFrame({"row": np.arange(len(frame))})
    for column in columns:
        values = frame[column].reset_index(drop=True)
        _refuse_rows(values.isna(), name, f"{column} is empty")
        is_frame = column.endswith("_frame")
        checked[column] = _frame_numbers(values, name) if is_frame else values.astype(str)
    backwards = checked["start_frame"] > checked["stop_frame"]
    _refuse_rows(backwards, name, "start_frame is after stop_frame")
    return checked


def _frame_numbers(values: "pd.Series[Any]", name: str) -> "pd.Series[int]":
    numbers, sound = frame_numbers(values)
    _refuse_rows(~sound, name, f"{values.name} is not a whole number of at most {LARGEST_FRAME}")
    return numbers.astype(np.int64)


def frame_numbers(values: "pd.Series[Any]") -> "tuple[pd.Series[float], pd.Series[bool]]":
    """Return a column of frames, possibly text, as numbers, and which of them are frame numbers."""
    numbers = pd.to_numeric(values, errors="coerce")
    return numbers, (numbers.abs() <= LARGEST_FRAME) & (numbers % 1 == 0)


def _refuse_rows(wrong: "pd.Series[bool]", name: str, problem: str) -> None:
    if wrong.any():
        others = int(wrong.sum()) - 1
        more = f" (and in {others} more rows)" if others else ""
        raise DataError(f"{name}, row {int(wrong.to_numpy().argmax())} (from 0): {problem}{more}")


def listed_rows(videos: pd.DataFrame, submission: pd.DataFrame) -> pd.DataFrame:
    """Apply rules 2 and 4: return the rows of known videos whose behaviour is listed for the video.

    The lab comes from the videos; one that has truth in two labs is scored in both.

    Args:
        videos: ``lab_id, video_id, behaviors_labeled, row``; the first row of each lab and video counts.
        submission: :data:`SUBMISSION_COLUMNS` and ``row``, each row's number.

    Raises:
        DataError: ``behaviors_labeled`` is not a JSON list.
    """
    videos = videos.drop_duplicates(["lab_id", "video_id"])
    entries = {
        (video.lab_id, video.video_id, behaviour)
        for video in videos.itertuples()
        for behaviour in _behaviours(video.behaviors_labeled, video.row)
    }
    listed = pd.DataFrame(
        sorted(entries),
        columns=["lab_id", "video_id", "behaviour"],
        dtype=submission["action"].dtype,
    )
    behaviour = submission["agent_id"] + "," + submission["target_id"] + "," + submission["action"]
    rows = submission.assign(behaviour=behaviour)
    return rows.merge(listed, on=["video_id", "behaviour"]).drop(columns="behaviour")


def _behaviours(text: object, row: object) -> list[str]:
    try:
        listed = json.loads(str(text))
    except json.JSONDecodeError:
        listed = None
    if not isinstance(listed, list):
        raise DataError(f"truth, row {row} (from 0): behaviors_labeled is not a JSON list: {text}")
    return [str(entry) for entry in listed]


def _part(frames: Intervals, rows: slice) -> Intervals:
    return Intervals(frames.group[rows], frames.start[rows], frames.stop[rows])


def _counts(truth: Intervals, predicted: Intervals, keys: int) -> pd.DataFrame:
    """Count the frames of every key: columns ``tp, fp, fn``."""
    found = intersection_lengths(truth, predicted, keys)
    claimed, labelled = predicted.lengths(keys), truth.lengths(keys)
    return pd.DataFrame({"tp": found, "fp": claimed - found, "fn": labelled - found})
