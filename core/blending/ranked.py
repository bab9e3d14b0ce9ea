"""The mean of ranks: how high each member ranks a row among all, whatever its probabilities mean.

Each member's probability of a label becomes its rank in the sample, from 0 to 1; the ranks are averaged; and
the mean's own rank becomes a probability again: the one that has this rank in the mean of the members'
distributions (of their quantiles). The order within a label is therefore that of the mean rank, and the
values are probabilities, spread as the members' are. Where exactly one label is true, a row is scaled to sum
to 1, which may change the order of rows within a label. Nothing of the truth is used.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.blending.sample import Beat, Probabilities, Sample

LEVELS = 4097
"""Quantiles that are kept of each distribution; between them, ranks are interpolated."""
Grid = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Rising values and the rank of each."""


class MeanRank:
    """Averages ranks.

    Args:
        quantiles: ``(members + 1, labels, levels)``: of each member, and last of the members' mean rank.
        exclusive: whether exactly one label of each row is true.
    """

    def __init__(self, quantiles: NDArray[np.float64], exclusive: bool) -> None:
        self._quantiles, self._exclusive = quantiles, exclusive
        self._levels = np.linspace(0, 1, quantiles.shape[2])

    @classmethod
    def fitted(cls, sample: Sample, seed: int, beat: Beat) -> "MeanRank":
        """Take the distributions of the members' probabilities."""
        del seed
        count, _, labels = sample.members.shape
        levels = np.linspace(0, 1, LEVELS)
        quantiles = np.tile(levels, (count + 1, labels, 1))
        for label in range(labels):
            beat()
            given = sample.members[:, :, label]
            there = ~np.isnan(given).any(axis=0)
            if not there.any():
                continue
            shares = sample.weights[there]
            ranks = np.zeros(int(there.sum()))
            for place in range(count):
                member = given[place, there].astype(np.float64)
                quantiles[place, label] = _quantiles(member, shares, levels)
                ranks += _ranks(member, quantiles[place, label], levels)
            quantiles[count, label] = _quantiles(ranks / count, shares, levels)
        return cls(quantiles, sample.exclusive)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "MeanRank":
        """Return what :meth:`state` described."""
        return cls(state["quantiles"].numpy(), bool(state["exclusive"]))

    def state(self) -> dict[str, Any]:
        """Return the distributions as a tensor."""
        return {"quantiles": torch.from_numpy(self._quantiles), "exclusive": self._exclusive}

    def words(self, names: list[str]) -> str:
        """Describe what was fitted, for the log."""
        return f"ranks of {len(names)} members"

    def apply(self, members: NDArray[np.float32]) -> Probabilities:
        """Return the probabilities of ``(members, rows, labels)``."""
        found: Probabilities = np.empty(members.shape[1:], np.float32)
        for label in range(found.shape[1]):
            own, mean = self._quantiles[:-1, label], self._quantiles[-1, label]
            ranks = np.zeros(len(found))
            for place, quantiles in enumerate(own):
                given = members[place, :, label].astype(np.float64)
                ranks += _ranks(given, quantiles, self._levels)
            rank = _ranks(ranks / len(own), mean, self._levels)
            values = np.zeros(len(found))
            for quantiles in own:
                grid, grid_ranks = _grid(quantiles, self._levels)
                values += np.interp(rank, grid_ranks, grid)
            found[:, label] = values / len(own)
        if self._exclusive:
            total = found.sum(axis=1, keepdims=True)
            np.divide(found, total, out=found, where=total > 0)
            found[total[:, 0] == 0] = 1 / found.shape[1]
        return found


def _quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weighted quantiles of values; the first and last are the least and the largest."""
    order = np.argsort(values, kind="stable")
    ordered, shares = values[order], weights[order]
    place = np.cumsum(shares) - shares / 2
    low, high = place[0], place[-1]
    if high == low:
        return np.full(len(levels), ordered[0])
    return np.interp(levels, (place - low) / (high - low), ordered)


def _ranks(
    values: NDArray[np.float64], quantiles: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the rank of each value in a distribution."""
    grid, ranks = _grid(quantiles, levels)
    return np.interp(values, grid, ranks)


def _grid(quantiles: NDArray[np.float64], levels: NDArray[np.float64]) -> Grid:
    """Return a distribution from 0 to 1 whose ranks rise with its values: equal ones share their mean rank.

    The sample's ranks leave a little room at both ends, for values beyond those of the sample.
    """
    values, first, counts = np.unique(quantiles, return_index=True, return_counts=True)
    room = 0.5 / len(levels)
    ranks = room + (1 - 2 * room) * (levels[first] + levels[first + counts - 1]) / 2
    if values[0] > 0:
        values, ranks = np.insert(values, 0, 0.0), np.insert(ranks, 0, 0.0)
    if values[-1] < 1:
        values, ranks = np.append(values, 1.0), np.append(ranks, 1.0)
    return values, ranks
