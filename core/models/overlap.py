"""Apply a model of windows to all rows of a whole video: windows overlap, and their edges are dropped.

A row is anything that the model answers for separately, such as an ordered pair. Besides the answers, only
the windows of one batch are in memory at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core.models.chunking import Chunk, Chunking, alike, even_batches, plan
from core.system.progress import Progress
from core.system.tree import Tree, tree_map

Numbers = npt.NDArray[np.int64]
WindowReader = Callable[[Numbers, Numbers, int], Tree]
"""Takes the windows' rows ``(windows,)``, their first frames ``(windows,)`` and their length; returns a
model's inputs. Windows never extend beyond the video."""


def predict_rows(
    model: nn.Module,
    read: WindowReader,
    rows: int,
    frames: int,
    activation: Callable[[Tensor], Tensor],
    chunking: Chunking,
    progress: Progress | None = None,
) -> npt.NDArray[np.float32]:
    """Answer every frame of every row once.

    Windows of several rows go through the model together, at most ``chunking.batch`` of them. A video shorter
    than a window is one window of its own length. To average over overlapping windows, take the mean over
    shifted chunks (:mod:`core.models.views`).

    Args:
        model: on the device to use; it runs in evaluation mode, and its previous mode is restored.
        read: returns inputs on any device.
        rows: number of rows.
        frames: frames of the video, at the model's frame rate.
        activation: from logits to probabilities.
        chunking: how to cut the video, such as ``model.chunking(window)``.
        progress: called with (done, total, what) before each batch and at the end; windows are counted.

    Returns:
        ``(rows, frames, outputs)``.

    Raises:
        ValueError: there are no rows or no frames.
    """
    if rows < 1 or frames < 1:
        raise ValueError(f"{rows} rows of {frames} frames: there is nothing to predict")
    device = next(model.parameters()).device
    answers: npt.NDArray[np.float32] | None = None
    done, total = 0, rows * sum(1 for _ in plan(frames, chunking))
    with evaluating(model):
        for batch in _batches(rows, frames, chunking):
            if progress is not None:
                progress(done, total, "windows")
            numbers = np.array([row for row, _ in batch], np.int64)
            starts = np.array([chunk.start for _, chunk in batch], np.int64)
            inputs = tree_map(lambda t: t.to(device), read(numbers, starts, batch[0][1].length))
            with torch.inference_mode():  # not around read, which may keep and reuse its buffers
                answer = activation(model(inputs).float()).cpu().numpy()
            if answers is None:
                answers = np.empty((rows, frames, answer.shape[-1]), np.float32)
            for window, (row, chunk) in zip(answer, batch, strict=True):
                kept = window[chunk.first - chunk.start : chunk.stop - chunk.start]
                answers[row, chunk.first : chunk.stop] = kept
            done += len(batch)
    if progress is not None:
        progress(total, total, "windows")
    assert answers is not None  # there is at least one batch
    return answers


def _batches(rows: int, frames: int, chunking: Chunking) -> Iterator[list[tuple[int, Chunk]]]:
    """Yield batches of windows; all windows of a batch have the same length."""
    for same in alike(list(plan(frames, chunking))):
        windows = [(row, chunk) for row in range(rows) for chunk in same]
        yield from map(list, even_batches(windows, chunking.batch))


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Keep a model in evaluation mode, and restore its mode at the end."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
