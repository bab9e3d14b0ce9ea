"""Evaluate checkpoints on labelled videos, which need not be their validation videos."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from core.data.competition import Bouts, LeftOut, Video, read_bouts
from core.data.labels import ActionMap, frame_classes, unmapped_bouts, unmapped_sentence
from core.errors import DataError
from core.evaluation.frames import average_precisions, confusion, frame_metrics
from core.evaluation.table import Confusions
from core.postprocess.decide import decide_classes
from core.postprocess.rules import Rules
from core.tasks.behaviour.inference.prediction import VideoPrediction
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.predictor import HOW_TO_SKIP, Evaluation, PredictionOptions


def evaluate_videos(
    predict: Callable[[Iterable[Video], list[LeftOut] | None], Iterator[VideoPrediction]],
    videos: Iterable[Video],
    experiment: BehaviourExperiment,
    options: PredictionOptions,
) -> Evaluation:
    """Evaluate on the given videos, with the action map and classes of the checkpoint.

    Metrics are ``frame_metrics`` and ``ap/<class>`` over the pooled frames of all videos. Actions missing
    from the action map, and frames for which the model returns NaN, count as class 0. Positions are loaded
    one video at a time. Average precision ranks all frames together, so their probabilities are kept: 4 bytes
    per class and 1 per frame.

    Args:
        predict: predicts videos one after the other; damaged ones are added to the list, if there is one.
        videos: labelled videos that have their files.
        experiment: has the action map and the classes.
        options: whether damaged videos are left out, and the post-processing.

    Raises:
        DataError: no videos, or a damaged file; or all are damaged.
    """
    by_id = {video.video_id: video for video in videos}
    if not by_id:
        raise DataError("no videos to evaluate on")
    bad: list[LeftOut] = []
    left_out = bad if options.skip_bad else None
    classes, rules = experiment.classes, bout_rules(options)
    action_map = ActionMap({**experiment.actions, **dict(options.actions)}, classes)
    kept, truths, answers, counts = [], [], [], []
    unmapped: Counter[str] = Counter()
    for prediction in predict(by_id.values(), left_out):
        if (bouts := _bouts(by_id[prediction.video_id], left_out)) is None:
            continue
        kept.append(prediction.video_id)
        unmapped += unmapped_bouts(bouts, action_map)
        truth = frame_classes(bouts, len(prediction.classes), action_map)
        decided = decide_classes(
            prediction.probabilities,
            rules,
            classes,
            prediction.frames_per_second,
        )
        counts.append(confusion(truth, decided, len(classes)))
        truths.append(truth)
        answers.append(prediction.probabilities)
    if bad and not kept:
        raise DataError(f"none of the {len(by_id)} videos can be read: {bad[0].reason}")
    per_video = np.stack(counts)
    truth, answer = np.concatenate(truths), np.concatenate(answers)
    nan_frames = int(np.isnan(answer).any(axis=1).sum())
    np.nan_to_num(answer, copy=False)
    confusions = Confusions(tuple(kept), tuple(classes), per_video)
    return Evaluation(
        metrics=frame_metrics(per_video.sum(axis=0), classes)
        | average_precisions(truth, answer, classes),
        rows=confusions.rows,
        confusions=confusions,
        examples=len(truth),
        unmapped=dict(unmapped),
        nan_examples=nan_frames,
        bad={each.video.video_id: each.reason for each in bad},
        warnings=tuple(_warnings(unmapped, nan_frames, classes[0])),
    )


def bout_rules(options: PredictionOptions) -> Rules:
    """Return the rules by which bouts are found."""
    if options.rules is not None:
        return options.rules
    return Rules.likeliest(options.median, options.merge_gap, options.min_frames)


def _warnings(unmapped: Counter[str], nan_frames: int, background: str) -> Iterator[str]:
    if unmapped:
        yield unmapped_sentence(unmapped, background)
    if nan_frames:
        yield (
            f"for {nan_frames:,} frames the checkpoint gives NaN, which counts as {background!r}; its"
            " training broke down: try an earlier one"
        )


def _bouts(video: Video, left_out: list[LeftOut] | None) -> Bouts | None:
    try:
        return read_bouts(video)
    except DataError as error:
        if left_out is None:
            raise DataError(f"{error}{HOW_TO_SKIP}") from error
        left_out.append(LeftOut(video, str(error)))
        return None
