"""Confusions between classes, worst first: a readable summary for many classes."""

from collections.abc import Sequence

import msgspec
import numpy as np

from core.evaluation.frames import Counts


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """Frames of one class that were predicted as another."""

    truth: str
    predicted: str
    frames: int
    of_truth: float
    """Share of the true class's frames: the loss in its recall."""
    of_predicted: float
    """Share of all frames predicted as ``predicted``: the loss in its precision."""

    @property
    def harm(self) -> float:
        """The larger of the two shares."""
        return max(self.of_truth, self.of_predicted)


def confusions(classes: Sequence[str], counts: Counts) -> tuple[Confusion, ...]:
    """List all confusions, the most harmful first.

    Macro F1 weighs all classes equally, so neither frame counts nor one share alone would do: a rare class
    that is always missed has few frames, and frames wrongly predicted as a rare class may be a small share
    of a common one.

    Args:
        classes: by index.
        counts: ``(classes, classes)`` frames, rows the truth.
    """
    table = np.asarray(counts)
    rows, columns = np.maximum(table.sum(axis=1), 1), np.maximum(table.sum(axis=0), 1)
    found = [
        Confusion(
            truth=classes[true],
            predicted=classes[other],
            frames=int(table[true, other]),
            of_truth=float(table[true, other] / rows[true]),
            of_predicted=float(table[true, other] / columns[other]),
        )
        for true, other in np.argwhere(table > 0).tolist()
        if true != other
    ]
    return tuple(sorted(found, key=lambda one: (-one.harm, -one.frames)))
