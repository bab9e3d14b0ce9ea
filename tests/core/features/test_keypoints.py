import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.experiment import KEYPOINT_SET_SIZES
from core.features.keypoints import (
    KEYPOINT_SETS,
    MARS_7,
    SLOTS_18,
    interpolate_gaps,
    is_known,
    slot_of,
)

NAN = np.nan


def track(*x: float) -> np.ndarray:
    """One point of one mouse, y = 2x."""
    values = np.array(x, np.float32)
    return np.stack((values, 2 * values), axis=-1).reshape(len(x), 1, 1, 2)


def test_sets_have_the_sizes_that_the_configuration_counts_on() -> None:
    assert {name: len(slots) for name, slots in KEYPOINT_SETS.items()} == KEYPOINT_SET_SIZES
    assert all(len(set(slots)) == len(slots) for slots in KEYPOINT_SETS.values())
    assert set(MARS_7) <= set(SLOTS_18)


@pytest.mark.parametrize(
    ("part", "slot"),
    [
        ("nose", 0),
        ("head", SLOTS_18.index("neck")),
        ("tail_middle_1", SLOTS_18.index("tail_midpoint")),
        ("tail_middle_2", None),
        ("headpiece_topbackleft", None),
        ("whisker", None),
    ],
)
def test_slot_of(part: str, slot: int | None) -> None:
    assert slot_of(part, SLOTS_18) == slot


def test_slot_of_depends_on_the_set() -> None:
    assert slot_of("tail_base", MARS_7) == 6
    assert slot_of("tail_tip", MARS_7) is None


def test_known_parts_are_slots_aliases_and_the_dropped_ones() -> None:
    assert is_known("nose")
    assert is_known("head")
    assert is_known("headpiece_bottombackleft")
    assert is_known("tail_middle_2")
    assert not is_known("tail_middle_22")
    assert not is_known("whisker")


def test_short_gaps_are_filled_linearly() -> None:
    filled = interpolate_gaps(track(0, NAN, NAN, 3), max_gap=2)
    np.testing.assert_allclose(filled, track(0, 1, 2, 3))


def test_longer_gaps_and_the_ends_stay() -> None:
    positions = track(NAN, 1, NAN, NAN, 4, NAN, 6, NAN)
    filled = interpolate_gaps(positions, max_gap=1)
    np.testing.assert_allclose(filled, track(NAN, 1, NAN, NAN, 4, 5, 6, NAN))


def test_input_is_left_alone() -> None:
    positions = track(0, NAN, 2)
    interpolate_gaps(positions, max_gap=5)
    assert np.isnan(positions[1]).all()


def test_half_a_point_counts_as_missing() -> None:
    positions = track(0, 1, 2)
    positions[1, 0, 0, 1] = NAN
    np.testing.assert_allclose(interpolate_gaps(positions, max_gap=1), track(0, 1, 2))


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 6))
def test_only_gaps_up_to_the_limit_are_filled(missing: list[bool], max_gap: int) -> None:
    x = np.where(missing, NAN, np.arange(len(missing)))
    filled = interpolate_gaps(track(*x), max_gap)[:, 0, 0, 0]
    text = "".join("x" if gone else "." for gone in missing)
    for frame, gone in enumerate(missing):
        left, right = text.rfind(".", 0, frame), text.find(".", frame)
        fillable = left >= 0 and right >= 0 and right - left - 1 <= max_gap
        if not gone or fillable:
            assert filled[frame] == pytest.approx(frame)
        else:
            assert np.isnan(filled[frame])


def test_no_frames() -> None:
    assert interpolate_gaps(np.empty((0, 2, 7, 2), np.float32), 5).shape == (0, 2, 7, 2)
