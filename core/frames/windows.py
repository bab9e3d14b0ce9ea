"""Windows as an index: which video, from which frame, and which of its frames count."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WindowIndex:
    """Windows of one length, as columns ``(windows,)``."""

    length: int
    """Frames in a window."""
    video: Indices
    """Index of the video."""
    start: Indices
    """First frame, counted from the video's own."""
    first: Indices
    """First frame that counts, counted from the window's own."""
    stop: Indices
    """End of the frames that count, counted from the window's own; exclusive."""

    def __len__(self) -> int:
        return len(self.start)

    @property
    def frames(self) -> int:
        """Frames that count, over all windows."""
        return int((self.stop - self.first).sum())

    def __getitem__(self, rows: slice | Indices) -> Self:
        return type(self)(
            self.length, self.video[rows], self.start[rows], self.first[rows], self.stop[rows]
        )

    def moved(self, frames_of: Indices, by: Indices) -> Self:
        """Return the windows moved by some frames each, as far as their videos reach.

        Args:
            frames_of: (videos,) frames of every video.
            by: (windows,) frames to move, either way.
        """
        latest = np.maximum(frames_of[self.video] - self.length, 0)
        start = np.clip(self.start + by, 0, latest)
        return type(self)(self.length, self.video, start, self.first, self.stop)

    def weights(self) -> npt.NDArray[np.float32]:
        """Return ``(windows, length)``: 1 where a frame counts, else 0."""
        frame = np.arange(self.length)
        counted = (frame >= self.first[:, None]) & (frame < self.stop[:, None])
        return counted.astype(np.float32)


def training_windows(
    videos: Sequence[int], frames_of: Indices, length: int, stride: int
) -> WindowIndex:
    """Cut windows every ``stride`` frames; a last one ends with the video, so that its tail is seen.

    A video shorter than a window is one window, whose frames past the end do not count.
    """

    def starts(frames: int) -> Iterator[tuple[int, int, int]]:
        last = max(frames - length, 0)
        for start in (*range(0, last, stride), last):
            yield start, 0, min(length, frames)

    return _index(length, ((video, starts(int(frames_of[video]))) for video in videos))


def phased_windows(
    videos: Sequence[int], frames_of: Indices, length: int, stride: int
) -> WindowIndex:
    """Cut windows every ``stride`` frames that are to be moved by 1 to ``stride`` frames together.

    ``WindowIndex.moved`` by such a phase leaves the first and last of a video inside it, where they
    overlap their neighbours; the others keep their distance, and whatever the phase, all frames are
    covered if ``stride`` ≤ ``length``. The number of windows does not depend on the phase: one for a
    video of up to ``length`` frames, else ``ceil((frames − length) / stride) + 2``. The first begins
    before the video until it is moved.
    """

    def starts(frames: int) -> Iterator[tuple[int, int, int]]:
        if frames <= length:
            yield 0, 0, frames
            return
        for start in range(-stride, frames - length + stride, stride):
            yield start, 0, length

    return _index(length, ((video, starts(int(frames_of[video]))) for video in videos))


def validation_windows(videos: Sequence[int], frames_of: Indices, length: int) -> WindowIndex:
    """Cut windows in which every frame counts exactly once.

    They follow one another; the last ends with the video, and what it repeats does not count again.
    """

    def starts(frames: int) -> Iterator[tuple[int, int, int]]:
        for first in range(0, frames, length):
            start = min(first, max(frames - length, 0))
            yield start, first - start, min(length, frames - start)

    return _index(length, ((video, starts(int(frames_of[video]))) for video in videos))


def _index(length: int, cut: Iterable[tuple[int, Iterator[tuple[int, int, int]]]]) -> WindowIndex:
    columns = [
        np.array([(video, *window) for window in windows], np.int64).reshape(-1, 4)
        for video, windows in cut
    ]
    video, start, first, stop = np.concatenate([np.empty((0, 4), np.int64), *columns]).T.copy()
    return WindowIndex(length, video, start, first, stop)
