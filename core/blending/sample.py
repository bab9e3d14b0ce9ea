"""What a second level is fitted on: probabilities of several members, and the truth."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float32]
"""``(rows, labels)``."""
Beat = Callable[[], None]
"""Called every now and then during long work; what it raises ends the work."""
LEAST = 1e-6
"""Probabilities are kept this far from 0 and 1 where their logarithm is taken."""


MOST_TILT = 50.0
"""Times that a row may count because its label is predicted more often than it occurs."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows of the members' predictions."""

    members: NDArray[np.float32]
    """``(members, rows, labels)``; NaN where a member says nothing."""
    truth: NDArray[np.float32]
    """``(rows, labels)``: 1 or 0; NaN where it is not known."""
    weights: NDArray[np.float64]
    """``(rows,)``: how many rows each stands for, 1 on average."""
    exclusive: bool
    """Whether exactly one label of each row is true."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """``(rows, labels)``: where the truth and every member's probability are known."""
        known: NDArray[np.bool_] = ~np.isnan(self.truth)
        for member in self.members:
            known &= ~np.isnan(member)
        return known

    def counted(self, label: int | None = None) -> NDArray[np.float64]:
        """Return how much each row counts in a log loss, ``(rows,)``, so that members keep their tilt.

        Members that were trained with weights for rare labels predict these more often than they occur, and
        what decides afterwards (the likeliest class, a threshold) relies on it. Plain log loss would undo it.
        Rows therefore count as much more as their label is predicted, on average over the members, than it
        occurs: the tilted shares of labels are what a second level then comes to, as its members do.

        Args:
            label: a label of its own, true or not; ``None``: of all, of which one is true.
        """
        known = self.known.all(axis=1) if label is None else self.known[:, label]
        columns = slice(None) if label is None else slice(label, label + 1)
        truth, weights = self.truth[known][:, columns], self.weights[known][:, None]
        found = self.weights.copy()
        if not len(truth):
            return found
        given = np.mean([member[known][:, columns] for member in self.members], axis=0)
        occurs = (weights * truth).sum(axis=0) / weights.sum()
        predicted = (weights * given).sum(axis=0) / weights.sum()
        yes = _ratio(predicted, occurs)
        if label is None:
            found[known] *= yes[truth.argmax(axis=1)]
        else:
            no = _ratio(1 - predicted, 1 - occurs)
            found[known] *= np.where(truth[:, 0] == 1, yes[0], no[0])
        return found

    def of(self, rows: NDArray[np.bool_]) -> "Sample":
        """Return some of the rows."""
        return Sample(self.members[:, rows], self.truth[rows], self.weights[rows], self.exclusive)


def _ratio(predicted: NDArray[np.float64], occurs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many times more often something is predicted than it occurs, within reason."""
    ratio = np.divide(predicted, occurs, out=np.ones_like(predicted), where=occurs > 0)
    return np.clip(ratio, 1 / MOST_TILT, MOST_TILT)


def log_odds(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return logits of probabilities, finite also for 0 and 1; NaN stays NaN."""
    clipped = np.clip(probabilities.astype(np.float64), LEAST, 1 - LEAST)
    return np.log(clipped) - np.log1p(-clipped)


def mean_of_members(members: NDArray[np.float32]) -> Probabilities:
    """Return the mean over ``(members, rows, labels)``, taken in float64."""
    mean: Probabilities = members.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
