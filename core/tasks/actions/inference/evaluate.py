"""Evaluate checkpoints on labelled videos, which need not be their validation videos."""

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from core.data.competition import Bouts, LabeledBehavior, Video, read_bouts
from core.errors import DataError
from core.evaluation.pair_probabilities import PairProbabilities
from core.evaluation.rows import Rows, concatenated
from core.postprocess.decide import decide
from core.postprocess.rules import Rules
from core.tasks.actions.decisions import only_action
from core.tasks.actions.measure import ActionMeasure, Histogram, metrics_of
from core.tasks.actions.pair_rows import PairRows, SeenVideo
from core.tasks.actions.words import bouts_in_words, in_words
from core.tasks.predictor import HOW_TO_SKIP, Evaluation, PredictionOptions


def evaluate_videos(
    predict: Callable[[Video], PairProbabilities],
    videos: Iterable[Video],
    threshold: float,
    options: PredictionOptions,
) -> Evaluation:
    """Evaluate on the given videos, one at a time.

    Args:
        predict: predicts one video.
        videos: labelled videos that have their files.
        threshold: a pair does its most probable action if the probability reaches this.
        options: whether damaged videos are left out, the rules that decide in place of the threshold, and
            the words of the data.

    Raises:
        DataError: a file is damaged; or with ``skip_bad``, all videos are.
    """
    rows: list[Rows] = []
    histograms: dict[str, Histogram] = {}
    bad: dict[str, str] = {}
    ignored: Counter[str] = Counter()
    examples = 0
    words = dict(options.actions)
    for listed in videos:
        video = in_words(listed, words)
        try:
            found, bouts = predict(video), bouts_in_words(read_bouts(video), words)
        except DataError as error:
            if not options.skip_bad:
                raise DataError(f"{error}{HOW_TO_SKIP}") from error
            bad[video.video_id] = str(error)
            continue
        measure, of_video = _measured(found, video.behaviors, bouts, threshold, options.rules)
        rows.append(measure.rows())
        for label, histogram in measure.histograms().items():
            histograms[label] = histograms.get(label, 0) + histogram
        ignored += of_video.ignored
        examples += found.values.shape[0] * found.frames
    if not rows:
        raise DataError(
            f"none of the {len(bad)} videos can be read: {next(iter(bad.values()), '')}"
        )
    pooled = concatenated(rows)
    return Evaluation(
        metrics=metrics_of(pooled, histograms),
        rows=pooled,
        examples=examples,
        bad=bad,
        unmapped=dict(ignored),
    )


def _measured(
    found: PairProbabilities,
    behaviors: tuple[LabeledBehavior, ...],
    bouts: Bouts,
    threshold: float,
    rules: Rules | None,
) -> tuple[ActionMeasure, PairRows]:
    pairs = list(zip(found.agents.tolist(), found.targets.tolist(), strict=True))
    mice = tuple(sorted({mouse for pair in pairs for mouse in pair}))
    rate = found.frames_per_second
    about = SeenVideo(found.video_id, found.lab_id, found.frames, rate, behaviors, mice)

    def rows_of(labels: Bouts) -> PairRows:
        return PairRows.of_videos([(0, about, labels)], found.actions)

    rows = rows_of(bouts)
    chosen = None if rules is None else rows_of(decide(found, rules))
    measure = ActionMeasure(rows, [about] * len(rows), rate, threshold)
    place = {pair: number for number, pair in enumerate(pairs)}
    frames = np.arange(found.frames)
    for row, pair in enumerate(zip(rows.agent.tolist(), rows.target.tolist(), strict=True)):
        if pair in place:
            values = np.nan_to_num(found.values[place[pair]], nan=0.0)
            choice = None if chosen is None else only_action(chosen.labels(row, frames))
            measure.add(row, frames, values, choice)
    return measure, rows
