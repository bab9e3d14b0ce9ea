import numpy as np
import pytest

from core.data.keypoints import MARS_7, SLOTS_18
from core.errors import ConfigError
from core.features.mirror import middle, mirrored, mirrored_slots

POSITIONS = np.random.default_rng(1).normal(200, 50, (40, 2, 18, 2)).astype(np.float32)
POSITIONS[3, 1, 4] = np.nan


@pytest.mark.parametrize("slots", [MARS_7, SLOTS_18])
def test_left_and_right_change_places_and_the_rest_stays(slots):
    there = mirrored_slots(slots)
    assert [there[there[slot]] for slot in range(len(slots))] == list(range(len(slots)))
    for slot, other in zip(slots, there, strict=True):
        assert (slots[other] == slot) == ("left" not in slot and "right" not in slot)


def test_an_image_of_an_image_is_the_original_and_stays_in_the_arena():
    before = POSITIONS.copy()
    image = mirrored(POSITIONS, SLOTS_18)
    np.testing.assert_array_equal(POSITIONS, before)
    assert middle(image) == pytest.approx(middle(POSITIONS), abs=0.01)
    np.testing.assert_allclose(mirrored(image, SLOTS_18), POSITIONS, atol=1e-3)
    left, right = SLOTS_18.index("ear_left"), SLOTS_18.index("ear_right")
    np.testing.assert_array_equal(image[:, :, left, 1], POSITIONS[:, :, right, 1])
    ours = mirrored(POSITIONS, SLOTS_18, axis=100)
    np.testing.assert_allclose(ours[:, :, left, 0], 200 - POSITIONS[:, :, right, 0], rtol=1e-5)


def test_the_image_of_a_mouse_is_a_mouse():
    """Its left ear is still to the left of its nose, and two mice are as far apart."""
    image = mirrored(POSITIONS, SLOTS_18)

    def turn(at):
        nose, left, right = (at[:, 0, SLOTS_18.index(n)] for n in ("nose", "ear_left", "ear_right"))
        first, second = left - nose, right - nose
        return first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]

    def apart(at):
        return np.linalg.norm(at[:, 0, 0] - at[:, 1, 0], axis=-1)

    np.testing.assert_allclose(turn(image), turn(POSITIONS), atol=1, rtol=1e-3)
    np.testing.assert_allclose(apart(image), apart(POSITIONS), rtol=1e-4)


def test_a_side_without_its_counterpart_is_refused():
    with pytest.raises(ConfigError, match="ear_left without their counterpart"):
        mirrored_slots(("nose", "ear_left"))


def test_nothing_tracked_stays_nothing():
    nothing = np.full((5, 2, 7, 2), np.nan, np.float32)
    assert np.isnan(mirrored(nothing, MARS_7)).all()
