"""The blocks of features: which columns each has, and its values before they are standardised."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.features import motion, social
from core.features.columns import widths
from core.features.contact import contact
from core.features.egocentric import egocentric
from core.features.gaps import interpolate
from core.features.projection import Projection
from core.features.scratch import Scratch
from core.features.settings import FeatureConfig
from core.frames.windows import Indices

MOTION = frozenset({"speed", "acceleration"})
IN_CM = frozenset({"contact", "egocentric"})
"""Blocks that need the scale of every video."""


class Block(NamedTuple):
    """A block before standardising: its values are ``unit × values``, NaN where missing."""

    name: str
    values: Tensor
    """(windows, time, columns)"""
    unit: Tensor | None = None
    """(windows, 1, 1); none is 1."""


def layout(config: FeatureConfig, mice: int, keypoints: int) -> dict[str, slice]:
    """Lay out the columns: blocks in the order of the settings, masks last."""
    blocks: dict[str, slice] = {}
    start = 0
    for name, width in widths(config, mice, keypoints).items():
        blocks[name] = slice(start, start + width)
        start += width
    return blocks


def context(config: FeatureConfig) -> tuple[int, int]:
    """Return the frames that must be known before and after those that are to be answered."""
    left = config.interpolate_gap
    if {"speed", "acceleration", "engineered"} & set(config.inputs):
        left += motion.context_frames(config.frame_gap)
    if "engineered" in config.inputs:
        left += config.rolling_window - 1
    return left, config.interpolate_gap


def raw_blocks(
    config: FeatureConfig,
    positions: Tensor,
    rate: Tensor,
    to_cm: Tensor,
    lead: Indices,
    scratch: Scratch,
    projection: Projection | None = None,
    slots: Sequence[str] | None = None,
) -> Iterator[Block]:
    """Compute the blocks of windows, each to be used before the next is asked for.

    Args:
        config: which blocks.
        positions: ``(windows, left + time + right, mice, keypoints, 2)`` with the frames of
            :func:`context`; rows before a video are overwritten.
        rate: (windows, 1, 1) what a difference is multiplied by for a speed: fps / frame gap.
        to_cm: (windows, 1, 1) what a length is multiplied by to be in cm; NaN where it is not known.
        lead: (windows,) rows of ``positions`` that lie before the video.
        scratch: for intermediate results.
        projection: for ``engineered``.
        slots: body part of each keypoint; by default, those of the set of that size.
    """
    left, right = context(config)
    stop = positions.shape[1] - right
    if config.mask_channels:
        tracked = ~positions[:, left:stop].isnan().any(dim=-1)
        yield Block("mask", tracked.flatten(2).float())
    if config.interpolate_gap:
        positions = interpolate(positions, config.interpolate_gap)
    if "coordinates" in config.inputs:
        yield Block("coordinates", positions[:, left:stop].flatten(2))
    if "contact" in config.inputs:
        yield Block("contact", contact(positions[:, left:stop], to_cm[..., 0], slots))
    if "egocentric" in config.inputs:
        yield Block("egocentric", egocentric(positions[:, left:stop], to_cm[..., 0], slots))
    if projection is not None:
        edge = config.interpolate_gap
        yield Block(
            "engineered",
            _engineered(
                config, positions[:, edge:stop], rate, np.maximum(lead - edge, 0), projection
            ),
        )
    if MOTION & set(config.inputs):
        for window in np.flatnonzero(lead):
            motion.extend_start(positions[window], int(lead[window]), config.frame_gap)
        first = left - motion.context_frames(config.frame_gap)
        yield from _motion(config, positions[:, first:stop], rate, scratch)


def _motion(
    config: FeatureConfig, positions: Tensor, rate: Tensor, scratch: Scratch
) -> Iterator[Block]:
    gap = config.frame_gap
    windows, rows, *point = positions.shape
    time = rows - 2 * gap
    steps = motion.difference(positions, gap, scratch("steps", windows, time + gap, *point))
    change = None
    if "acceleration" in config.inputs:
        change = motion.difference(steps, gap, scratch("change", windows, time, *point))
    lengths = scratch("lengths", windows, time, *point[:-1])
    if "speed" in config.inputs:
        yield Block("speed", motion.length_(steps[:, gap:], lengths).flatten(2), rate)
    if change is not None:
        speed_change = motion.length_(change, lengths)
        yield Block("acceleration", speed_change.flatten(2), rate.square())


def _engineered(
    config: FeatureConfig, positions: Tensor, rate: Tensor, lead: Indices, projection: Projection
) -> Tensor:
    frames = social.frame_features(positions, rate, lead, config.frame_gap)
    before = config.rolling_window - 1
    components = projection(positions[:, -(frames.shape[1] - before) :].flatten(2))
    rolled = social.rolling(frames, config.rolling_window)
    return torch.cat((frames[:, before:], rolled, components), dim=-1)
