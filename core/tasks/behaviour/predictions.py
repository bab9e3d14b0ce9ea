"""What a model says of single frames, as a table that ensembles and stackers can be made of."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from core.evaluation.predictions import PROBABILITY, UNIT
from core.frames.batch import FrameBatch
from core.tasks.behaviour.probabilities import class_probabilities


def predictions_table(
    logits: Tensor, batch: FrameBatch, videos: Sequence[str], classes: Sequence[str]
) -> pa.Table:
    """Lay out the probabilities of a batch of validation windows, a row for each frame that counts.

    Args:
        logits: ``(batch, time, classes)``.
        batch: from ``validation_batches()``.
        videos: ids of the validation videos.
        classes: names by index.

    Returns:
        ``unit`` (the video's id), ``frame`` (from 0), ``label`` (the true class), and
        ``probability/<class>`` in float32: with less, ties would make other classes the likeliest.

    Raises:
        TypeError: the batch does not know its videos.
    """
    if batch.videos is None or batch.starts is None:
        raise TypeError("only batches of validation_batches() can be predicted")
    counted = batch.weights > 0
    time = torch.arange(counted.shape[1], device=counted.device)
    video = batch.videos[:, None].expand(counted.shape)[counted]
    frame = (batch.starts[:, None] + time)[counted]
    probabilities = class_probabilities(logits[counted]).cpu().numpy()
    columns = {name: probabilities[:, index] for index, name in enumerate(classes)}
    return pa.table(
        {
            UNIT: _named(video, videos),
            "frame": frame.cpu().numpy().astype(np.int32),
            "label": _named(batch.targets[counted], classes),
        }
        | {f"{PROBABILITY}{name}": np.ascontiguousarray(one) for name, one in columns.items()}
    )


def _named(indices: Tensor, names: Sequence[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        indices.cpu().numpy().astype(np.int32), pa.array(names, pa.string())
    )
