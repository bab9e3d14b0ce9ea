"""Cut videos that are longer than the windows a model was trained on."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


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


@runtime_checkable
class Chunked(Protocol):
    """A model that says itself how a video is to be cut for it."""

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
    return Chunking(round_up(1000, step), round_up(reach, step), batch=4, step=step)


def round_up(frames: int, step: int) -> int:
    """Round up to a multiple of ``step``."""
    return -(-frames // step) * step
