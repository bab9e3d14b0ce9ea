"""Compute features of whole videos with the functions that training and prediction use."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.features import motion
from core.features.blocks import raw_blocks
from core.features.pipeline import FeaturePipeline, require_scale
from core.features.scratch import Scratch
from core.features.settings import FeatureConfig
from core.frames.store import FrameStore


def features_of(
    pipeline: FeaturePipeline,
    positions: npt.NDArray[np.float32],
    frames_per_second: float,
    pixels_per_cm: float | None = None,
    name: str = "",
) -> Tensor:
    """Return the standardised features of a video, ``(frames, features)``."""
    store = FrameStore.of_video(positions, frames_per_second, pixels_per_cm, name)
    require_scale(pipeline.config, store, [0])
    features = torch.empty((len(positions), pipeline.features), device=pipeline.device)
    pipeline.write(store, [(0, part, features[part]) for part in store.parts(0)])
    return features


def speed_and_acceleration(
    positions: Tensor, frames_per_second: float, gap: int = 1
) -> tuple[Tensor, Tensor]:
    """Return the motion of a video, each ``(frames, mice, keypoints)``, NaN where unknown."""
    lead = motion.context_frames(gap)
    padding = positions.new_full((lead, *positions.shape[1:]), torch.nan)
    blocks = raw_blocks(
        FeatureConfig(inputs=("speed", "acceleration"), frame_gap=gap),
        torch.cat((padding, positions))[None],
        rate=torch.full((1, 1, 1), frames_per_second / gap),
        to_cm=torch.ones(1, 1, 1),
        lead=np.array([lead]),
        scratch=Scratch(positions.device),
    )
    speed, acceleration = ((values * unit)[0] for _, values, unit in blocks)
    return speed.view(positions.shape[:-1]), acceleration.view(positions.shape[:-1])
