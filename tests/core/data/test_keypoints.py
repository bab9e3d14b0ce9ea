import pytest

from core.data.keypoints import (
    KEYPOINT_SET_SIZES,
    KEYPOINT_SETS,
    MARS_7,
    SLOTS_18,
    is_known,
    slot_of,
)


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
