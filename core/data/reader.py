"""Windows of the index → inputs, targets and weights on the device, without a copy of the data set."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.data.frames import FrameStore, gather_windows
from core.data.sampling import Indices, NoisePool
from core.data.windows import WindowIndex
from core.features.pipeline import FeaturePipeline

BLOCK_BYTES = 1 << 20
"""Positions that are gathered and turned into features together on a CPU: they and what is made of
them stay in the second-level cache, which is twice as fast as a whole batch at once."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise for some windows: the epoch's pool, and where in it theirs begins."""

    pool: NoisePool
    offsets: Indices

    def part(self, rows: slice) -> "Noise":
        """Give the noise of some of the windows."""
        return Noise(self.pool, self.offsets[rows])

    def take(self) -> Tensor:
        """Give it, ``(windows, length, columns)``."""
        return self.pool.take(self.offsets)


class WindowReader:
    """Reads windows of one length.

    Args:
        store: the positions of all videos.
        classes: (total frames,) uint8, on the pipeline's device.
        pipeline: computes the features, on its device.
        length: frames in a window.
    """

    def __init__(
        self, store: FrameStore, classes: Tensor, pipeline: FeaturePipeline, length: int
    ) -> None:
        self._store = store
        self._classes = classes
        self._pipeline = pipeline
        self._length = length
        frame_bytes = store.positions[0].nbytes
        on_cpu = pipeline.device.type == "cpu"
        self._block = max(BLOCK_BYTES // (self.rows * frame_bytes), 1) if on_cpu else 1 << 30

    @property
    def rows(self) -> int:
        """Frames gathered for a window: its own and the context of the features."""
        return self._pipeline.left + self._length + self._pipeline.right

    def buffer(self, windows: int) -> Tensor:
        """Allocate room for the inputs of so many windows."""
        shape = (windows, self._length, self._pipeline.features)
        return torch.empty(shape, device=self._pipeline.device)

    def inputs(self, index: WindowIndex, out: Tensor, noise: Noise | None = None) -> Tensor:
        """Write the features of windows into the first rows of ``out``, and give those rows."""
        windows = len(index)
        for begin in range(0, windows, self._block):
            part = slice(begin, min(begin + self._block, windows))
            self._read(index[part], out[part], None if noise is None else noise.part(part))
        return out[:windows]

    def targets(self, index: WindowIndex) -> Tensor:
        """Give the classes of windows, ``(windows, length)`` int64; 0 past the end of a video."""
        offsets, frames = self._store.offsets[index.video], self._store.frames[index.video]
        windows = gather_windows(self._classes, offsets, frames, index.start, self._length, 0)
        return windows.long()

    def weights(self, index: WindowIndex) -> Tensor:
        """Give ``(windows, length)``: 1 where a frame counts, else 0."""
        return torch.from_numpy(index.weights()).to(self._pipeline.device)

    def _read(self, index: WindowIndex, out: Tensor, noise: Noise | None) -> None:
        first = index.start - self._pipeline.left
        positions = self._store.gather(index.video, first, self.rows).to(self._pipeline.device)
        self._pipeline.transform(
            positions,
            self._store.frames_per_second[index.video],
            self._store.pixels_per_cm[index.video],
            lead=np.maximum(-first, 0),
            noise=None if noise is None else noise.take().view(positions.shape),
            out=out,
        )
