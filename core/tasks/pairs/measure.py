"""What a model says on validation pairs: the truth and the answer of each, and the loss."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from torch import Tensor

from core.evaluation.rows import FN, FP, TP, Rows, accuracy
from core.evaluation.table import rows_table
from core.losses.loss import Loss
from core.tasks.pairs import scores
from core.tasks.pairs.batch import PairBatch
from core.tasks.pairs.settings import LABELS

UNSEEN = -1


class PairMeasure:
    """Counts right and wrong answers to pairs.

    A pair counts as positive if its logit is above 0; NaN counts as negative.

    Args:
        ids: of the validation pairs; named when a table is asked for.
        count: number of them.
        loss: of logits and targets.
    """

    def __init__(
        self,
        ids: Callable[[NDArray[np.int64]], Sequence[str]],
        count: int,
        loss: Callable[[Tensor, Tensor], Loss],
    ) -> None:
        self._ids, self._loss = ids, loss
        self._truth = np.full(count, UNSEEN, np.int8)
        self._answer = np.zeros(count, np.int8)
        self._total, self._weight = 0.0, 0.0

    def update(self, output: Tensor, batch: PairBatch) -> None:
        """Take the logits of a batch, ``(pairs,)``."""
        loss = self._loss(output, batch.targets)
        self._total += float(loss.total)
        self._weight += float(loss.weight)
        places = batch.places.cpu().numpy()
        self._truth[places] = (batch.targets > 0.5).cpu().numpy()
        self._answer[places] = (output > 0).cpu().numpy()

    def metrics(self) -> dict[str, float]:
        """Return ``loss, accuracy, f1, precision, recall``, the last three of positive pairs."""
        pooled = self._rows_of(np.flatnonzero(self._truth != UNSEEN)).sum(axis=0)
        return {
            "loss": self._total / self._weight if self._weight else float("nan"),
            "accuracy": float(accuracy(pooled)),
            "f1": float(scores.f1(pooled)),
            "precision": float(scores.precision(pooled)),
            "recall": float(scores.recall(pooled)),
        }

    def table(self) -> pa.Table:
        """Return the evaluation rows: counts of each pair and label."""
        seen = np.flatnonzero(self._truth != UNSEEN)
        return rows_table(Rows(tuple(self._ids(seen)), LABELS, self._rows_of(seen)))

    def confusion(self) -> None:
        """Return nothing: with two labels, the rows say everything."""

    def _rows_of(self, seen: NDArray[np.int64]) -> NDArray[np.float64]:
        counts = np.zeros((len(seen), 2, 5))
        truth, answer, place = self._truth[seen], self._answer[seen], np.arange(len(seen))
        right = truth == answer
        counts[place[right], truth[right], TP] = 1
        counts[place[~right], truth[~right], FN] = 1
        counts[place[~right], answer[~right], FP] = 1
        return counts
