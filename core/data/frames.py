"""All frames of a data set as tensors, and windows gathered from them in one operation.

A window may begin before its video or end after it: such frames come back filled, never as those of
the neighbour in the array.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.prepared import PreparedData

Indices = npt.NDArray[np.int64]


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
    def of_prepared(cls, data: PreparedData, nominal_fps: float) -> Self:
        """Map the positions of a prepared folder; a video that states no rate gets the nominal one."""
        videos = data.videos
        return cls(
            positions=_shared_tensor(data.positions),
            offsets=np.array([video.offset for video in videos], np.int64),
            frames=np.array([video.frames for video in videos], np.int64),
            frames_per_second=np.array(
                [video.frames_per_second or nominal_fps for video in videos], np.float32
            ),
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
        """Give the same with the positions on a device, where they fit there twice over.

        Otherwise they stay where they are, and each batch is copied.
        """
        if device.type != "cuda":
            return self
        free, _ = torch.cuda.mem_get_info(device)
        if 2 * self.positions.nbytes > free:
            return self
        return replace(self, positions=self.positions.to(device))

    def gather(self, videos: Indices, starts: Indices, length: int) -> Tensor:
        """Copy windows of positions.

        Args:
            videos: (windows,) which video.
            starts: (windows,) first frame, counted from the video's own; may be negative.
            length: frames in a window.

        Returns:
            ``(windows, length, mice, keypoints, 2)``, NaN before and after the video.
        """
        offsets, frames = self.offsets[videos], self.frames[videos]
        return gather_windows(self.positions, offsets, frames, starts, length, torch.nan)


def gather_windows(
    rows: Tensor, offsets: Indices, frames: Indices, starts: Indices, length: int, fill: float
) -> Tensor:
    """Copy windows of consecutive rows: one ``index_select`` over an overlapping view.

    Args:
        rows: ``(total, ...)``, contiguous.
        offsets: (windows,) row of the video's frame 0.
        frames: (windows,) frames of the video.
        starts: (windows,) first frame, counted from the video's own.
        length: rows in a window.
        fill: stands before and after the video.

    Returns:
        ``(windows, length, ...)``.
    """
    shape = (len(starts), length, *rows.shape[1:])
    places = len(rows) - length + 1
    if places < 1:
        windows = rows.new_empty(shape)
        outside: Sequence[int] = range(len(starts))
    else:
        width = rows[0].numel()
        view = rows.as_strided((places, length * width), (width, 1))
        first = np.clip(offsets + starts, 0, places - 1)
        windows = view.index_select(0, torch.from_numpy(first).to(rows.device)).view(shape)
        outside = np.flatnonzero((starts < 0) | (starts + length > frames)).tolist()
    for index in outside:
        start, offset = int(starts[index]), int(offsets[index])
        lead = min(max(-start, 0), length)
        stop = max(min(int(frames[index]) - start, length), lead)
        windows[index, :lead] = fill
        windows[index, lead:stop] = rows[offset + start + lead : offset + start + stop]
        windows[index, stop:] = fill
    return windows


def _shared_tensor(array: npt.NDArray[np.float32]) -> Tensor:
    """Give a tensor over the same memory. Nothing here writes to it, so a read-only map will do."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))
