from typing import Literal

import numpy as np
import pytest
import torch

from core.data.keypoints import MARS_7, SLOTS_18
from core.errors import ConfigError, DataError
from core.features.columns import widths
from core.features.egocentric import egocentric
from core.features.pipeline import FeaturePipeline
from core.features.settings import FeatureConfig
from core.frames.store import FrameStore
from tests.core.features.whole_videos import features_of

EGOCENTRIC = FeatureConfig(inputs=("egocentric",))
Unit = Literal["pixels", "cm"]
UNITS: tuple[Unit, ...] = ("pixels", "cm")
NOSE, EAR, TAIL = 0, 1, MARS_7.index("tail_base")


def scene() -> torch.Tensor:
    """One frame: mouse 0 looks along +x from its centre (0, 0), mouse 1 along +y from (10, 5)."""
    row = torch.linspace(3, -3, 7)
    ahead = torch.stack((row, torch.zeros(7)), dim=-1)
    return torch.stack((ahead, ahead.flip(-1) + torch.tensor([10.0, 5.0])))[None]


def seen(positions: torch.Tensor, to_cm: float = 1) -> torch.Tensor:
    """Return ``(frames, observers, mice, keypoints, 2)``."""
    mice, keypoints, _ = positions.shape[1:]
    columns = egocentric(positions, torch.tensor([to_cm]))
    return columns.reshape(len(positions), mice, mice, keypoints, 2)


def walk(frames: int, mice: int = 2, keypoints: int = 7) -> torch.Tensor:
    rng = np.random.default_rng(0)
    positions = 300 + rng.normal(0, 9, (frames, mice, keypoints, 2)).cumsum(axis=0)
    return torch.from_numpy(positions.astype(np.float32))


def test_each_mouse_sees_itself_ahead_and_the_other_where_it_is() -> None:
    first, second = seen(scene(), 0.5)[0]

    for own in (first[0], second[1]):
        assert own[NOSE].tolist() == pytest.approx([1.5, 0], abs=1e-6)
        assert own[TAIL].tolist() == pytest.approx([-1.5, 0], abs=1e-6)
    assert first[1, NOSE].tolist() == pytest.approx([5, 4])  # ahead, and to the right as y is down
    assert second[0, NOSE].tolist() == pytest.approx([-2.5, 3.5])


def test_nothing_changes_when_the_scene_is_turned_and_moved() -> None:
    positions = walk(40, mice=3)
    positions[3, 0, EAR] = torch.nan
    turn = torch.tensor([[0.6, 0.8], [-0.8, 0.6]])

    moved = positions @ turn + torch.tensor([300.0, -50])

    expected = seen(positions)
    assert expected.nan_to_num().abs().max() > 10
    torch.testing.assert_close(seen(moved), expected, rtol=0, atol=2e-2, equal_nan=True)


def test_a_mirrored_scene_swaps_left_and_right() -> None:
    positions = walk(10)

    mirrored = positions * torch.tensor([-1.0, 1])

    torch.testing.assert_close(
        seen(mirrored), seen(positions) * torch.tensor([1.0, -1]), rtol=0, atol=2e-2
    )


@pytest.mark.parametrize(("mice", "slots"), [(1, MARS_7), (2, MARS_7), (4, SLOTS_18)])
def test_values_are_those_of_a_plain_loop(mice: int, slots: tuple[str, ...]) -> None:
    positions = walk(20, mice, len(slots))
    positions[torch.rand(positions.shape[:3], generator=torch.manual_seed(1)) < 0.2] = torch.nan

    found = seen(positions, 0.1)

    assert 0 < found.isnan().sum() < found.numel()
    for frame, points in enumerate(positions.double().numpy()):
        for observer, own in enumerate(points):
            x, y = own[slots.index("nose")] - own[slots.index("tail_base")]
            angle = np.arctan2(y, x)
            back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            centre = own[~np.isnan(own[:, 0])].mean(axis=0)
            expected = 0.1 * (points - centre) @ back
            np.testing.assert_allclose(found[frame, observer], expected, rtol=1e-4, atol=1e-4)


def test_a_missing_point_masks_only_what_needs_it() -> None:
    positions = scene().repeat(5, 1, 1, 1)
    positions[0, 0, EAR] = torch.nan
    positions[1, 0, NOSE] = torch.nan
    positions[2, 1, TAIL] = torch.nan
    positions[3, 1] = torch.nan
    positions[4, 0, NOSE] = positions[4, 0, TAIL]

    missing = seen(positions).isnan()

    assert torch.equal(missing[..., 0], missing[..., 1])
    expected = torch.zeros(5, 2, 2, 7, dtype=torch.bool)
    expected[0, :, 0, EAR] = True
    expected[1, 0] = expected[1, :, 0, NOSE] = True
    expected[2, 1] = expected[2, :, 1, TAIL] = True
    expected[3, 1] = expected[3, :, 1] = True
    expected[4, 0] = True
    assert torch.equal(missing[..., 0], expected)


@pytest.mark.parametrize(("mice", "keypoints", "columns"), [(1, 7, 14), (2, 7, 56), (4, 18, 576)])
def test_columns_are_counted_without_computing_them(
    mice: int, keypoints: int, columns: int
) -> None:
    assert widths(EGOCENTRIC, mice, keypoints)["egocentric"] == columns
    assert egocentric(walk(2, mice, keypoints), torch.ones(1)).shape == (2, columns)


def test_other_keypoints_than_a_set_are_refused() -> None:
    with pytest.raises(ConfigError, match="no set has 3 of them"):
        egocentric(torch.zeros(1, 2, 3, 2), torch.ones(1))


@pytest.mark.parametrize("units", UNITS)
def test_the_block_is_in_cm_whatever_the_unit_of_the_others(units: Unit) -> None:
    config = FeatureConfig(inputs=("speed", "egocentric"), units=units)
    positions = walk(30)

    features = features_of(FeaturePipeline(config, 2, 7), positions.numpy(), 25, 16.0)

    expected = egocentric(positions, torch.tensor(1 / 16))
    torch.testing.assert_close(features[:, 14:], expected, rtol=1e-3, atol=1e-4)


def test_a_video_without_a_scale_is_named() -> None:
    store = FrameStore.of_video(walk(20).numpy(), 25, None, "17")

    with pytest.raises(DataError, match=r'video 17: .* features.inputs "egocentric"; '):
        FeaturePipeline.fit(EGOCENTRIC, store, [0])


def test_all_that_need_the_scale_are_named() -> None:
    config = FeatureConfig(inputs=("egocentric", "speed", "contact"), units="cm")
    store = FrameStore.of_video(walk(20).numpy(), 25, None, "17")

    with pytest.raises(DataError) as refused:
        FeaturePipeline.fit(config, store, [0])
    assert str(refused.value) == (
        'video 17: has no pix_per_cm_approx, needed by features.inputs "egocentric" and "contact"'
        ' and by features.units = "cm"; leave the video out, or take "egocentric" and "contact"'
        ' out of features.inputs and use features.units = "pixels"'
    )
