"""Evaluate a checkpoint on labelled data, which need not be its validation data."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.competition import Bouts, LeftOut, Video, labelled, read_bouts, read_videos
from core.data.labels import ActionMap, frame_classes, unmapped_bouts
from core.errors import DataError
from core.evaluation.frames import average_precisions, confusion, frame_metrics
from core.evaluation.table import Confusions
from core.inference.predict import HOW_TO_SKIP, Predictor
from core.system.progress import Progress


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of a checkpoint on a set of videos."""

    metrics: dict[str, float]
    """``frame_metrics`` and ``ap/<class>`` over the pooled frames of all videos."""
    confusions: Confusions
    """Counts per video, for ``evaluation_table`` and paired comparisons."""
    frames: int
    unmapped: Counter[str]
    """Bouts of actions missing from the checkpoint's action map, which count as class 0."""
    nan_frames: int = 0
    """Frames for which the model returned NaN; they count as predicted class 0, with a score of 0."""


def evaluate_folder(
    predictor: Predictor,
    root: Path,
    table: str = "train",
    progress: Progress | None = None,
    bad: list[LeftOut] | None = None,
) -> Evaluation:
    """Evaluate on every labelled video of a data folder whose files exist.

    ``bad`` collects damaged ones, with the reason, instead of an error.

    Raises:
        DataError: not a data folder, nothing labelled in it, or a damaged file.
    """
    videos, left_out = labelled(read_videos(root, table))
    if not videos:
        reasons = ", ".join(sorted({each.reason for each in left_out}))
        raise DataError(f"{root}: no video of {table}.csv can be evaluated on ({reasons})")
    return evaluate_videos(predictor, videos, progress, bad)


def evaluate_videos(
    predictor: Predictor,
    videos: Iterable[Video],
    progress: Progress | None = None,
    bad: list[LeftOut] | None = None,
) -> Evaluation:
    """Evaluate on the given videos, with the action map and classes of the checkpoint.

    Positions are loaded one video at a time. Average precision ranks all frames together, so their
    probabilities are kept: 4 bytes per class and 1 per frame.

    Args:
        predictor: a loaded checkpoint.
        videos: labelled videos that have their files.
        progress: called with (done, total, what).
        bad: collects damaged videos, with the reason, instead of an error.

    Raises:
        DataError: no videos, or a damaged file; or all are damaged.
    """
    by_id = {video.video_id: video for video in videos}
    if not by_id:
        raise DataError("no videos to evaluate on")
    classes = predictor.classes
    action_map = ActionMap(predictor.experiment.actions, classes)
    kept, truths, answers, counts = [], [], [], []
    unmapped: Counter[str] = Counter()
    for prediction in predictor.predict(by_id.values(), progress, bad):
        if (bouts := _bouts(by_id[prediction.video_id], bad)) is None:
            continue
        kept.append(prediction.video_id)
        unmapped += unmapped_bouts(bouts, action_map)
        truth = frame_classes(bouts, len(prediction.classes), action_map)
        counts.append(confusion(truth, prediction.classes, len(classes)))
        truths.append(truth)
        answers.append(prediction.probabilities)
    if bad and not kept:
        raise DataError(f"none of the {len(by_id)} videos can be read: {bad[0].reason}")
    per_video = np.stack(counts)
    truth, answer = np.concatenate(truths), np.concatenate(answers)
    nan_frames = int(np.isnan(answer).any(axis=1).sum())
    np.nan_to_num(answer, copy=False)
    return Evaluation(
        metrics=frame_metrics(per_video.sum(axis=0), classes)
        | average_precisions(truth, answer, classes),
        confusions=Confusions(tuple(kept), tuple(classes), per_video),
        frames=len(truth),
        unmapped=unmapped,
        nan_frames=nan_frames,
    )


def _bouts(video: Video, bad: list[LeftOut] | None) -> Bouts | None:
    try:
        return read_bouts(video)
    except DataError as error:
        if bad is None:
            raise DataError(f"{error}{HOW_TO_SKIP}") from error
        bad.append(LeftOut(video, str(error)))
        return None
