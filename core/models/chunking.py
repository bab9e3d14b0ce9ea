"""Cut videos that are longer than the windows a model was trained on."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item")
BATCH = 24


@dataclass(frozen=True, slots=True)
class Chunking:
    """Lengths by which a video is cut into chunks.

    With the defaults the labels of ``conv_bilstm`` agree with one pass over the whole video on every
    frame. A ninth of what is read is context (a fifth with chunks of 400); a recurrent model wants
    many chunks at once: on a CPU, 4 go at 0.6 times the speed of 24.
    """

    frames: int = 800
    """Answered by one chunk."""
    context: int = 50
    """Read on each side of them, at least, where the video has that many."""
    batch: int = BATCH
    """Chunks in one call of the model, at most."""
    step: int = 1
    """Every chunk starts at a multiple of it, as ``frames``, ``context`` and ``shift`` are."""
    shift: int = 0
    """If above 0, answered by the first chunk instead of ``frames``; this moves the borders of all chunks."""
    exact: bool = False
    """Whether every answer sees all the frames it depends on, so that moving the borders changes nothing."""

    def __post_init__(self) -> None:
        if self.frames < 1 or self.context < 0 or self.batch < 1 or self.step < 1:
            raise ValueError(
                f"{self}: frames, batch and step must be at least 1 and context at least 0"
            )
        if not 0 <= self.shift < self.frames:
            raise ValueError(f"{self}: the shift must be at least 0 and below frames")
        if self.frames % self.step or self.context % self.step or self.shift % self.step:
            raise ValueError(f"{self}: frames, context and shift must be multiples of the step")

    @property
    def length(self) -> int:
        """Frames that one chunk reads, where the video has that many."""
        return self.frames + 2 * self.context

    def shifted(self, share: float) -> "Chunking":
        """Return the same chunks moved by a share of the frames that one chunk answers.

        Averaging over the shares 0, 1/n, … averages over windows that overlap n times, without their edges.
        """
        shift = int(share * self.frames) // self.step * self.step
        return replace(self, shift=shift % self.frames)


class Chunk(NamedTuple):
    """One chunk: it reads the frames from ``start`` to ``end`` and answers ``first`` to ``stop``."""

    start: int
    end: int
    """Exclusive, as is ``stop``."""
    first: int
    stop: int

    @property
    def length(self) -> int:
        """Number of frames read."""
        return self.end - self.start


def plan(frames: int, chunking: Chunking) -> Iterator[Chunk]:
    """Cut a video into chunks of one length, with those at its ends shifted inwards.

    Their kept parts cover every frame exactly once; a video no longer than a chunk is one chunk. The last
    chunks are shorter by less than a ``step`` if the length of the video is not a multiple of it.
    """
    if frames <= chunking.length:
        yield Chunk(0, frames, 0, frames)
        return
    last_start = round_up(frames - chunking.length, chunking.step)
    begin = chunking.shift - chunking.frames if chunking.shift else 0
    for first in range(begin, frames, chunking.frames):
        start = min(max(first - chunking.context, 0), last_start)
        end = min(start + chunking.length, frames)
        yield Chunk(start, end, max(first, 0), min(first + chunking.frames, frames))


def even_batches(items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    """Divide into batches of nearly equal size: a small rest costs nearly as much as a full batch."""
    if not items:
        return
    size = math.ceil(len(items) / math.ceil(len(items) / most))
    for first in range(0, len(items), size):
        yield items[first : first + size]


def alike(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Divide chunks into runs of one length."""
    for _, same in itertools.groupby(chunks, key=lambda chunk: chunk.length):
        yield list(same)


@runtime_checkable
class Chunked(Protocol):
    """A model that defines how a video is cut for it."""

    def chunking(self, window: int) -> Chunking:
        """Choose chunks.

        Args:
            window: frames in the windows it was trained on.
        """
        ...


def within_reach(reach: int, step: int = 1) -> Chunking:
    """Return chunks for a model whose outputs depend on a known number of frames either side.

    With these as context, it answers as it would in one pass over the whole video.

    Args:
        reach: frames on either side that an output depends on, at most.
        step: chunks start at a multiple of it, as one pass would.
    """
    return Chunking(round_up(1000, step), round_up(reach, step), batch=4, step=step, exact=True)


def like_training(window: int, batch: int = BATCH) -> Chunking:
    """Return chunks as long as the windows of the training, with an eighth dropped at either end.

    Args:
        window: frames in the windows that the model was trained on.
        batch: chunks in one call of the model, at most.
    """
    context = window // 8
    return Chunking(max(1, window - 2 * context), context, batch=batch)


def round_up(frames: int, step: int) -> int:
    """Round up to a multiple of ``step``."""
    return -(-frames // step) * step
