"""Changes made to training windows: scale, mirror, missing parts, an unknown lab. Time is the sampler's."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.features.pair_view import POINTS, mirror_image
from core.frames.sampling import Stream, generator
from core.system.device import to_device
from core.tasks.actions.settings import ActionsAugmentationConfig
from core.tasks.actions.subjects import UNKNOWN


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is done to each window of a batch, as columns ``(windows, ...)``."""

    scale: npt.NDArray[np.float32]
    """(windows,) by which lengths are multiplied."""
    mirror: npt.NDArray[np.bool_]
    """(windows,)"""
    lost: npt.NDArray[np.bool_]
    """(windows, 2, 18): points of agent and target that are missing throughout."""
    lab_unknown: npt.NDArray[np.bool_]
    """(windows,)"""

    @classmethod
    def draw(
        cls, config: ActionsAugmentationConfig, seed: int, epoch: int, number: int, count: int
    ) -> Self:
        """Draw for a batch: a function of seed, epoch and number of the batch alone.

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
        """Change positions ``(windows, time, 2, 18, 2)``, in place where that does."""
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
        """Return the ids of labs, ``(windows,)``, with some unknown."""
        return np.where(self.lab_unknown, UNKNOWN, labs)
