"""The inputs of gradient boosting: rolling statistics, invariance, and windows in milliseconds."""

import warnings

import numpy as np
import pytest

from core.boosting.features import WindowFeatures
from core.boosting.rolling import lagged, rolling_largest, rolling_least, rolling_moments

PARTS = ("nose", "tail_base", "neck", "ear_left", "ear_right")
RATE = 30.0


def walk(frames: int, seconds: float, mice: int = 2) -> np.ndarray:
    """Mice on smooth paths, sampled ``frames`` times: ``(frames, mice, 18, 2)`` in cm."""
    time = np.linspace(0, seconds, frames)
    rng = np.random.default_rng(3)
    body = rng.normal(0, 2, (mice, 18, 2))
    phase = np.arange(mice)[:, None]
    angle = 0.7 * time + phase
    path = np.stack((10 * np.cos(angle) + 3 * phase, 8 * np.sin(1.3 * angle)), axis=-1)
    turn = np.stack((np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)), axis=-1)
    bodies = np.einsum("mtab,mkb->mtka", turn.reshape(mice, frames, 2, 2), body)
    return (path[:, :, None] + bodies).transpose(1, 0, 2, 3).astype(np.float32)


@pytest.mark.parametrize("half", [1, 4, 30])
def test_rolling_statistics_are_those_of_each_window(half: int) -> None:
    columns = np.random.default_rng(0).normal(50, 1, (23, 3)).astype(np.float32)
    columns[5:9, 1] = np.nan
    columns[:, 2] = np.nan
    windows = [columns[max(t - half, 0) : t + half + 1] for t in range(len(columns))]
    mean, spread = rolling_moments(columns, half)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        np.testing.assert_allclose(mean, [np.nanmean(w, axis=0) for w in windows], rtol=1e-6)
        np.testing.assert_allclose(spread, [np.nanstd(w, axis=0) for w in windows], atol=1e-5)
        least = [np.nanmin(w, axis=0) for w in windows]
        largest = [np.nanmax(w, axis=0) for w in windows]
    np.testing.assert_array_equal(rolling_least(columns, half), least)
    np.testing.assert_array_equal(rolling_largest(columns, half), largest)


def test_a_lag_shifts_and_leaves_nothing_beyond_the_ends() -> None:
    columns = np.arange(5, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(lagged(columns, 2)[:, 0], [2, 3, 4, np.nan, np.nan])
    np.testing.assert_array_equal(lagged(columns, -1)[:, 0], [np.nan, 0, 1, 2, 3])
    assert np.isnan(lagged(columns, 9)).all()


@pytest.mark.parametrize("is_pair", [True, False])
def test_every_column_has_a_name_and_none_comes_twice(is_pair: bool) -> None:
    features = WindowFeatures(PARTS, RATE, is_pair)
    found = features.compute(walk(40, 2.0))
    assert found.shape == (40, len(features.names))
    assert found.dtype == np.float32
    assert len(set(features.names)) == len(features.names)


@pytest.mark.parametrize("is_pair", [True, False])
def test_moving_and_turning_the_scene_changes_nothing(is_pair: bool) -> None:
    features, positions = WindowFeatures(PARTS, RATE, is_pair), walk(200, 7.0)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]], np.float32)
    moved = positions @ turn.T + np.array([20, -7], np.float32)
    np.testing.assert_allclose(
        features.compute(moved), features.compute(positions), rtol=1e-3, atol=5e-3
    )


def test_windows_are_in_time_so_that_the_frame_rate_does_not_matter() -> None:
    slow = WindowFeatures(PARTS, 30.0, is_pair=True)
    fast = WindowFeatures(PARTS, 60.0, is_pair=True)
    at_30, at_60 = slow.compute(walk(301, 10.0)), fast.compute(walk(601, 10.0))[::2]
    middle = slice(80, -80)
    gap = np.abs(at_30[middle] - at_60[middle]).mean(axis=0)
    assert (gap / (at_30[middle].std(axis=0) + 0.1)).max() < 0.15


def test_a_video_in_chunks_is_the_video_at_once() -> None:
    features, positions = WindowFeatures(PARTS, RATE, is_pair=True), walk(500, 17.0)
    positions[100:130, 1] = np.nan
    whole = features.compute(positions)
    parts = features.chunks(lambda first, stop: positions[first:stop], len(positions), chunk=120)
    pieces, places = zip(*((piece, place) for place, piece in parts), strict=True)
    assert [place.start for place in places] == [0, 120, 240, 360, 480]
    np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=1e-4, atol=1e-4)


def test_nothing_is_known_of_a_target_that_is_missing() -> None:
    features, positions = WindowFeatures(PARTS, RATE, is_pair=True), walk(60, 2.0)
    positions[:, 1] = np.nan
    found = features.compute(positions)
    of_target = np.array(["target" in name or "nearest" in name for name in features.names])
    assert np.isnan(found[:, of_target]).all()
    known = np.array([name.startswith("speed/agent") for name in features.names])
    assert np.isfinite(found[20:40, known & ~of_target]).all()


def test_a_mouse_alone_is_told_how_near_the_nearest_other_is() -> None:
    features, positions = WindowFeatures(PARTS, RATE, is_pair=False), walk(60, 2.0, mice=3)
    positions[:, 2] = positions[:, 0] + np.array([0, 3], np.float32)
    column = features.names.index("nearest_other")
    near = features.compute(positions)[:, column]
    assert (near <= 3.001).all()
    alone = features.compute(positions[:, :1])[:, column]
    assert np.isnan(alone).all()
