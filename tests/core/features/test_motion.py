import numpy as np
import pytest
import torch

from tests.core.features.whole_videos import speed_and_acceleration


def tracked(frames: int = 40, mice: int = 2, keypoints: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn((frames, mice, keypoints, 2), generator=generator) * 3
    return 300 + steps.cumsum(0)


def test_speed_of_a_straight_walk() -> None:
    time = torch.arange(10.0)
    positions = torch.stack((3 * time, 4 * time), dim=-1).reshape(10, 1, 1, 2)

    speed, acceleration = speed_and_acceleration(positions, frames_per_second=30)

    torch.testing.assert_close(speed, torch.full((10, 1, 1), 150.0))
    torch.testing.assert_close(acceleration, torch.zeros(10, 1, 1))


@pytest.mark.parametrize("gap", [1, 2, 5])
def test_equals_the_definition_in_numpy(gap: int) -> None:
    positions, fps = tracked(), 25.0
    points = positions.double().numpy()
    velocity = np.empty_like(points)
    velocity[gap:] = (points[gap:] - points[:-gap]) * fps / gap
    velocity[:gap] = velocity[gap]
    change = np.empty_like(points)
    change[gap:] = (velocity[gap:] - velocity[:-gap]) * fps / gap
    change[:gap] = change[gap]

    speed, acceleration = speed_and_acceleration(positions, fps, gap)

    np.testing.assert_allclose(speed, np.linalg.norm(velocity, axis=-1), rtol=1e-4)
    # float32 pixels near 300 are known to 3e-5, which fps² makes 0.04 px/s²
    np.testing.assert_allclose(acceleration, np.linalg.norm(change, axis=-1), rtol=1e-4, atol=0.1)


def test_first_frame_copies_the_second() -> None:
    speed, acceleration = speed_and_acceleration(tracked(), 30)

    torch.testing.assert_close(speed[0], speed[1])
    torch.testing.assert_close(acceleration[0], acceleration[1], rtol=0, atol=0.2)


def test_all_that_touches_a_gap_is_masked_and_nothing_else() -> None:
    positions = tracked()
    whole_speed, whole_acceleration = speed_and_acceleration(positions, 30)
    positions[20, 1, 2] = torch.nan

    speed, acceleration = speed_and_acceleration(positions, 30)

    assert speed.isnan().nonzero().tolist() == [[20, 1, 2], [21, 1, 2]]
    assert acceleration.isnan().nonzero().tolist() == [[20, 1, 2], [21, 1, 2], [22, 1, 2]]
    assert torch.equal(speed[~speed.isnan()], whole_speed[~speed.isnan()])
    assert torch.equal(
        acceleration[~acceleration.isnan()], whole_acceleration[~acceleration.isnan()]
    )


def test_a_point_with_one_coordinate_has_no_speed() -> None:
    positions = tracked()
    positions[5, 0, 0, 1] = torch.nan

    speed, _ = speed_and_acceleration(positions, 30)

    assert speed[5:7, 0, 0].isnan().all()


def test_gap_at_the_start_is_not_invented_away() -> None:
    positions = tracked()
    positions[1] = torch.nan

    speed, acceleration = speed_and_acceleration(positions, 30)

    assert speed[:3].isnan().all()
    assert acceleration[:4].isnan().all()
    assert speed[3:].isfinite().all()


@pytest.mark.parametrize("frames", [1, 2])
def test_video_too_short_for_a_difference_has_none(frames: int) -> None:
    speed, acceleration = speed_and_acceleration(tracked(frames), 30, gap=2)

    assert speed.shape == acceleration.shape == (frames, 2, 3)
    assert speed.isnan().all()
    assert acceleration.isnan().all()
