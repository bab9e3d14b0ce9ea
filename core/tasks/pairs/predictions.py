"""What a model says of pairs, as a table that ensembles are made of."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from core.evaluation.predictions import PROBABILITY, UNIT
from core.tasks.pairs.settings import LABELS

LEAST = torch.finfo(torch.float32).tiny
"""Probabilities are kept above 0 where a logit is computed from them."""


def predictions_table(logits: Tensor, targets: Tensor, ids: Sequence[str]) -> pa.Table:
    """Lay out the probabilities of some pairs, a row for each.

    Args:
        logits: ``(pairs,)``.
        targets: ``(pairs,)``, 0 or 1.
        ids: of the pairs.

    Returns:
        ``unit`` (the pair's id), ``label`` (the true one), and ``probability/<label>`` of both in float32.
    """
    truth = pa.DictionaryArray.from_arrays(
        targets.cpu().numpy().astype(np.int32), pa.array(LABELS, pa.string())
    )
    both = probabilities_of(logits).cpu().numpy()
    columns = {
        PROBABILITY + name: np.ascontiguousarray(both[:, place])
        for place, name in enumerate(LABELS)
    }
    return pa.table({UNIT: pa.array(ids, pa.string()), "label": truth} | columns)


def probabilities_of(logits: Tensor) -> Tensor:
    """Return the probability of each label, ``(pairs, 2)``: small ones keep their precision."""
    logits = logits.float()
    return torch.stack([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=1)


def logits_of(probabilities: Tensor) -> Tensor:
    """Return the logit of the positive label, ``(pairs,)``, from the probability of both."""
    logs = probabilities.clamp_min(LEAST).log()
    return logs[:, 1] - logs[:, 0]
