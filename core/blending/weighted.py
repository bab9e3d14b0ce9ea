"""A weighted mean: one weight for each member, none negative, which add up to 1.

The weights are those of the least log loss. It is convex in them, so that there is one best choice and
expectation maximisation reaches it from anywhere, as for the shares of a mixture (Dempster, Laird and Rubin,
1977). The primary metrics of the tasks are no such functions: they move in steps, when a probability passes a
threshold.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.blending.sample import LEAST, Beat, Probabilities, Sample

ITERATIONS = 300
TOLERANCE = 1e-7


class WeightedMean:
    """Averages members with fixed weights.

    Args:
        weights: ``(members,)``.
    """

    def __init__(self, weights: NDArray[np.float64]) -> None:
        self.weights = weights

    @classmethod
    def fitted(cls, sample: Sample, seed: int, beat: Beat) -> "WeightedMean":
        """Fit the weights; without anything known, all are equal."""
        del seed
        counted = sample.known & (sample.truth == 1) if sample.exclusive else sample.known
        rows, labels = np.nonzero(counted)
        given = sample.members[:, rows, labels].astype(np.float64)
        truth = sample.truth[rows, labels]
        likelihood = np.clip(np.where(truth == 1, given, 1 - given), LEAST, 1)
        if sample.exclusive:
            shares = sample.counted()[rows]
        else:
            each = [sample.counted(label) for label in range(sample.truth.shape[1])]
            shares = np.stack(each, axis=1)[rows, labels]
        weights = np.full(len(given), 1 / len(given))
        if not len(rows):
            return cls(weights)
        for _ in range(ITERATIONS):
            beat()
            mixed = weights @ likelihood
            updated = weights * (likelihood @ (shares / mixed)) / shares.sum()
            updated /= updated.sum()
            moved = np.abs(updated - weights).max()
            weights = updated
            if moved < TOLERANCE:
                break
        return cls(weights)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "WeightedMean":
        """Return what :meth:`state` described."""
        return cls(state["weights"].numpy())

    def state(self) -> dict[str, Any]:
        """Return the weights as a tensor."""
        return {"weights": torch.from_numpy(self.weights)}

    def words(self, names: list[str]) -> str:
        """Describe what was fitted, for the log."""
        return ", ".join(f"{name} {w:.3f}" for name, w in zip(names, self.weights, strict=True))

    def apply(self, members: NDArray[np.float32]) -> Probabilities:
        """Return the probabilities of ``(members, rows, labels)``."""
        total = np.zeros(members.shape[1:])
        for weight, member in zip(self.weights, members, strict=True):
            total += weight * member
        return total.astype(np.float32)
