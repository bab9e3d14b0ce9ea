"""Measure boosted models on validation videos, like a network."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from core.boosting.models import BoostedModels
from core.boosting.plan import reader_of
from core.system.progress import Progress
from core.tasks.actions.chosen import ChosenVideos
from core.tasks.actions.measure import ActionMeasure
from core.tasks.actions.predictions import window_table
from core.tasks.actions.settings import ActionsExperiment
from core.tasks.actions.timeline import values_at


def measured(
    models: BoostedModels,
    experiment: ActionsExperiment,
    chosen: ChosenVideos,
    progress: Progress,
    keep: Callable[[pa.Table], object] | None = None,
) -> ActionMeasure:
    """Predict all validation videos, a pair at a time.

    Args:
        models: that predict.
        experiment: has the rate and the threshold.
        chosen: the videos.
        progress: called with (done, total, what); what it raises ends the measuring.
        keep: takes the predictions of each pair.
    """
    rows, data = chosen.validation_rows, chosen.data
    videos = [data.videos[video] for video in rows.video]
    rate = experiment.data.frames_per_second
    measure = ActionMeasure(rows, videos, rate, experiment.training.threshold)
    for row, video in enumerate(videos):
        progress(row, len(videos), "validation pairs predicted")
        frames = np.arange(video.frames)
        values = np.zeros((video.frames, len(rows.actions)), np.float32)
        if rows.tracked[row] and video.lab_id in models.labs:
            reader = reader_of(data, int(rows.video[row]), rate)
            read = reader.row(int(rows.agent_slot[row]), int(rows.target_slot[row]))
            asked, is_pair = rows.mask[row], bool(rows.is_pair[row])
            answers = models.answers(video.lab_id, is_pair, asked, read, reader.frames)
            values = values_at(answers, frames / reader.ratio)
        measure.add(row, frames, values)
        if keep is not None:
            keep(window_table(rows, row, video, frames, values))
    return measure
