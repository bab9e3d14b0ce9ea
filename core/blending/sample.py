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

    def of(self, rows: NDArray[np.bool_]) -> "Sample":
        """Return some of the rows."""
        return Sample(self.members[:, rows], self.truth[rows], self.weights[rows], self.exclusive)


def log_odds(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return logits of probabilities, finite also for 0 and 1; NaN stays NaN."""
    clipped = np.clip(probabilities.astype(np.float64), LEAST, 1 - LEAST)
    return np.log(clipped) - np.log1p(-clipped)


def mean_of_members(members: NDArray[np.float32]) -> Probabilities:
    """Return the mean over ``(members, rows, labels)``, taken in float64."""
    mean: Probabilities = members.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
