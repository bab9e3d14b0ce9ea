"""Measure predictions made elsewhere, such as an ensemble's mean, like those of a model."""

import numpy as np

from core.config.experiment import Experiment
from core.data.competition import Bouts, LabeledBehavior
from core.data.labels import bouts_of
from core.errors import DataError
from core.evaluation.stored_predictions import UnitPredictions
from core.tasks.actions.measure import ActionMeasure
from core.tasks.actions.pair_rows import PairRows, SeenVideo
from core.tasks.actions.predictions import NOT_ANNOTATED, KeptVideo, kept_videos
from core.tasks.actions.settings import actions_of
from core.tasks.actions.spec import labels


def score(experiment: Experiment, predictions: UnitPredictions) -> ActionMeasure:
    """Measure kept predictions; memory holds those of one video.

    Args:
        experiment: defines the actions and the threshold.
        predictions: predictions with the columns of :mod:`core.tasks.actions.predictions`.

    Raises:
        DataError: the predictions are of other actions, or lack frames.
        ConfigError: the experiment is of another task.
    """
    experiment = actions_of(experiment, "scoring predictions of pairs")
    if predictions.labels != labels(experiment):
        raise DataError(
            f"predictions of {len(predictions.labels)} actions, but {experiment.name} has"
            f" {len(labels(experiment))}; members of an ensemble learn the same actions"
        )
    described = [_described(kept) for kept in kept_videos(predictions)]
    found = [(place, about, bouts) for place, (about, bouts) in enumerate(described)]
    rows = PairRows.of_videos(found, predictions.labels)
    videos = [described[int(video)][0] for video in rows.video]
    data, threshold = experiment.data, experiment.training.threshold
    measure = ActionMeasure(rows, videos, data.frames_per_second, threshold)
    row = 0
    for kept in kept_videos(predictions):
        probabilities = kept.probabilities
        for values in probabilities.values:  # pairs in the order of rows: both are sorted
            measure.add(row, np.arange(probabilities.frames), np.nan_to_num(values))
            row += 1
    return measure


def _described(kept: KeptVideo) -> tuple[SeenVideo, Bouts]:
    """Return a video's description and its annotated bouts, from its kept labels."""
    found = kept.probabilities
    pairs = list(zip(found.agents.tolist(), found.targets.tolist(), strict=True))
    behaviors: list[LabeledBehavior] = []
    columns: list[tuple[int, int, str, int, int]] = []
    for (agent, target), of_pair in zip(pairs, kept.labels, strict=True):
        for action, of_action in zip(found.actions, of_pair.T, strict=True):
            if of_action[0] == NOT_ANNOTATED:
                continue
            behaviors.append(LabeledBehavior(agent, target, action))
            runs = bouts_of(of_action.astype(np.uint8))
            spans = zip(runs.start.tolist(), runs.stop.tolist(), strict=True)
            columns += [(agent, target, action, start, stop) for start, stop in spans]
    about = SeenVideo(
        found.video_id,
        found.lab_id,
        found.frames,
        found.frames_per_second,
        tuple(behaviors),
        tuple(sorted({mouse for pair in pairs for mouse in pair})),
    )
    agents, targets, actions, starts, stops = zip(*columns, strict=True) if columns else ((),) * 5
    bouts = Bouts(
        np.array(agents, np.int64),
        np.array(targets, np.int64),
        np.array(actions, object),
        np.array(starts, np.int64),
        np.array(stops, np.int64),
    )
    return about, bouts
