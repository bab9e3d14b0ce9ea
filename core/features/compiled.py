"""Which features the compiled pass of :mod:`core.features.kernel` computes, and calling it."""

import importlib.metadata
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Self

import numpy as np
from torch import Tensor

from core.features.fitted import Fitted
from core.features.settings import FeatureConfig
from core.frames.sampling import NoisePool
from core.frames.store import FrameStore
from core.frames.windows import Indices

BLOCKS = ("coordinates", "speed", "acceleration", "mask")
"""In the kernel's order."""


class CompiledPass:
    """Computes the standardised features of windows on the CPU, in a half to a quarter of torch's time.

    It gives what :meth:`core.features.pipeline.FeaturePipeline.transform` gives, up to rounding, and the
    same to the last digit in whatever windows a frame is asked for.

    Args:
        kernel: of :mod:`core.features.kernel`.
        config: of the features.
        blocks: their columns.
        fitted: what was learned from the training split, on the CPU.
    """

    def __init__(
        self,
        kernel: Callable[..., None],
        config: FeatureConfig,
        blocks: Mapping[str, slice],
        fitted: Fitted,
    ) -> None:
        self._kernel = kernel
        self._gap, self._in_cm = config.frame_gap, config.units == "cm"
        scale = 1 / fitted.statistics.std
        self._affine = scale.numpy(), (-fitted.statistics.mean * scale).numpy()
        self._clip = np.float32(math.inf if config.clip is None else config.clip)
        self._blocks = np.array(
            [blocks[name].start if name in blocks else -1 for name in BLOCKS], np.int64
        )
        self._silence = np.zeros((1, len(fitted.positions.std)), np.float32)

    @classmethod
    def of(cls, config: FeatureConfig, blocks: Mapping[str, slice], fitted: Fitted) -> Self | None:
        """Return the pass for some settings; none where it cannot do them, or there is no numba."""
        on_cpu = fitted.statistics.mean.device.type == "cpu"
        if not on_cpu or config.interpolate_gap or not set(blocks) <= set(BLOCKS):
            return None
        kernel = _kernel()
        return None if kernel is None else cls(kernel, config, blocks, fitted)

    def __call__(
        self,
        store: FrameStore,
        videos: Indices,
        starts: Indices,
        out: Tensor,
        noise: NoisePool | None,
    ) -> None:
        """Write the features of windows.

        Args:
            store: has the videos, on the CPU.
            videos: (windows,) which video.
            starts: (windows,) first frame, counted from the video's own; not negative.
            out: ``(windows, time, features)``, contiguous.
            noise: added to the positions, in the unit of the features.
        """
        to_cm = np.float32(1) / store.pixels_per_cm[videos]
        self._kernel(
            store.positions.flatten(1).numpy(),
            self._silence if noise is None else noise.rows.numpy(),
            store.offsets[videos],
            store.frames[videos],
            np.ascontiguousarray(starts),
            to_cm if self._in_cm else np.ones_like(to_cm),
            store.frames_per_second[videos] / np.float32(self._gap),
            *self._affine,
            self._clip,
            self._blocks,
            self._gap,
            out.shape[1],
            out.view(-1).numpy(),
        )


@cache
def _kernel() -> Callable[..., None] | None:
    """Load the kernel, which takes a third of a second, and three the first time on a machine."""
    try:
        from core.features.kernel import windows
    except ImportError:  # numba is not installed, or does not go with this numpy
        return None
    return windows  # type: ignore[no-any-return]


def compiler() -> str:
    """Name what compiled the kernel, with its version."""
    return f"numba {importlib.metadata.version('numba')}"
