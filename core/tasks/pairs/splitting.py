"""Which pairs an experiment trains on, and which it validates on; no image is on both sides."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.manifest import Remark
from core.errors import DataError
from core.tasks.pairs.settings import PairsDataConfig

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairSplit:
    """Places of pairs, each ascending."""

    train: Rows
    validation: Rows
    remarks: tuple[Remark, ...] = ()


def split_pairs(config: PairsDataConfig, groups: Rows, train_pairs: int) -> PairSplit:
    """PairSplit pairs as an experiment's ``data`` asks for.

    With ``folds``, the pairs of both files are dealt into folds by groups, so that no image is in two of
    them. Else val.npz is for validation; where there is none, a share of the groups is. A
    ``validation_fraction`` of 0 trains on all pairs.

    Args:
        config: of the experiment.
        groups: ``(pairs,)`` the group of each pair of train.npz and then val.npz: pairs that share an image.
        train_pairs: number of those in train.npz.

    Raises:
        DataError: there are fewer pairs than folds.
    """
    rows = np.arange(len(groups))
    if config.folds is not None:
        fold_of, remarks = _folds(config.folds, config.split_seed, groups)
        held_out = fold_of == (config.fold or 0)
        return PairSplit(rows[~held_out], rows[held_out], remarks)
    if not config.validates:
        return PairSplit(rows, rows[:0])
    if train_pairs < len(groups):
        return PairSplit(rows[:train_pairs], rows[train_pairs:])
    parts = max(2, round(1 / config.validation_fraction))
    fold_of, remarks = _folds(min(parts, len(groups)), config.split_seed, groups)
    return PairSplit(rows[fold_of != 0], rows[fold_of == 0], remarks)


def _folds(folds: int, seed: int, groups: Rows) -> tuple[Rows, tuple[Remark, ...]]:
    """Return the fold of each pair: whole groups, the largest first, each to the smallest fold."""
    if folds > len(groups):
        raise DataError(
            f"data.folds: {folds} folds of {len(groups)} pairs; ask for {len(groups)} at most"
        )
    sizes = np.bincount(groups)
    remarks: tuple[Remark, ...] = ()
    if sizes.max() * folds > 2 * len(groups):
        words = (
            f"{sizes.max():,} of {len(groups):,} pairs are linked by common images, so folds of whole groups"
            " would be uneven: pairs are dealt one by one, and folds share images; scores flatter"
        )
        remarks = (Remark("images_in_several_folds", words),)
        groups, sizes = np.arange(len(groups)), np.ones(len(groups), np.int64)
    rank = np.random.PCG64(seed).random_raw(len(sizes))
    order = np.lexsort((rank, -sizes))
    heap = [(0, fold) for fold in range(folds)]
    fold_of_group = np.empty(len(sizes), np.int64)
    for group in order.tolist():
        pairs, fold = heapq.heappop(heap)
        fold_of_group[group] = fold
        heapq.heappush(heap, (pairs + int(sizes[group]), fold))
    return fold_of_group[groups], remarks
