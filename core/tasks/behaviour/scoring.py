"""Frame predictions that were made elsewhere, measured as a model's own are."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from core.errors import DataError
from core.evaluation.stored_predictions import UnitPredictions
from core.tasks.behaviour.measure import FrameMeasure, frame_loss
from core.tasks.behaviour.settings import BehaviourExperiment, behaviour_of

LEAST = torch.finfo(torch.float32).tiny
"""Probabilities are kept above 0, where the loss is infinite."""


def score(experiment: BehaviourExperiment, predictions: UnitPredictions) -> FrameMeasure:
    """Measure predictions of validation frames.

    Args:
        experiment: has the classes, and the loss that members were trained with.
        predictions: with the columns of :func:`core.tasks.behaviour.predictions.predictions_table`.

    Raises:
        DataError: they are of other classes.
        ConfigError: the experiment is of another task.
    """
    experiment = behaviour_of(experiment, "scoring predictions of frames")
    classes, units = experiment.classes, predictions.units
    if predictions.labels != classes:
        raise DataError(
            f"predictions of {', '.join(predictions.labels)}, and {experiment.name} has the classes"
            f" {', '.join(classes)}"
        )
    found = predictions.whole()
    video = _places(found.examples["unit"], units)
    truth = _places(found.examples["label"], classes)
    probabilities = torch.from_numpy(found.probabilities)
    loss = frame_loss(experiment.training, torch.device("cpu"))
    logits = probabilities.clamp_min(LEAST).log()[None]
    measure = FrameMeasure(classes, units, loss.of_batch, torch.device("cpu"))
    measure.add(loss(logits, truth[None], torch.ones(1, len(truth))), video, truth, probabilities)
    return measure


def _places(names: pa.ChunkedArray, among: tuple[str, ...]) -> torch.Tensor:
    """Return the place of each name, int64.

    Raises:
        DataError: a name is none of them.
    """
    places = pc.index_in(names, pa.array(among, pa.string()))
    if places.null_count:
        raise DataError(f"predictions: a label is none of {', '.join(among)}")
    return torch.from_numpy(places.to_numpy().astype(np.int64))
