"""Batches of windows whose targets are probabilities, and where they come among an epoch's batches."""

import numpy as np
import torch
from torch import Tensor

from core.features.pipeline import FeaturePipeline
from core.frames.batch import FrameBatch
from core.frames.reader import ComputedFeatures
from core.frames.sampling import Stream, generator
from core.frames.store import gather_windows
from core.frames.windows import Indices, training_windows
from core.system.device import to_device
from core.tasks.behaviour.pseudo_labels import PseudoLabels
from core.tasks.pseudo_labels import EvenlySpread


class SoftBatches:
    """Draws batches from predicted videos.

    Args:
        labels: the videos.
        pipeline: the features that the task learns from.
        window: frames of a window.
        stride: frames between the starts of two windows.
        size: windows of a batch.
        hard: batches of labelled windows in an epoch.
        share: share of all batches that are of predicted videos, above 0 and below 1.
    """

    def __init__(
        self,
        labels: PseudoLabels,
        pipeline: FeaturePipeline,
        window: int,
        stride: int,
        size: int,
        hard: int,
        share: float,
    ) -> None:
        self._labels, self._size = labels, size
        frames = labels.store.frames
        self._windows = training_windows(range(len(frames)), frames, window, stride)
        self._features = ComputedFeatures(labels.store, pipeline)
        self.spread = EvenlySpread.of(hard, share)

    def order(self, seed: int, epoch: int) -> Indices:
        """Draw the windows of an epoch: all once before any comes twice."""
        windows = len(self._windows)
        wanted = self.spread.count * self._size
        draw = generator(seed, epoch, Stream.PSEUDO)
        rounds = [draw.permutation(windows) for _ in range(-(-wanted // windows))]
        return np.concatenate(rounds)[:wanted]

    def batch(
        self, order: Indices, number: int, inputs: Tensor, device: torch.device
    ) -> FrameBatch:
        """Return one batch.

        Args:
            order: from :meth:`order`.
            number: among the batches of predicted videos.
            inputs: memory for ``(size, window, features)``.
            device: where the batch is to be.
        """
        index = self._windows[order[number * self._size : (number + 1) * self._size]]
        inputs = inputs[: len(index)]
        self._features.read(index, inputs)
        store = self._labels.store
        soft = gather_windows(
            self._labels.probabilities,
            store.offsets[index.video],
            store.frames[index.video],
            index.start,
            index.length,
            0.0,
        ).to(device)
        return FrameBatch(
            inputs=inputs,
            targets=soft.argmax(dim=-1),
            weights=to_device(index.weights(), device),
            examples=index.frames,
            soft=soft,
        )
