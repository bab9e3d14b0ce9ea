import math

import numpy as np
import pytest
import torch

from core.data.keypoints import MARS_7
from core.features import social
from core.features.columns import FRAME_FEATURES

FPS = 20.0


def mouse(centre: tuple[float, float], angle: float, length: float = 40.0) -> torch.Tensor:
    """Seven points on a line, nose first, tail base last, around a centre."""
    along = torch.linspace(length / 2, -length / 2, 7)
    direction = torch.tensor([math.cos(angle), math.sin(angle)])
    return torch.tensor(centre) + along[:, None] * direction


def scene(frames: int = 12) -> torch.Tensor:
    """Mouse 0 walks right at 100 px/s; mouse 1 stands at (200, 100) and turns by 0.1 rad a frame."""
    return torch.stack(
        [
            torch.stack((mouse((5.0 * t, 0), 0.0), mouse((200, 100), 3.0 + 0.1 * t)))
            for t in range(frames)
        ]
    )


def features_of(positions: torch.Tensor, lead: int = 0) -> dict[str, torch.Tensor]:
    features = social.frame_features(
        positions[None].clone(), torch.full((1, 1, 1), FPS), np.array([lead]), gap=1
    )[0]
    return dict(zip(FRAME_FEATURES, features.T, strict=True))


def test_there_are_23_frame_features() -> None:
    assert len(FRAME_FEATURES) == len(set(FRAME_FEATURES)) == 23
    assert features_of(scene())["speed0"].shape == (10,)


def test_distances() -> None:
    found = features_of(scene())
    head1 = torch.tensor([200.0, 100]) + 20 * torch.tensor([math.cos(3.2), math.sin(3.2)])
    tail1 = torch.tensor([200.0, 100]) - 20 * torch.tensor([math.cos(3.2), math.sin(3.2)])
    head0, tail0 = torch.tensor([30.0, 0]), torch.tensor([-10.0, 0])

    expected = {
        "centroid_distance": math.hypot(190, 100),
        "head_distance": (head0 - head1).norm().item(),
        "head0_tail1_distance": (head0 - tail1).norm().item(),
        "head1_tail0_distance": (head1 - tail0).norm().item(),
        "body_length0": 40,
        "body_length1": 40,
    }

    assert {name: found[name][0].item() for name in expected} == pytest.approx(expected, rel=1e-5)


def test_kinematics_of_the_centroid() -> None:
    found = features_of(scene())

    for name, value in {"speed0": 100, "velocity_x0": 100, "velocity_y0": 0, "speed1": 0}.items():
        torch.testing.assert_close(found[name], torch.full((10,), float(value)), rtol=0, atol=0.01)
    torch.testing.assert_close(found["acceleration0"], torch.zeros(10), rtol=0, atol=0.1)


def test_angles_are_wrapped() -> None:
    found = features_of(scene())

    for name in ("orientation0", "orientation1", "relative_orientation"):
        assert (found[name].abs() <= math.pi + 1e-6).all()
    assert found["orientation1"][-1] == pytest.approx(3.0 + 1.1 - 2 * math.pi, abs=1e-4)
    # mouse 1 passes π on the way, where an unwrapped difference would be −6.2 · fps
    torch.testing.assert_close(
        found["angular_velocity1"], torch.full((10,), 0.1 * FPS), rtol=1e-3, atol=0
    )
    torch.testing.assert_close(found["relative_orientation"], found["orientation1"])


def test_shapes() -> None:
    found = features_of(scene())
    round_mouse = torch.stack(
        [torch.tensor([math.cos(a), math.sin(a)]) * 7 for a in np.arange(7) * 2 * math.pi / 7]
    )
    round_scene = torch.stack((round_mouse, mouse((0, 0), 0))).expand(5, 2, 7, 2)

    torch.testing.assert_close(found["elongation0"], torch.ones(10))
    spread = (torch.linspace(-20, 20, 7) ** 2).mean().sqrt()
    torch.testing.assert_close(found["spread0"], spread.expand(10))
    assert features_of(round_scene)["elongation0"].abs().max() < 1e-5
    assert features_of(round_scene)["spread0"] == pytest.approx([7.0] * 3)


def test_a_missing_point_masks_what_is_made_of_it() -> None:
    positions = scene()
    positions[6, 0, MARS_7.index("ear_left")] = torch.nan

    found = features_of(positions)

    missing = {name: values.isnan().nonzero().flatten().tolist() for name, values in found.items()}
    # frame 6 is the fifth answered
    assert missing["centroid_distance"] == missing["spread0"] == missing["elongation0"] == [4]
    assert missing["speed0"] == missing["velocity_x0"] == [4, 5]
    assert missing["acceleration0"] == [4, 5, 6]
    untouched = ("head_distance", "body_length0", "orientation0", "angular_velocity0", "speed1")
    assert all(missing[name] == [] for name in untouched)


def test_nothing_is_known_before_the_video() -> None:
    positions = torch.cat((torch.full((6, 2, 7, 2), torch.nan), scene()))

    found = features_of(positions, lead=6)

    assert all(values[:4].isnan().all() for values in found.values())
    assert all(values[4:].isfinite().all() for values in found.values())
    assert found["speed0"][4].item() == pytest.approx(100, rel=1e-4)
    assert found["angular_velocity1"][4].item() == pytest.approx(0.1 * FPS, rel=1e-3)


def test_rolling_statistics_of_the_last_frames() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn((1, 30, 3), generator=generator)
    values[0, 12:14, 1] = torch.nan
    values[0, :, 2] = torch.nan

    rolled = social.rolling(values, frames=10)[0].reshape(21, 4, 3)

    for time in range(21):
        recent = values[0, time : time + 10, :2].numpy()
        expected = [f(recent, axis=0) for f in (np.nanmean, np.nanstd, np.nanmin, np.nanmax)]
        np.testing.assert_allclose(rolled[time, :, :2], expected, rtol=1e-5, atol=1e-6)
    assert rolled[..., 2].isnan().all()
