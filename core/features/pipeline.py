"""From raw positions to what a model is given: one object for training, validation and prediction.

It is built from the feature settings and the statistics of the training split, goes into the
checkpoint, and comes out of it again. Windows with enough frames of context and whole videos give the
same features.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.data.frames import FrameStore, Indices
from core.errors import DataError
from core.experiment import FeatureConfig
from core.features import motion
from core.features.gaps import interpolate
from core.features.standardise import FeatureStatistics, RunningMoments

CHUNK_FRAMES = 2048
"""Frames of a whole video that go through at once: a few megabytes of intermediate results."""


class Raw(NamedTuple):
    """A block before standardising: its values are ``unit × values``, NaN where missing."""

    name: str
    values: Tensor
    """(windows, time, columns)"""
    unit: Tensor | None = None
    """(windows, 1, 1); none is 1."""


class FeaturePipeline:
    """Maps windows of raw positions to standardised features.

    Args:
        config: which blocks, in which order.
        mice: mouse slots.
        keypoints: keypoint slots of each mouse.
        statistics: of the training split; none leaves features as they are.
        position_std: (mice × keypoints × 2,) spread of the positions in the unit of the features, by
            which noise is scaled; none takes it from the coordinates' statistics, if they are features.
    """

    def __init__(
        self,
        config: FeatureConfig,
        mice: int,
        keypoints: int,
        statistics: FeatureStatistics | None = None,
        position_std: Tensor | None = None,
    ) -> None:
        self.config = config
        self.mice, self.keypoints = mice, keypoints
        self.blocks = _blocks(config, mice * keypoints)
        self.features = max(block.stop for block in self.blocks.values())
        self.statistics = statistics or FeatureStatistics.identity(self.features)
        if position_std is None and "coordinates" in self.blocks:
            position_std = self.statistics.std[self.blocks["coordinates"]]
        elif position_std is None:
            position_std = torch.ones(mice * keypoints * 2)
        self.position_std = position_std
        self._inverse_std = 1 / self.statistics.std
        self._bias = -self.statistics.mean * self._inverse_std

    @classmethod
    def fit(
        cls,
        config: FeatureConfig,
        store: FrameStore,
        videos: Sequence[int],
        device: torch.device | None = None,
    ) -> Self:
        """Build a pipeline with the statistics of some videos (the training split's).

        Raises:
            DataError: ``units`` is cm and a video has no scale.
        """
        _, mice, keypoints, _ = store.positions.shape
        require_scale(config, store, videos)
        device = device or store.device
        position_std = None
        if "coordinates" not in config.inputs:
            bare = msgspec.structs.replace(config, inputs=("coordinates",), mask_channels=False)
            position_std = cls.fit(bare, store, videos, device).statistics.std
        pipeline = cls(config, mice, keypoints, None, position_std).to(device)
        moments = RunningMoments(pipeline.features, device)
        for video in videos:
            for chunk in pipeline._chunks(store, video, filled=False):
                moments.update(chunk)
        statistics = moments.statistics()
        if "mask" in pipeline.blocks:  # 0 and 1 as they are
            statistics.mean[pipeline.blocks["mask"]] = 0
            statistics.std[pipeline.blocks["mask"]] = 1
        return cls(config, mice, keypoints, statistics, position_std)

    def to(self, device: torch.device | str) -> Self:
        """Give the same on another device."""
        statistics, position_std = self.statistics.to(device), self.position_std.to(device)
        return type(self)(self.config, self.mice, self.keypoints, statistics, position_std)

    @property
    def device(self) -> torch.device:
        """Where the features are computed."""
        return self._bias.device

    @property
    def left(self) -> int:
        """Frames that :meth:`transform` needs before the first one it answers."""
        gap = self.config.frame_gap if {"speed", "acceleration"} & self.blocks.keys() else 0
        return motion.context_frames(gap) + self.config.interpolate_gap

    @property
    def right(self) -> int:
        """Frames that :meth:`transform` needs after the last one it answers."""
        return self.config.interpolate_gap

    def transform(
        self,
        positions: Tensor,
        frames_per_second: npt.NDArray[np.float32],
        pixels_per_cm: npt.NDArray[np.float32],
        lead: Indices,
        noise: Tensor | None = None,
        out: Tensor | None = None,
    ) -> Tensor:
        """Compute standardised features; a missing value is 0, the mean.

        Args:
            positions: ``(windows, left + time + right, mice, keypoints, 2)`` float32 pixels on the
                pipeline's device, NaN where missing or outside the video; overwritten.
            frames_per_second: (windows,) of each window's video.
            pixels_per_cm: (windows,) of each window's video; only read where ``units`` is cm.
            lead: (windows,) frames of ``positions`` that lie before the video.
            noise: of the shape of ``positions``, added to them; in the unit of the features.
            out: ``(windows, time, features)`` to write to.

        Returns:
            ``(windows, time, features)`` float32.
        """
        features = self._measured(positions, frames_per_second, pixels_per_cm, lead, noise, out)
        return features.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)

    def features_of(
        self,
        positions: npt.NDArray[np.float32],
        frames_per_second: float,
        pixels_per_cm: float | None = None,
        name: str = "to predict",
    ) -> Tensor:
        """Compute the standardised features of a whole video.

        Args:
            positions: ``(frames, mice, keypoints, 2)`` pixels, NaN where missing.
            frames_per_second: the video's own.
            pixels_per_cm: the video's own; needed where ``units`` is cm.
            name: of the video, for an error.

        Returns:
            ``(frames, features)`` float32 on the pipeline's device.

        Raises:
            DataError: ``units`` is cm and there is no scale.
        """
        store = FrameStore.of_video(positions, frames_per_second, pixels_per_cm, name)
        require_scale(self.config, store, [0])
        return torch.cat([*self._chunks(store, 0, filled=True)])

    def state_dict(self) -> dict[str, Any]:
        """Give all that :meth:`from_state` needs, as plain containers and tensors."""
        return {
            "config": msgspec.to_builtins(self.config),
            "mice": self.mice,
            "keypoints": self.keypoints,
            "statistics": self.statistics.state_dict(),
            "position_std": self.position_std.cpu(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from :meth:`state_dict`, on the CPU."""
        config = msgspec.convert(state["config"], FeatureConfig, strict=False)
        statistics = FeatureStatistics.from_state(state["statistics"])
        return cls(
            config, state["mice"], state["keypoints"], statistics, state["position_std"].float()
        )

    def _chunks(self, store: FrameStore, video: int, *, filled: bool) -> Iterator[Tensor]:
        """Give a video's features, ``(frames, features)`` at a time."""
        frames = int(store.frames[video])
        scale = store.pixels_per_cm[[video]]
        compute = self.transform if filled else self._measured
        for start in range(0, frames, CHUNK_FRAMES):
            time = min(CHUNK_FRAMES, frames - start)
            first = np.array([start - self.left])
            window = store.gather(np.array([video]), first, self.left + time + self.right)
            rate = store.frames_per_second[[video]]
            yield compute(window.to(self.device), rate, scale, np.maximum(-first, 0))[0]

    def _measured(
        self,
        positions: Tensor,
        frames_per_second: npt.NDArray[np.float32],
        pixels_per_cm: npt.NDArray[np.float32],
        lead: Indices,
        noise: Tensor | None = None,
        out: Tensor | None = None,
    ) -> Tensor:
        """Compute standardised features, NaN where missing."""
        windows, rows = positions.shape[:2]
        if out is None:
            shape = (windows, rows - self.left - self.right, self.features)
            out = torch.empty(shape, device=self.device)
        if self.config.units == "cm":
            positions /= self._per_window(pixels_per_cm)[..., None, None]
        if noise is not None:
            positions += noise
        rate = self._per_window(frames_per_second / np.float32(self.config.frame_gap))
        for name, values, unit in self._raw(positions, rate, lead):
            columns = self.blocks[name]
            scale = self._inverse_std[columns]
            scale = scale if unit is None else scale * unit
            torch.addcmul(self._bias[columns], values, scale, out=out[..., columns])
        return out

    def _raw(self, positions: Tensor, rate: Tensor, lead: Indices) -> Iterator[Raw]:
        time = slice(self.left, positions.shape[1] - self.right)
        if "mask" in self.blocks:
            tracked = ~positions[:, time].isnan().any(dim=-1)
            yield Raw("mask", tracked.flatten(2).float())
        if self.config.interpolate_gap:
            positions = interpolate(positions, self.config.interpolate_gap)
        if "coordinates" in self.blocks:
            yield Raw("coordinates", positions[:, time].flatten(2))
        if {"speed", "acceleration"} & self.blocks.keys():
            yield from self._motion(positions, rate, lead)

    def _motion(self, positions: Tensor, rate: Tensor, lead: Indices) -> Iterator[Raw]:
        gap = self.config.frame_gap
        for window in np.flatnonzero(lead):
            motion.extend_start(positions[window], int(lead[window]), gap)
        first = self.left - motion.context_frames(gap)
        steps = motion.difference(positions[:, first : positions.shape[1] - self.right], gap)
        if "speed" in self.blocks:
            yield Raw("speed", motion.length(steps[:, gap:]).flatten(2), rate)
        if "acceleration" in self.blocks:
            change = motion.difference(steps, gap)
            yield Raw("acceleration", motion.length(change).flatten(2), rate.square())

    def _per_window(self, values: npt.NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(values).to(self.device)[:, None, None]


def require_scale(config: FeatureConfig, store: FrameStore, videos: Iterable[int]) -> None:
    """Check that the scale of videos is known where the features need it.

    Raises:
        DataError: names the first video without one.
    """
    if config.units != "cm":
        return
    for video in videos:
        if not store.pixels_per_cm[video] > 0:
            raise DataError(
                f"video {store.names[video]}: has no pix_per_cm_approx, which features.units ="
                ' "cm" needs; leave it out, or use features.units = "pixels"'
            )


def _blocks(config: FeatureConfig, points: int) -> dict[str, slice]:
    """Lay out the columns: blocks in the order of the settings, masks last."""
    widths = {"coordinates": 2 * points, "speed": points, "acceleration": points, "mask": points}
    names = [*config.inputs, "mask"] if config.mask_channels else config.inputs
    blocks: dict[str, slice] = {}
    start = 0
    for name in names:
        blocks[name] = slice(start, start + widths[name])
        start += widths[name]
    return blocks
