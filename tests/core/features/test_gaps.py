import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.features.gaps import interpolate

NAN = torch.nan


def track(*x: float) -> torch.Tensor:
    """One point of one mouse, y = 2x."""
    values = torch.tensor(x, dtype=torch.float32)
    return torch.stack((values, 2 * values), dim=-1).view(len(x), 1, 1, 2)


def test_short_gaps_are_filled_linearly() -> None:
    filled = interpolate(track(0, NAN, NAN, 3), max_gap=2)
    np.testing.assert_allclose(filled, track(0, 1, 2, 3))


def test_longer_gaps_and_the_ends_stay() -> None:
    positions = track(NAN, 1, NAN, NAN, 4, NAN, 6, NAN)
    filled = interpolate(positions, max_gap=1)
    np.testing.assert_allclose(filled, track(NAN, 1, NAN, NAN, 4, 5, 6, NAN))


def test_input_is_left_alone() -> None:
    positions = track(0, NAN, 2)
    interpolate(positions, max_gap=5)
    assert positions[1].isnan().all()


def test_half_a_point_counts_as_missing() -> None:
    positions = track(0, 1, 2)
    positions[1, 0, 0, 1] = NAN
    np.testing.assert_allclose(interpolate(positions, max_gap=1), track(0, 1, 2))


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 6))
def test_only_gaps_up_to_the_limit_are_filled(missing: list[bool], max_gap: int) -> None:
    x = np.where(missing, NAN, np.arange(len(missing)))
    filled = interpolate(track(*x), max_gap)[:, 0, 0, 0]
    text = "".join("x" if gone else "." for gone in missing)
    for frame, gone in enumerate(missing):
        left, right = text.rfind(".", 0, frame), text.find(".", frame)
        fillable = left >= 0 and right >= 0 and right - left - 1 <= max_gap
        if not gone or fillable:
            assert filled[frame] == pytest.approx(frame)
        else:
            assert filled[frame].isnan()


def test_no_frames() -> None:
    assert interpolate(torch.empty(0, 2, 7, 2), 5).shape == (0, 2, 7, 2)
