"""The names that settings accept are known wherever they are looked up."""

from typing import get_args

from core.data.keypoints import KEYPOINT_SET_SIZES, KeypointSet
from core.features.columns import widths
from core.features.settings import FEATURE_BLOCKS, FeatureConfig


def test_every_keypoint_set_has_a_size() -> None:
    assert set(KEYPOINT_SET_SIZES) == set(get_args(KeypointSet))


def test_every_feature_block_has_columns() -> None:
    found = widths(FeatureConfig(inputs=FEATURE_BLOCKS), mice=2, keypoints=7)
    assert set(found) == set(FEATURE_BLOCKS)
    assert min(found.values()) > 0
