import math
from typing import Literal

import numpy as np
import pytest
import torch

from core.data.keypoints import MARS_7, SLOTS_18
from core.errors import ConfigError, DataError
from core.features.columns import PAIR_DISTANCES, widths
from core.features.contact import OFFSET_CM, contact
from core.features.pipeline import FeaturePipeline
from core.features.settings import FeatureConfig
from core.frames.store import FrameStore
from tests.core.features.whole_videos import features_of

CONTACT = FeatureConfig(inputs=("contact",))
Unit = Literal["pixels", "cm"]
UNITS: tuple[Unit, ...] = ("pixels", "cm")
NOSE, TAIL = 0, MARS_7.index("tail_base")


def row(nose_x: float, y: float, step: float) -> torch.Tensor:
    """Seven points in a row, nose first, tail base last."""
    return torch.stack([torch.tensor([float(nose_x + step * k), y]) for k in range(7)])


def scene() -> torch.Tensor:
    """One frame: mouse 0 from x = 0 back to −6, mouse 1 from x = 10 back to 4 and 3 px higher."""
    return torch.stack((row(0, 0, -1), row(10, 3, -1)))[None]


def centre(points: np.ndarray) -> np.ndarray:
    """Return the mean of the tracked points; NaN if there are none."""
    tracked = points[~np.isnan(points[:, 0])]
    return tracked.mean(axis=0) if len(tracked) else np.full(2, np.nan)


def cm(columns: torch.Tensor) -> list[float]:
    """Undo the logarithm."""
    return (columns.exp() - OFFSET_CM).tolist()


def test_seven_columns_of_two_mice() -> None:
    columns = contact(scene(), torch.ones(1))[0]

    assert len(columns) == 7
    expected = [
        5,  # tail of 1 at (4, 3) to nose of 0
        5,  # nose of 0 to the nearest of 1, the same
        math.hypot(10, 3),  # nose of 1 to the nearest of 0, its nose
        math.hypot(10, 3),
        math.hypot(10, 3),  # centres
        6,
        6,
    ]
    assert cm(columns) == pytest.approx(expected, rel=1e-5)


def test_swapped_mice_swap_the_roles_alone() -> None:
    there, back = (contact(p, torch.ones(1))[0] for p in (scene(), scene().flip(1)))

    torch.testing.assert_close(there[[0, 2, 1, 3, 4, 6, 5]], back)


def test_nothing_changes_when_the_scene_is_turned_and_moved() -> None:
    generator = torch.Generator().manual_seed(0)
    positions = torch.randn((20, 3, 7, 2), generator=generator) * 40
    turn = torch.tensor([[0.6, 0.8], [-0.8, 0.6]])

    moved = positions @ turn + torch.tensor([300.0, -50])

    scale = torch.tensor(1 / 16)
    torch.testing.assert_close(contact(moved, scale), contact(positions, scale), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("mice", "slots"), [(1, MARS_7), (2, MARS_7), (2, SLOTS_18), (4, SLOTS_18)]
)
def test_distances_are_those_of_a_plain_loop(mice: int, slots: tuple[str, ...]) -> None:
    rng = np.random.default_rng(mice)
    positions = rng.normal(0, 30, (40, mice, len(slots), 2)).astype(np.float32)
    positions[rng.random(positions.shape[:3]) < 0.3] = np.nan
    positions[5, 0] = np.nan
    nose, tail = slots.index("nose"), slots.index("tail_base")

    found = contact(torch.from_numpy(positions), torch.tensor(0.1))

    assert found.shape[-1] == 5 * (mice * (mice - 1) // 2) + mice
    for frame in range(40):
        expected = []
        for i in range(mice):
            for j in range(i + 1, mice):
                a, b = positions[frame, i], positions[frame, j]
                d = np.linalg.norm(a[:, None] - b[None], axis=-1)
                apart = centre(a) - centre(b)
                nearest = [
                    np.nan if np.isnan(part).all() else np.nanmin(part)
                    for part in (d, d[nose], d[:, nose])
                ]
                expected += [*nearest, d[nose, nose], np.linalg.norm(apart)]
        expected += [np.linalg.norm(p[nose] - p[tail]) for p in positions[frame]]
        np.testing.assert_allclose(
            found[frame], np.log(0.1 * np.array(expected) + OFFSET_CM), rtol=1e-4, atol=1e-4
        )


def test_a_missing_point_masks_only_what_needs_it() -> None:
    positions = scene().repeat(3, 1, 1, 1)
    positions[0, 0, NOSE] = torch.nan
    positions[1, 1, TAIL] = torch.nan
    positions[2, 1] = torch.nan

    missing = contact(positions, torch.ones(1)).isnan()

    assert missing[0].nonzero().flatten().tolist() == [1, 3, 5]
    assert missing[1].nonzero().flatten().tolist() == [6]
    assert missing[2].nonzero().flatten().tolist() == [0, 1, 2, 3, 4, 6]


def test_columns_are_counted_without_computing_them() -> None:
    assert len(PAIR_DISTANCES) == 5
    assert [widths(CONTACT, mice, 18)["contact"] for mice in (1, 2, 3, 4)] == [1, 7, 18, 34]


def test_other_keypoints_than_a_set_are_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"no set has 3 of them; the sets are mars7 \(7\), mabe18"
    ):
        contact(torch.zeros(1, 2, 3, 2), torch.ones(1))


def walk(frames: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (300 + rng.normal(0, 3, (frames, 2, 7, 2)).cumsum(axis=0)).astype(np.float32)


@pytest.mark.parametrize("units", UNITS)
def test_the_block_is_in_cm_whatever_the_unit_of_the_others(units: Unit) -> None:
    config = FeatureConfig(inputs=("contact", "speed"), units=units)
    positions = walk(30)

    features = features_of(FeaturePipeline(config, 2, 7), positions, 25, 16.0)

    expected = contact(torch.from_numpy(positions), torch.tensor(1 / 16))
    torch.testing.assert_close(features[:, :7], expected, rtol=1e-4, atol=1e-4)


def test_a_video_without_a_scale_is_named() -> None:
    store = FrameStore.of_video(walk(20), 25, None, "17")

    with pytest.raises(DataError, match=r'video 17: has no pix_per_cm_approx, .*"contact"; '):
        FeaturePipeline.fit(CONTACT, store, [0])


def test_clip_bounds_what_the_model_sees_but_not_what_is_fitted() -> None:
    positions = walk(200)
    store = FrameStore.of_video(positions, 25, 16.0)
    free = FeaturePipeline.fit(CONTACT, store, [0])
    config = FeatureConfig(inputs=("contact",), clip=1.5)
    clipped = FeaturePipeline.fit(config, store, [0])

    values = features_of(free, positions, 25, 16.0)

    assert values.abs().max() > 1.5
    assert torch.equal(clipped.fitted.statistics.std, free.fitted.statistics.std)
    assert torch.equal(features_of(clipped, positions, 25, 16.0), values.clamp(-1.5, 1.5))
