"""From raw positions to what a model is given: one object for training, validation and prediction.

It is built from the feature settings and the statistics of the training split, goes into the
checkpoint, and comes out of it again. Windows with enough frames of context and whole videos give the
same features.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial, reduce
from typing import Any, Self, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.errors import DataError
from core.features.blocks import IN_CM, context, layout, raw_blocks
from core.features.compiled import CompiledPass, compiler
from core.features.fitted import Fitted
from core.features.projection import principal, scatter
from core.features.scratch import Scratch
from core.features.settings import FeatureConfig
from core.features.standardise import FeatureStatistics, Moments
from core.frames.sampling import NoisePool
from core.frames.store import FrameStore, RawWindows
from core.frames.windows import Indices
from core.system.device import to_device
from core.system.threads import each, finish

Result = TypeVar("Result")


class FeaturePipeline:
    """Maps windows of raw positions to standardised features.

    Args:
        config: which blocks, in which order.
        mice: mouse slots.
        keypoints: keypoint slots of each mouse.
        fitted: what was learned from the training split; none leaves features as they are.
        slots: body part of each keypoint; by default, those of the set of that size.
    """

    def __init__(
        self,
        config: FeatureConfig,
        mice: int,
        keypoints: int,
        fitted: Fitted | None = None,
        slots: Sequence[str] | None = None,
    ) -> None:
        self.config = config
        self.mice, self.keypoints = mice, keypoints
        self.slots = None if slots is None else tuple(slots)
        self.blocks = layout(config, mice, keypoints)
        self.features = max(block.stop for block in self.blocks.values())
        self.left, self.right = context(config)
        if fitted is None:
            components = config.pca_components if "engineered" in self.blocks else None
            fitted = Fitted.nothing(self.features, mice * keypoints * 2, components)
        self.fitted = fitted
        scale = 1 / fitted.statistics.std
        bias = -fitted.statistics.mean * scale
        self._affine = {name: (scale[at], bias[at]) for name, at in self.blocks.items()}
        self._scratch = Scratch(self.device)

    @classmethod
    def fit(
        cls,
        config: FeatureConfig,
        store: FrameStore,
        videos: Sequence[int],
        device: torch.device | None = None,
        slots: Sequence[str] | None = None,
    ) -> Self:
        """Build a pipeline that has seen some videos (the training split's).

        Raises:
            DataError: a video has no scale and the features need it.
        """
        require_scale(config, store, videos)
        _, mice, keypoints, _ = store.positions.shape
        device = device or store.device
        bare = msgspec.structs.replace(config, inputs=("coordinates",), mask_channels=False)
        coordinates = cls(bare, mice, keypoints).to(device)
        positions = coordinates.statistics(store, videos)
        projection = None
        if "engineered" in config.inputs:
            about = partial(scatter, mean=positions.mean)
            total = reduce(torch.add, coordinates.over(about, store, videos))
            projection = principal(positions.mean, total, config.pca_components)
        unscaled = cls(config, mice, keypoints, slots=slots).to(device).fitted.statistics
        unfitted = cls(config, mice, keypoints, Fitted(unscaled, positions, projection), slots)
        statistics = unfitted.statistics(store, videos)
        if "mask" in unfitted.blocks:  # 0 and 1 as they are
            statistics.mean[unfitted.blocks["mask"]] = 0
            statistics.std[unfitted.blocks["mask"]] = 1
        return cls(config, mice, keypoints, Fitted(statistics, positions, projection), slots)

    def to(self, device: torch.device | str) -> Self:
        """Return the same on another device."""
        fitted = self.fitted.to(device)
        return type(self)(self.config, self.mice, self.keypoints, fitted, self.slots)

    def statistics(self, store: FrameStore, videos: Sequence[int]) -> FeatureStatistics:
        """Take mean and spread of the features over all frames of videos."""
        return reduce(Moments.merged, self.over(Moments.of, store, videos)).statistics()

    def over(
        self, summarise: Callable[[Tensor], Result], store: FrameStore, videos: Sequence[int]
    ) -> Iterator[Result]:
        """Summarise the features of all frames of videos, ``(1, frames, features)`` at a time."""
        parts = [(video, part) for video in videos for part in store.parts(video)]

        def one(of: tuple[int, slice]) -> Result:
            return summarise(self.measure(self.read_part(store, *of)))

        return each(one, parts, self.device)

    @property
    def device(self) -> torch.device:
        """Where the features are computed."""
        return self.fitted.statistics.mean.device

    @property
    def computed_by(self) -> str:
        """What computes the features: ``torch``, or ``numba`` and its version."""
        return compiler() if self.compiled else "torch"

    @property
    def compiled(self) -> bool:
        """Whether :meth:`compute` has a compiled pass for these settings."""
        return self._compiled is not None

    def compute(
        self,
        store: FrameStore,
        videos: Indices,
        starts: Indices,
        out: Tensor,
        noise: NoisePool | None = None,
    ) -> None:
        """Compute the standardised features of windows, in one compiled pass where there is one.

        Else by :meth:`read` and :meth:`transform`, which give the same up to rounding.

        Args:
            store: has the videos.
            videos: (windows,) which video.
            starts: (windows,) first frame, counted from the video's own; not negative.
            out: ``(windows, time, features)`` to write to, contiguous.
            noise: added to the positions, in the unit of the features.
        """
        if self._compiled is not None:
            self._compiled(store, videos, starts, out, noise)
        else:
            self.transform(self.read(store, videos, starts, out.shape[1]), noise, out)

    @cached_property
    def _compiled(self) -> CompiledPass | None:
        return CompiledPass.of(self.config, self.blocks, self.fitted)

    def read(self, store: FrameStore, videos: Indices, starts: Indices, time: int) -> RawWindows:
        """Read windows of ``time`` frames together with the context that their features need.

        They are valid until the next are read.
        """
        rows = self.left + time + self.right
        out = None
        if store.device == self.device:
            out = self._scratch("positions", len(videos), rows, *store.positions.shape[1:])
        return store.read(videos, starts - self.left, rows, out)

    def read_part(self, store: FrameStore, video: int, part: slice) -> RawWindows:
        """Read some frames of one video, as a single window."""
        return self.read(store, np.array([video]), np.array([part.start]), part.stop - part.start)

    def transform(
        self, windows: RawWindows, noise: NoisePool | None = None, out: Tensor | None = None
    ) -> Tensor:
        """Compute standardised features, clipped where the settings say so; a missing value is 0, the mean.

        Args:
            windows: what :meth:`read` gave; its positions are overwritten.
            noise: added to the positions, in the unit of the features.
            out: ``(windows, time, features)`` to write to.

        Returns:
            ``(windows, time, features)`` float32.
        """
        features = self.measure(windows, noise, out)
        features.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
        clip = self.config.clip
        return features if clip is None else features.clamp_(-clip, clip)

    def measure(
        self, windows: RawWindows, noise: NoisePool | None = None, out: Tensor | None = None
    ) -> Tensor:
        """Compute the same as :meth:`transform`, unclipped, and NaN where a value is missing."""
        positions = windows.positions.to(self.device)
        count, rows = positions.shape[:2]
        if out is None:
            shape = (count, rows - self.left - self.right, self.features)
            out = torch.empty(shape, device=self.device)
        to_cm = self._per_window(np.float32(1) / windows.pixels_per_cm)
        if self.config.units == "cm":
            positions *= to_cm[..., None, None]
            to_cm = torch.ones_like(to_cm)
        if noise is not None:
            memory = self._scratch("noise", *positions.shape)
            positions += noise.take(windows.rows, rows, memory.flatten(2)).view_as(positions)
        gap = np.float32(self.config.frame_gap)
        rate = self._per_window(windows.frames_per_second / gap)
        for name, values, unit in raw_blocks(
            self.config,
            positions,
            rate,
            to_cm,
            windows.lead,
            self._scratch,
            self.fitted.projection,
            self.slots,
        ):
            scale, bias = self._affine[name]
            scale = scale if unit is None else scale * unit
            torch.addcmul(bias, values, scale, out=out[..., self.blocks[name]])
        return out

    def write(
        self,
        store: FrameStore,
        parts: Iterable[tuple[int, slice, Tensor]],
        noise: NoisePool | None = None,
    ) -> None:
        """Compute the standardised features of parts of videos.

        Args:
            store: has the videos.
            parts: (video, its frames, ``(frames, features)`` to write to).
            noise: added to the positions.
        """

        def one(part: tuple[int, slice, Tensor]) -> None:
            video, frames, out = part
            self.compute(store, np.array([video]), np.array([frames.start]), out[None], noise)

        finish(each(one, parts, self.device))

    def state_dict(self) -> dict[str, Any]:
        """Return all that :meth:`from_state` needs, as plain containers and tensors."""
        return {
            "config": msgspec.to_builtins(self.config),
            "mice": self.mice,
            "keypoints": self.keypoints,
            "slots": None if self.slots is None else list(self.slots),
            **self.fitted.state_dict(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from :meth:`state_dict`, on the CPU."""
        config = msgspec.convert(state["config"], FeatureConfig, strict=False)
        fitted = Fitted.from_state(state)
        # older checkpoints name no slots: their sets are known by their sizes
        return cls(config, state["mice"], state["keypoints"], fitted, state.get("slots"))

    def _per_window(self, values: npt.NDArray[np.float32]) -> Tensor:
        return to_device(values, self.device)[:, None, None]


def require_scale(config: FeatureConfig, store: FrameStore, videos: Iterable[int]) -> None:
    """Check that the scale of videos is known where the features need it.

    Raises:
        DataError: names the first video without one.
    """
    in_cm = " and ".join(f'"{name}"' for name in config.inputs if name in IN_CM)
    needs = [f"features.inputs {in_cm}"] if in_cm else []
    instead = [f"take {in_cm} out of features.inputs"] if in_cm else []
    if config.units == "cm":
        needs.append('features.units = "cm"')
        instead.append('use features.units = "pixels"')
    for video in videos if needs else ():
        if not store.pixels_per_cm[video] > 0:
            raise DataError(
                f"video {store.names[video]}: has no pix_per_cm_approx, needed by"
                f" {' and by '.join(needs)}; leave the video out, or {' and '.join(instead)}"
            )
