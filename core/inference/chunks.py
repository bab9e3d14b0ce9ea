"""A model over a whole video: chunks with context on both sides, every frame answered once.

Cheaper than the usual half-overlapping windows, which run every frame twice and tell the frames at a
window's edge little of their surroundings, and cheaper than one pass, which cannot be batched
(``tests/bench/bench_inference.py``).
"""

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core.models.hybrid import Hybrid
from core.models.transformer import FrameTransformer
from core.models.unet1d import UNet1D

Probabilities = npt.NDArray[np.float32]
FrameReader = Callable[[int, int], Tensor]


@dataclass(frozen=True, slots=True)
class Chunking:
    """How a video is cut.

    With the defaults the labels of ``conv_bilstm`` agree with one pass over the whole video on every
    frame. A ninth of what is read is context (a fifth with chunks of 400); a recurrent model wants
    many chunks at once: on a CPU, 4 go at 0.6 times the speed of 24.
    """

    frames: int = 800
    """Answered by one chunk."""
    context: int = 50
    """Read on each side of them, at least, where the video has that many."""
    batch: int = 24
    """Chunks in one call of the model, at most."""
    step: int = 1
    """Every chunk starts at a multiple of it, as ``frames`` and ``context`` are."""

    def __post_init__(self) -> None:
        if self.frames < 1 or self.context < 0 or self.batch < 1 or self.step < 1:
            raise ValueError(
                f"{self}: frames, batch and step must be at least 1 and context at least 0"
            )
        if self.frames % self.step or self.context % self.step:
            raise ValueError(f"{self}: frames and context must be multiples of the step")

    @property
    def length(self) -> int:
        """Frames that one chunk reads, where the video has that many."""
        return self.frames + 2 * self.context


class Chunk(NamedTuple):
    """One chunk: it reads the frames from ``start`` to ``end`` and answers ``first`` to ``stop``."""

    start: int
    end: int
    """Exclusive, as is ``stop``."""
    first: int
    stop: int

    @property
    def length(self) -> int:
        """Frames that are read."""
        return self.end - self.start


def suited_to(model: nn.Module, window: int) -> Chunking:
    """Choose the chunks for a model.

    A model that sees a known number of frames either side gets exactly those as context. A
    transformer only knows positions inside its training windows, so it is given chunks of their length.

    Args:
        model: from ``build_model``.
        window: frames in the windows it was trained on.
    """
    if isinstance(model, FrameTransformer):
        context = window // 4
        return Chunking(window - 2 * context, context, batch=max(1, 4096 // window))
    if isinstance(model, Hybrid):  # its points are many times as wide as their frames
        return Chunking(batch=8)
    reach = getattr(model, "reach", None)
    if not isinstance(reach, int):
        return Chunking()
    if isinstance(model, UNet1D):  # in one pass, its coarsest level too would step from there
        step = model.coarsest
        return Chunking(_up(1000, step), context=_up(reach, step), batch=4, step=step)
    return Chunking(frames=1000, context=reach, batch=4)


def plan(frames: int, chunking: Chunking) -> Iterator[Chunk]:
    """Cut a video into chunks of one length, those at its ends shifted inwards.

    Their kept parts cover every frame exactly once; a video no longer than a chunk is one chunk. Those
    at its end are shorter by less than a step where the video's length is not a multiple of one.
    """
    if frames <= chunking.length:
        yield Chunk(0, frames, 0, frames)
        return
    last_start = _up(frames - chunking.length, chunking.step)
    for first in range(0, frames, chunking.frames):
        start = min(max(first - chunking.context, 0), last_start)
        end = min(start + chunking.length, frames)
        yield Chunk(start, end, first, min(first + chunking.frames, frames))


def _up(frames: int, step: int) -> int:
    """Round up to a multiple of ``step``."""
    return -(-frames // step) * step


def softmax(logits: Tensor) -> Tensor:
    """Probabilities of classes that exclude one another."""
    return torch.softmax(logits, dim=-1)


def predict_video(
    model: nn.Module,
    inputs: Tensor,
    chunking: Chunking | None = None,
    activation: Callable[[Tensor], Tensor] = softmax,
) -> Probabilities:
    """Apply a model to a video whose inputs are all there: ``(frames, features)`` float32.

    Otherwise as :func:`predict_frames`.
    """
    return predict_frames(
        model, lambda start, stop: inputs[start:stop], len(inputs), chunking, activation
    )


def predict_frames(
    model: nn.Module,
    read: FrameReader,
    frames: int,
    chunking: Chunking | None = None,
    activation: Callable[[Tensor], Tensor] = softmax,
) -> Probabilities:
    """Apply a model to a whole video, a batch of chunks at a time.

    Args:
        model: on the device to use; evaluated, and left in the mode it was in.
        read: gives the inputs of the frames from ``start`` to ``stop``, ``(stop − start, features)``
            float32 on any device; asked for overlapping pieces, each the span of one batch.
        frames: of the video.
        chunking: how to cut it; how many chunks go together changes nothing but rounding.
        activation: from logits to probabilities, along the last axis.

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
    with _evaluating(model):
        for batch in _batches(list(plan(frames, chunking)), chunking.batch):
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


def _batches(chunks: list[Chunk], most: int) -> Iterator[list[Chunk]]:
    """Deal out chunks of one length in batches of nearly one size: a small rest would cost nearly as much."""
    for _, alike in itertools.groupby(chunks, key=lambda chunk: chunk.length):
        same = list(alike)
        size = math.ceil(len(same) / math.ceil(len(same) / most))
        for first in range(0, len(same), size):
            yield same[first : first + size]


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
