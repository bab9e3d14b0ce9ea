"""Augmentation of training windows: scale, mirror, missing parts, unknown lab. The sampler stretches time."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.features.pair_columns import POINTS
from core.features.pair_view import mirror_image
from core.frames.sampling import Stream, generator
from core.system.device import to_device
from core.tasks.actions.settings import ActionsAugmentationConfig
from core.tasks.actions.subjects import UNKNOWN


@dataclass(frozen=True, slots=True)
class Augmentation:
    """The changes to each window of a batch, as columns ``(windows, ...)``."""

    scale: npt.NDArray[np.float32]
    """(windows,) factor that lengths are multiplied by."""
    mirror: npt.NDArray[np.bool_]
    """(windows,) whether the window is mirrored."""
    lost: npt.NDArray[np.bool_]
    """(windows, 2, 18) points of agent and target that are missing throughout."""
    lab_unknown: npt.NDArray[np.bool_]
    """(windows,) whether the lab is hidden."""

    @classmethod
    def draw(
        cls, config: ActionsAugmentationConfig, seed: int, epoch: int, number: int, count: int
    ) -> Self:
        """Draw the changes to a batch; they depend only on the seed, the epoch and the batch's number.

        A body part is lost for both mice, as in a lab that does not track it.
        """
        random = generator(seed, epoch, Stream.AUGMENT, number)
        exponent = random.uniform(-1, 1, count)
        mirror = random.random(count) < config.flip
        lost = random.random((count, 1, POINTS)) < config.part_dropout
        lab_unknown = random.random(count) < config.lab_dropout
        return cls(
            ((1 + config.scale) ** exponent).astype(np.float32),
            mirror,
            np.broadcast_to(lost, (count, 2, POINTS)),
            lab_unknown,
        )

    def of_positions(self, positions: Tensor) -> Tensor:
        """Return the changed positions ``(windows, time, 2, 18, 2)``; the argument is modified."""
        device = positions.device
        positions.mul_(to_device(self.scale, device)[:, None, None, None, None])
        if self.mirror.any():
            chosen = to_device(np.flatnonzero(self.mirror), device)
            positions[chosen] = mirror_image(positions[chosen])
        if self.lost.any():
            lost = to_device(np.ascontiguousarray(self.lost), device)
            positions.masked_fill_(lost[:, None, ..., None], torch.nan)
        return positions

    def of_labs(self, labs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the ids of labs, ``(windows,)``, some of them replaced by "unknown"."""
        return np.where(self.lab_unknown, UNKNOWN, labs)
