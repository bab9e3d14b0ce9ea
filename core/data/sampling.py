"""What is random about an epoch, each number a function of seed, epoch and place alone.

The generators are counter-based (Philox; Salmon et al. 2011), one for each purpose, so that a batch is
the same whether the epoch was begun at its start or resumed in its middle, and whatever else is
switched on.
"""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.frames import gather_windows

Indices = npt.NDArray[np.int64]

POOL_ROWS = 8192
"""Frames of noise drawn for an epoch. Windows take theirs from random places in them: drawing fresh
noise for every batch takes ten times as long as gathering it."""


class Stream(enum.IntEnum):
    """A purpose that random numbers are drawn for. The numbers are part of what a seed means."""

    ORDER = 0
    JITTER = 1
    NOISE = 2
    NOISE_OFFSET = 3
    MIXUP_SHARE = 4
    MIXUP_PARTNER = 5


def generator(seed: int, epoch: int, stream: Stream, batch: int = 0) -> np.random.Generator:
    """Give the generator of one purpose."""
    sequence = np.random.SeedSequence((seed, epoch, stream, batch))
    return np.random.Generator(np.random.Philox(sequence))


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """The order of an epoch's windows and what is done to each, by position in that order."""

    seed: int
    epoch: int
    order: Indices
    """(windows,) a permutation."""
    jitter: Indices
    """(windows,) frames to move the window in that position."""
    noise_offset: Indices
    """(windows,) row of the noise pool at which its noise begins."""

    @classmethod
    def draw(cls, seed: int, epoch: int, windows: int, jitter_frames: int) -> "EpochPlan":
        """Draw the plan of an epoch."""
        jitter = generator(seed, epoch, Stream.JITTER)
        offset = generator(seed, epoch, Stream.NOISE_OFFSET)
        return cls(
            seed,
            epoch,
            generator(seed, epoch, Stream.ORDER).permutation(windows),
            jitter.integers(-jitter_frames, jitter_frames, windows, endpoint=True),
            offset.integers(0, POOL_ROWS, windows),
        )

    def mixup(self, batch: int, windows: int, alpha: float) -> tuple[Indices, float]:
        """Draw whom each window of a batch is mixed with, and the share it keeps (Zhang et al. 2018)."""
        share = generator(self.seed, self.epoch, Stream.MIXUP_SHARE, batch).beta(alpha, alpha)
        partner = generator(self.seed, self.epoch, Stream.MIXUP_PARTNER, batch)
        return partner.permutation(windows), float(share)


class NoisePool:
    """Gaussian noise for the positions of an epoch's windows.

    Args:
        seed: of the run.
        epoch: each has its own pool.
        std: (columns,) standard deviation of each position value; its device is the noise's.
        length: frames in a window, context included.
    """

    def __init__(self, seed: int, epoch: int, std: Tensor, length: int) -> None:
        shape = (POOL_ROWS + length - 1, len(std))
        values = generator(seed, epoch, Stream.NOISE).standard_normal(shape, np.float32)
        self._rows = torch.from_numpy(values).to(std.device).mul_(std)
        self._length = length

    def take(self, offsets: Indices) -> Tensor:
        """Give the noise of some windows, ``(windows, length, columns)``."""
        nowhere = np.zeros_like(offsets)
        total = np.full_like(offsets, len(self._rows))
        return gather_windows(self._rows, nowhere, total, offsets, self._length, 0.0)
