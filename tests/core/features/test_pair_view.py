import numpy as np
import pytest
import torch
from torch import Tensor

from core.data.keypoints import SLOTS_18
from core.features.pair_view import (
    FEATURES,
    HALO,
    SELF_FEATURES,
    mirror_image,
    pair_view,
)

RATE = 30.0


def scene(seed: int = 0, frames: int = 12) -> Tensor:
    """Two mice of about 8 cm that walk about, with a few points missing."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, 3, (2, len(SLOTS_18), 2))
    centre = rng.normal(0, 0.5, (frames + 2 * HALO, 2, 1, 2)).cumsum(axis=0)
    points = 20 + centre + body + rng.normal(0, 0.1, (frames + 2 * HALO, 2, len(SLOTS_18), 2))
    points[rng.random(points.shape[:-1]) < 0.05] = np.nan
    return torch.from_numpy(points.astype(np.float32))[None]


def view(positions: Tensor, paired: bool = True) -> Tensor:
    return pair_view(positions, torch.full((len(positions),), paired), RATE)


def test_moving_and_turning_the_scene_changes_nothing() -> None:
    positions = scene()
    angle = torch.tensor(0.7)
    turn = torch.stack(
        (torch.stack((angle.cos(), -angle.sin())), torch.stack((angle.sin(), angle.cos())))
    )
    turned = positions @ turn.T + torch.tensor([5.0, -80.0])
    seen = view(positions)
    assert seen.shape == (1, 12, FEATURES)
    torch.testing.assert_close(view(turned), seen, atol=2e-3, rtol=0, equal_nan=True)
    assert (seen - view(1.5 * positions)).nan_to_num().abs().max() > 0.1


def test_a_mirror_shows_left_for_right_and_twice_the_same() -> None:
    positions = scene()
    image = mirror_image(positions)
    assert torch.equal(mirror_image(image).nan_to_num(), positions.nan_to_num())
    seen, mirrored = view(positions), view(image)
    slot = {name: place for place, name in enumerate(SLOTS_18)}
    left, right = 2 * slot["hip_left"], 2 * slot["hip_right"]
    torch.testing.assert_close(
        mirrored[..., left], seen[..., right], atol=1e-3, rtol=0, equal_nan=True
    )
    torch.testing.assert_close(
        mirrored[..., left + 1], -seen[..., right + 1], atol=1e-3, rtol=0, equal_nan=True
    )


def test_a_mouse_alone_sees_nobody() -> None:
    positions = scene()
    alone, paired = view(positions, paired=False), view(positions)
    assert not alone[..., SELF_FEATURES:].any()
    torch.testing.assert_close(
        alone[..., :SELF_FEATURES], paired[..., :SELF_FEATURES], equal_nan=True
    )
    assert paired[..., SELF_FEATURES:].any()


def test_what_is_not_tracked_is_missing_and_what_stands_in_is_used() -> None:
    positions = scene()
    nothing = view(torch.full_like(positions, torch.nan))
    assert not nothing.nan_to_num().any()
    earless = positions.clone()
    for name in ("ear_left", "ear_right"):
        earless[..., SLOTS_18.index(name), :] = torch.nan
    seen = view(earless)
    assert (
        seen[..., 2 * SLOTS_18.index("tail_base")].isfinite().any()
    )  # the neck stands in for the ears


@pytest.mark.parametrize("speed", [1.0, 40.0])
def test_a_mouse_that_walks_straight_ahead_has_that_speed(speed: float) -> None:
    frames = 4 + 2 * HALO
    body = torch.zeros(frames, 2, len(SLOTS_18), 2)
    body[..., SLOTS_18.index("ear_left"), 0] = 8
    body[..., SLOTS_18.index("ear_right"), 0] = 8
    body[..., 0] += torch.arange(frames)[:, None, None] * speed / RATE
    seen = view(body[None])
    first = 3 * len(SLOTS_18)
    forward, aside = seen[..., first], seen[..., first + 1]
    assert torch.expm1(forward).mul(10).allclose(torch.tensor(speed), rtol=1e-3)
    assert aside.abs().max() < 1e-4
