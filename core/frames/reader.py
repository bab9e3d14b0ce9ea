"""Windows of the index → inputs, targets and weights on the device, without a copy of the data set."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from core.features.pipeline import FeaturePipeline
from core.frames.sampling import NoisePool
from core.frames.store import FrameStore, gather_windows
from core.frames.windows import WindowIndex
from core.system.threads import each, finish, one_thread

BLOCK_BYTES = 1 << 19
"""Positions that are gathered and turned into features together on a CPU: they and what is made of
them stay in its second-level cache, which is twice as fast as a whole batch at once."""

PIECES = 4
"""For each thread of the compiled pass, which keeps to the cache by itself: one that other work on the
machine holds up is waited for no longer than a piece takes."""

CACHE_BYTES = 1 << 30
"""Features of the training frames are kept, for an epoch, where they take no more than this."""


class FeatureReader(Protocol):
    """Reads the standardised features of windows."""

    def begin(self, noise: NoisePool | None) -> None:
        """Start a pass, in which the positions have this noise."""
        ...

    def read(self, index: WindowIndex, out: Tensor) -> None:
        """Write the features of windows to ``(windows, length, features)``."""
        ...


class ComputedFeatures:
    """Computes the features of each window when it is read."""

    def __init__(self, store: FrameStore, pipeline: FeaturePipeline) -> None:
        self._store, self._pipeline = store, pipeline
        self._noise: NoisePool | None = None

    def begin(self, noise: NoisePool | None) -> None:
        """Start a pass, in which the positions have this noise."""
        self._noise = noise

    def read(self, index: WindowIndex, out: Tensor) -> None:
        """Write the features of windows to ``(windows, length, features)``."""
        block = self._block(index.length, len(index))

        def one(begin: int) -> None:
            part = index[begin : begin + block]
            to = out[begin : begin + block]
            self._pipeline.compute(self._store, part.video, part.start, to, self._noise)

        finish(each(one, range(0, len(index), block), self._pipeline.device))

    def _block(self, length: int, count: int) -> int:
        if self._pipeline.device.type != "cpu":
            return 1 << 30
        if self._pipeline.compiled:
            return max(count // (PIECES * torch.get_num_threads()), 1)
        rows = self._pipeline.left + length + self._pipeline.right
        return max(BLOCK_BYTES // (rows * self._store.positions[0].nbytes), 1)


class CachedFeatures:
    """Computes the features of every frame once a pass, and copies windows of them.

    Gives what :class:`ComputedFeatures` gives. Windows overlap, so this computes a few times less, and
    nothing at all in later passes where there is no noise.
    """

    def __init__(self, store: FrameStore, pipeline: FeaturePipeline, videos: Sequence[int]) -> None:
        self._store, self._pipeline, self._videos = store, pipeline, videos
        self._offsets = np.zeros(len(store.frames), np.int64)
        frames = store.frames[list(videos)]
        self._offsets[list(videos)] = np.cumsum(frames) - frames
        shape = (int(frames.sum()), pipeline.features)
        self._features = torch.empty(shape, device=pipeline.device)
        self._clean = False

    def begin(self, noise: NoisePool | None) -> None:
        """Start a pass, in which the positions have this noise."""
        if noise is None and self._clean:
            return
        self._pipeline.write(self._store, self._parts(), noise)
        self._clean = noise is None

    def read(self, index: WindowIndex, out: Tensor) -> None:
        """Write the features of windows to ``(windows, length, features)``."""
        device = self._features.device
        block = -(-len(index) // torch.get_num_threads()) if device.type == "cpu" else len(index)

        def one(begin: int) -> None:
            part = index[begin : begin + block]
            offsets, frames = self._offsets[part.video], self._store.frames[part.video]
            target = out[begin : begin + block]
            gather_windows(self._features, offsets, frames, part.start, part.length, 0.0, target)

        finish(each(one, range(0, len(index), block), device))

    def _parts(self) -> Iterator[tuple[int, slice, Tensor]]:
        for video in self._videos:
            first = int(self._offsets[video])
            for part in self._store.parts(video):
                yield video, part, self._features[first + part.start : first + part.stop]


def training_features(
    store: FrameStore, pipeline: FeaturePipeline, videos: Sequence[int]
) -> FeatureReader:
    """Choose how the windows of some videos are read: from a cache where it is small enough."""
    frames = int(store.frames[list(videos)].sum())
    if frames * pipeline.features * 4 <= CACHE_BYTES:
        return CachedFeatures(store, pipeline, videos)
    return ComputedFeatures(store, pipeline)


def read_targets(store: FrameStore, classes: Tensor, index: WindowIndex) -> Tensor:
    """Return the classes of windows, ``(windows, length)`` int64; 0 past the end of a video.

    Args:
        store: knows where the videos are.
        classes: (total frames,) uint8.
        index: the windows.
    """
    offsets, frames = store.offsets[index.video], store.frames[index.video]
    with one_thread():
        return gather_windows(classes, offsets, frames, index.start, index.length, 0).long()
