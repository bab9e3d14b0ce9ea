"""All frames of a data set as tensors, and windows gathered from them in one operation.

A window may begin before its video or end after it: such frames come back filled, never as those of
the neighbour in the array.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.prepared import PreparedData
from core.frames.windows import Indices
from core.system.device import to_device

PART_FRAMES = 3072
"""Frames of a whole video that are worked on at once: few enough for what is made of them to stay in
the processor's cache, and enough that calling torch costs little beside it."""


@dataclass(frozen=True, slots=True)
class RawWindows:
    """Copies of windows of positions, and what is known of their videos."""

    positions: Tensor
    """(windows, length, mice, keypoints, 2) pixels; NaN where missing, before and after the video."""
    rows: Indices
    """(windows,) row, among all frames of the data, of the first frame; negative before them."""
    lead: Indices
    """(windows,) frames of the window that lie before the video."""
    frames_per_second: npt.NDArray[np.float32]
    """(windows,)"""
    pixels_per_cm: npt.NDArray[np.float32]
    """(windows,) NaN where it is not known."""


@dataclass(frozen=True, slots=True)
class FrameStore:
    """The positions of all videos, one after the other, and what is known of each video."""

    positions: Tensor
    """(total frames, mice, keypoints, 2) float32 in pixels, NaN where missing; mapped or on a device."""
    offsets: Indices
    """(videos,) row of ``positions`` that is a video's frame 0."""
    frames: Indices
    """(videos,)"""
    frames_per_second: npt.NDArray[np.float32]
    """(videos,)"""
    pixels_per_cm: npt.NDArray[np.float32]
    """(videos,) NaN where it is not known."""
    names: tuple[str, ...]
    """(videos,) ids, for errors."""

    @classmethod
    def of_prepared(cls, data: PreparedData) -> Self:
        """Map the positions of a prepared folder."""
        videos = data.videos
        return cls(
            positions=_shared_tensor(data.positions),
            offsets=np.array([video.offset for video in videos], np.int64),
            frames=np.array([video.frames for video in videos], np.int64),
            frames_per_second=np.array([video.frames_per_second for video in videos], np.float32),
            pixels_per_cm=np.array([video.pixels_per_cm or np.nan for video in videos], np.float32),
            names=tuple(video.video_id for video in videos),
        )

    @classmethod
    def of_video(
        cls,
        positions: npt.NDArray[np.float32],
        frames_per_second: float,
        pixels_per_cm: float | None = None,
        name: str = "",
    ) -> Self:
        """Take one video, ``(frames, mice, keypoints, 2)``."""
        return cls(
            positions=_shared_tensor(positions),
            offsets=np.zeros(1, np.int64),
            frames=np.array([len(positions)], np.int64),
            frames_per_second=np.array([frames_per_second], np.float32),
            pixels_per_cm=np.array([pixels_per_cm or np.nan], np.float32),
            names=(name,),
        )

    @property
    def device(self) -> torch.device:
        """Where windows are gathered."""
        return self.positions.device

    def to(self, device: torch.device) -> Self:
        """Return the same with the positions on a device, where they fit there twice over.

        Otherwise they stay where they are, and each batch is copied.
        """
        if device.type != "cuda":
            return self
        free, _ = torch.cuda.mem_get_info(device)
        if 2 * self.positions.nbytes > free:
            return self
        return replace(self, positions=self.positions.to(device))

    def parts(self, video: int) -> Iterator[slice]:
        """Cut a video's frames into parts of at most :data:`PART_FRAMES`."""
        frames = int(self.frames[video])
        for start in range(0, frames, PART_FRAMES):
            yield slice(start, min(start + PART_FRAMES, frames))

    def read(
        self, videos: Indices, starts: Indices, length: int, out: Tensor | None = None
    ) -> RawWindows:
        """Copy windows of positions.

        Args:
            videos: (windows,) which video.
            starts: (windows,) first frame, counted from the video's own; may be negative.
            length: frames in a window.
            out: memory for the positions.
        """
        offsets, frames = self.offsets[videos], self.frames[videos]
        return RawWindows(
            gather_windows(self.positions, offsets, frames, starts, length, torch.nan, out),
            rows=offsets + starts,
            lead=np.maximum(-starts, 0),
            frames_per_second=self.frames_per_second[videos],
            pixels_per_cm=self.pixels_per_cm[videos],
        )


def gather_windows(
    rows: Tensor,
    offsets: Indices,
    frames: Indices,
    starts: Indices,
    length: int,
    fill: float,
    out: Tensor | None = None,
) -> Tensor:
    """Copy windows of consecutive rows: one ``index_select`` over an overlapping view.

    Args:
        rows: ``(total, ...)``, contiguous.
        offsets: (windows,) row of the video's frame 0.
        frames: (windows,) frames of the video.
        starts: (windows,) first frame, counted from the video's own.
        length: rows in a window.
        fill: stands before and after the video.
        out: ``(windows, length, ...)``, contiguous, to write to.

    Returns:
        ``(windows, length, ...)``.
    """
    windows = rows.new_empty((len(starts), length, *rows.shape[1:])) if out is None else out
    places = len(rows) - length + 1
    outside = np.flatnonzero((starts < 0) | (starts + length > frames))
    if places < 1:
        outside = np.arange(len(starts))
    else:
        width = rows[0].numel()
        view = rows.as_strided((places, length * width), (width, 1))
        first = to_device(np.clip(offsets + starts, 0, places - 1), rows.device)
        torch.index_select(view, 0, first, out=windows.view(len(starts), length * width))
    for index in outside.tolist():
        start, offset = int(starts[index]), int(offsets[index])
        lead = min(max(-start, 0), length)
        stop = max(min(int(frames[index]) - start, length), lead)
        windows[index, :lead] = fill
        windows[index, lead:stop] = rows[offset + start + lead : offset + start + stop]
        windows[index, stop:] = fill
    return windows


def _shared_tensor(array: npt.NDArray[np.float32]) -> Tensor:
    """Return a tensor over the same memory. Nothing here writes to it, so a read-only map will do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))
