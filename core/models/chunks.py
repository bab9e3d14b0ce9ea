"""Apply a model to a whole video in chunks with context on both sides; every frame is predicted once.

Cheaper than the usual half-overlapping windows, which process every frame twice and give the frames at a
window's edge little context, and cheaper than one pass, which cannot be batched
(``tests/bench/bench_inference.py``).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core.models.chunking import Chunk, Chunked, Chunking, alike, even_batches, plan
from core.models.overlap import evaluating

Probabilities = npt.NDArray[np.float32]
FrameReader = Callable[[int, int], Tensor]
Activation = Callable[[Tensor], Tensor]


def suited_to(model: nn.Module, window: int) -> Chunking:
    """Return the chunking for a model: its own, if it defines one, else the default.

    Args:
        model: the model; a method ``chunking(window)`` defines its own chunking.
        window: frames in the windows it was trained on.
    """
    return model.chunking(window) if isinstance(model, Chunked) else Chunking()


def predict_video(
    model: nn.Module,
    inputs: Tensor,
    activation: Activation,
    chunking: Chunking | None = None,
) -> Probabilities:
    """Apply a model to a video whose inputs are in memory: ``(frames, features)`` float32.

    Otherwise as :func:`predict_frames`.
    """
    return predict_frames(
        model, lambda start, stop: inputs[start:stop], len(inputs), activation, chunking
    )


def predict_frames(
    model: nn.Module,
    read: FrameReader,
    frames: int,
    activation: Activation,
    chunking: Chunking | None = None,
) -> Probabilities:
    """Apply a model to a whole video, a batch of chunks at a time.

    Args:
        model: on the device to use; it runs in evaluation mode, and its previous mode is restored.
        read: returns the inputs of the frames from ``start`` to ``stop``, ``(stop − start, features)``
            float32 on any device; called for overlapping pieces, each spanning one batch.
        frames: number of frames of the video.
        activation: from logits to probabilities, along the last axis; it depends on the task.
        chunking: how to cut the video; the number of chunks per batch only affects rounding.

    Returns:
        ``(frames, outputs)`` float32.

    Raises:
        ValueError: there are no frames.
    """
    chunking = chunking or Chunking()
    if frames < 1:
        raise ValueError("a video without frames cannot be predicted")
    device = next(model.parameters()).device
    parts: list[Tensor] = []
    with evaluating(model):
        for batch in _batches(frames, chunking):
            first = batch[0].start
            span = read(first, batch[-1].end).to(device)
            windows = [span[chunk.start - first : chunk.end - first] for chunk in batch]
            with torch.inference_mode():  # not around read, which may keep and reuse its buffers
                answers = activation(model(torch.stack(windows)).float()).cpu()
            parts += [
                answer[chunk.first - chunk.start : chunk.stop - chunk.start]
                for answer, chunk in zip(answers, batch, strict=True)
            ]
    probabilities: Probabilities = torch.cat(parts).numpy()
    return probabilities


def _batches(frames: int, chunking: Chunking) -> Iterator[Sequence[Chunk]]:
    for same in alike(list(plan(frames, chunking))):
        yield from even_batches(same, chunking.batch)
