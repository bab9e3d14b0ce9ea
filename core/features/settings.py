"""The ``[features]`` table. It loads neither numpy nor torch, so that listing versions stays instant."""

from typing import Annotated, Literal, get_args

from msgspec import Meta

from core.config.section import NonNegative, Positive, PositiveFloat, Section

FeatureBlock = Literal[
    "coordinates", "speed", "acceleration", "engineered", "contact", "egocentric"
]
FEATURE_BLOCKS: tuple[str, ...] = get_args(FeatureBlock)


class FeatureConfig(Section, frozen=True):
    """What the model is given for each frame."""

    inputs: tuple[FeatureBlock, ...] = ("coordinates",)
    """Blocks of columns. ``contact`` and ``egocentric`` are always in cm, whatever ``units`` says."""
    frame_gap: Positive = 1
    """Frames between the two positions whose difference is a speed."""
    interpolate_gap: NonNegative = 0
    """Longest run of missing frames that is filled linearly before differencing; 0 fills none."""
    mask_channels: bool = False
    """Adds one channel a keypoint that is 1 where it was tracked."""
    units: Literal["pixels", "cm"] = "pixels"
    rolling_window: Annotated[int, Meta(gt=0, le=100_000)] = 10
    """Frames of history in the rolling statistics of ``engineered``."""
    pca_components: Positive = 16
    clip: PositiveFloat | None = None
    """Largest standardised value, either way; none leaves all as they are."""
