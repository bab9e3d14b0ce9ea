"""Make batches from rows of prepared videos: positions on the model's timeline, features, labels."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.keypoints import SLOTS_18
from core.features.pair_view import HALO, pair_view
from core.frames.windows import Indices
from core.models.chunking import Chunk
from core.system.device import to_device
from core.tasks.actions.augmentation import Augmentation
from core.tasks.actions.batch import ActionBatch
from core.tasks.actions.pair_rows import AnnotatedVideo, PairRows
from core.tasks.actions.sampling import Windows
from core.tasks.actions.soft_rows import SoftRows
from core.tasks.actions.subjects import Vocabulary, ids_of_rows
from core.tasks.actions.timeline import Floats, nearest_frames, positions_at, timeline_frames

Positions = npt.NDArray[np.float32]


class Positioned(Protocol):
    """Videos whose positions are at hand."""

    @property
    def videos(self) -> Sequence[AnnotatedVideo]:
        """All videos."""
        ...

    def positions_of(self, index: int) -> Positions:
        """Return the positions of one video, ``(frames, mice, keypoints, 2)`` in pixels."""
        ...


class RowReader:
    """Makes batches of windows of rows. It keeps only the map of positions and a few numbers per row.

    Args:
        data: the videos.
        rows: all rows.
        vocabulary: the ids of labs and sexes.
        sexes: video id → the sexes of its mice 1, 2 and so on.
        frames_per_second: frame rate of the model.
        window: frames of a window.
        device: device of the batches.
    """

    def __init__(
        self,
        data: Positioned,
        rows: PairRows,
        vocabulary: Vocabulary,
        sexes: Mapping[str, Sequence[str]],
        frames_per_second: float,
        window: int,
        device: torch.device,
    ) -> None:
        self.rows, self._data, self._device = rows, data, device
        self._rate, self._window = frames_per_second, window
        videos = [data.videos[video] for video in rows.video]
        self.frames = np.array([video.frames for video in videos], np.int64)
        """(rows,) frames of the row's video, at its own rate."""
        self.fps = np.array([video.frames_per_second for video in videos], np.float64)
        self.ratio: Floats = self.fps / frames_per_second
        """(rows,) the video's frame rate divided by the model's."""
        self.timeline = [
            timeline_frames(frames, ratio)
            for frames, ratio in zip(self.frames.tolist(), self.ratio.tolist(), strict=True)
        ]
        """(rows,) frames of the row's video at the model's rate."""
        self._scale = np.array([video.pixels_per_cm or np.nan for video in videos], np.float32)
        self._ids = ids_of_rows(
            vocabulary,
            [video.lab_id for video in videos],
            [sexes.get(video.video_id, ()) for video in videos],
            rows.agent.tolist(),
            rows.target.tolist(),
        )

    def training(
        self, windows: Windows, augmentation: Augmentation, taught: SoftRows | None = None
    ) -> ActionBatch:
        """Return a training batch of some windows, augmented.

        Args:
            windows: their rows and places.
            augmentation: the changes to them. What stretches time also stretches the labels.
            taught: what a teacher says of the rows, if there is one.
        """
        row = windows.row
        places = windows.start[:, None] + windows.step[:, None] * np.arange(self._window)
        inside = (places >= 0) & (places <= self.frames[row, None] - 1)
        read = self._positions(row, windows.start, windows.step)
        inputs = self._inputs(row, augmentation.of_positions(read))
        labs = augmentation.of_labs(self._ids["lab"][row])
        inputs["lab"] = to_device(labs, self._device)
        batch = self._batch(row, inputs, places, inside)
        if taught is not None:
            said = [taught.at(int(one), at) for one, at in zip(row, places, strict=True)]
            batch.teacher = to_device(np.stack(said), self._device)
        return batch

    def validation(self, row: Indices, chunks: Sequence[Chunk]) -> ActionBatch:
        """Return a batch of parts of videos; frames of rows with an untracked mouse do not count.

        Args:
            row: (windows,) the row of each window.
            chunks: (windows,) the part of the row's timeline that each window covers.
        """
        start, _, first, stop = np.array(chunks, np.int64).T[..., None]
        frame = start + np.arange(self._window)
        places = frame * self.ratio[row, None]
        counted = (frame >= first) & (frame < stop) & self.rows.tracked[row, None]
        inputs = self._inputs(row, self._positions(row, places[:, 0], self.ratio[row]))
        batch = self._batch(row, inputs, places, counted)
        batch.row, batch.chunks = row, tuple(chunks)
        return batch

    def _batch(
        self,
        row: Indices,
        inputs: dict[str, Tensor],
        places: Floats,
        counted: npt.NDArray[np.bool_],
    ) -> ActionBatch:
        nearest = nearest_frames(places)
        targets = np.stack(
            [self.rows.labels(int(one), at) for one, at in zip(row, nearest, strict=True)]
        )
        return ActionBatch(
            inputs=inputs,
            targets=to_device(targets, self._device),
            mask=to_device(self.rows.mask[row], self._device),
            weights=to_device(counted.astype(np.float32), self._device),
            examples=int(counted.sum()),
        )

    def _inputs(self, row: Indices, positions: Tensor) -> dict[str, Tensor]:
        is_pair = to_device(self.rows.is_pair[row], self._device)
        return {
            "features": pair_view(positions, is_pair, self._rate),
            "is_pair": is_pair,
            "fps": to_device(self.fps[row].astype(np.float32), self._device),
            **{name: to_device(ids[row], self._device) for name, ids in self._ids.items()},
        }

    def _positions(self, row: Indices, start: Floats, step: Floats) -> Tensor:
        """Return windows with a halo, ``(windows, window + 2 × HALO, 2, 18, 2)`` in cm."""
        length = self._window + 2 * HALO
        read = np.empty((len(row), length, 2, len(SLOTS_18), 2), np.float32)
        offset = np.arange(length) - HALO
        for place, one in enumerate(row.tolist()):
            places = start[place] + step[place] * offset
            video = self._data.positions_of(int(self.rows.video[one]))
            slots = (self.rows.agent_slot[one], self.rows.target_slot[one])
            read[place] = pair_positions(video, slots, places)
        scale = to_device(1 / self._scale[row], self._device)
        return to_device(read, self._device).mul_(scale[:, None, None, None, None])


def pair_positions(positions: Positions, slots: tuple[int, int], places: Floats) -> Positions:
    """Return agent and target at some places of a video, ``(places, 2, keypoints, 2)``.

    Args:
        positions: ``(frames, mice, keypoints, 2)``, NaN where missing.
        slots: slots of agent and target: the same for a mouse alone, below 0 for a mouse that is not tracked.
        places: ``(places,)`` ascending, in frames of the video.

    Returns:
        Positions, NaN where missing; the target of a mouse alone is all NaN.
    """
    agent, target = slots
    out = np.full((len(places), 2, *positions.shape[2:]), np.nan, np.float32)
    if agent >= 0:
        out[:, 0] = positions_at(positions[:, agent], places)
    if target >= 0 and target != agent:
        out[:, 1] = positions_at(positions[:, target], places)
    return out
