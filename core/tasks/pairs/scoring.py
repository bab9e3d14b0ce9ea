"""Predictions of pairs that were made elsewhere, measured as a model's own are."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from core.errors import DataError
from core.evaluation.predictions import UNIT
from core.evaluation.stored_predictions import UnitPredictions
from core.tasks.pairs.batch import PairBatch
from core.tasks.pairs.loss import pair_loss
from core.tasks.pairs.measure import PairMeasure
from core.tasks.pairs.predictions import logits_of
from core.tasks.pairs.settings import LABELS, PairsExperiment, pairs_of


def score(experiment: PairsExperiment, predictions: UnitPredictions) -> PairMeasure:
    """Measure predictions of validation pairs.

    Args:
        experiment: has the loss that members were trained with.
        predictions: with the columns of :func:`core.tasks.pairs.predictions.predictions_table`.

    Raises:
        DataError: they are of other labels.
        ConfigError: the experiment is of another task.
    """
    experiment = pairs_of(experiment, "scoring predictions of pairs")
    if predictions.labels != LABELS:
        raise DataError(
            f"predictions of {', '.join(predictions.labels)}, and pairs are {' or '.join(LABELS)}"
        )
    found = predictions.whole()
    ids = found.examples[UNIT].to_pylist()
    truth = pc.index_in(found.examples["label"], pa.array(LABELS, pa.string()))
    if truth.null_count:
        raise DataError(f"predictions: a label is none of {', '.join(LABELS)}")
    targets = torch.from_numpy(truth.to_numpy().astype(np.float32))
    logits = logits_of(torch.from_numpy(found.probabilities))
    measure = PairMeasure(
        lambda rows: [ids[row] for row in rows.tolist()],
        len(ids),
        pair_loss(experiment.training),
    )
    measure.update(logits, PairBatch((logits, logits), targets, torch.arange(len(ids))))
    return measure
