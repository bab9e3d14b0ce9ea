"""What is random about an epoch, each number a function of seed, epoch and place alone.

The generators are counter-based (Philox; Salmon et al. 2011), one for each purpose, so that a batch is
the same whether the epoch was begun at its start or resumed in its middle, and whatever else is
switched on. Noise alone, a million numbers an epoch, is torch's own, seeded by them.
"""

import enum
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.frames.balance import Shares, draw_windows
from core.frames.store import gather_windows
from core.frames.windows import Indices
from core.system.threads import one_thread

POOL_ROWS = 8192
"""Frames of noise drawn for an epoch, used again for every so many frames of the data. Drawing fresh
noise for every batch takes ten times as long as gathering the batch."""


class Stream(enum.IntEnum):
    """A purpose that random numbers are drawn for. The numbers are part of what a seed means."""

    ORDER = 0
    JITTER = 1
    NOISE = 2
    MIXUP_SHARE = 3
    MIXUP_PARTNER = 4
    BALANCE = 5
    PHASE = 6
    PLACE = 7
    AUGMENT = 8
    PSEUDO = 9


def generator(seed: int, epoch: int, stream: Stream, batch: int = 0) -> np.random.Generator:
    """Return the generator of one purpose."""
    sequence = np.random.SeedSequence((seed, epoch, stream, batch))
    return np.random.Generator(np.random.Philox(sequence))


def random_phases(seed: int, epoch: int, videos: int, stride: int) -> Indices:
    """Draw how far the windows of each video move in an epoch, ``(videos,)`` from 1 to ``stride``."""
    return generator(seed, epoch, Stream.PHASE).integers(1, stride, videos, endpoint=True)


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """The order of an epoch's windows and what is done to each, by position in that order."""

    seed: int
    epoch: int
    order: Indices
    """(windows,) a permutation; with balanced sampling some windows several times, others not."""
    jitter: Indices
    """(windows,) frames to move the window in that position."""

    @classmethod
    def draw(
        cls,
        seed: int,
        epoch: int,
        windows: int,
        jitter_frames: int,
        shares: Shares | None = None,
    ) -> "EpochPlan":
        """Draw the plan of an epoch.

        Args:
            seed: of the run.
            epoch: which.
            windows: number of windows.
            jitter_frames: how far a window may be moved, either way.
            shares: (windows,) of the draws that each window gets; none takes each once.
        """
        order = generator(seed, epoch, Stream.ORDER).permutation(windows)
        if shares is not None:
            order = draw_windows(order, shares, generator(seed, epoch, Stream.BALANCE))
        jitter = generator(seed, epoch, Stream.JITTER)
        moved = jitter.integers(-jitter_frames, jitter_frames, windows, endpoint=True)
        return cls(seed, epoch, order, moved)

    def mixup(self, batch: int, windows: int, alpha: float) -> tuple[Indices, float]:
        """Draw whom each window of a batch is mixed with, and the share it keeps (Zhang et al. 2018)."""
        share = generator(self.seed, self.epoch, Stream.MIXUP_SHARE, batch).beta(alpha, alpha)
        partner = generator(self.seed, self.epoch, Stream.MIXUP_PARTNER, batch)
        return partner.permutation(windows), float(share)


class NoisePool:
    """Gaussian noise for the positions of an epoch: every frame has its own, in whatever window it is.

    Args:
        seed: of the run.
        epoch: each has its own pool.
        std: (columns,) standard deviation of each position value; its device is the noise's.
    """

    def __init__(self, seed: int, epoch: int, std: Tensor) -> None:
        # Three times as fast as NumPy's.
        number = int(generator(seed, epoch, Stream.NOISE).integers(2**63))
        values = torch.randn(POOL_ROWS, len(std), generator=torch.Generator().manual_seed(number))
        with one_thread():
            self._rows = values.to(std.device).mul_(std)
        self._wrapped = self._rows

    @property
    def rows(self) -> Tensor:
        """``(POOL_ROWS, columns)``: for frame i, among all frames of the data, row i modulo their number."""
        return self._rows

    def take(self, first: Indices, length: int, out: Tensor | None = None) -> Tensor:
        """Return the noise of windows, ``(windows, length, columns)``.

        Args:
            first: (windows,) row, among all frames of the data, at which each begins.
            length: rows in a window.
            out: memory for it, where several are brought together.
        """
        if len(self._wrapped) < POOL_ROWS + length:
            times = 2 + length // POOL_ROWS
            self._wrapped = self._rows.repeat(times, 1)[: POOL_ROWS + length]
        start = first % POOL_ROWS
        if len(start) == 1:  # nothing to bring together
            return self._wrapped[None, int(start[0]) : int(start[0]) + length]
        total = np.full_like(start, len(self._wrapped))
        return gather_windows(self._wrapped, np.zeros_like(start), total, start, length, 0.0, out)
