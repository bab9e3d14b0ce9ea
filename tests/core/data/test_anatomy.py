import numpy as np
import numpy.typing as npt
import pytest

from core.data.anatomy import BODY, FEWEST_FRAMES, misplaced
from core.data.keypoints import MARS_7, SLOTS_18

Positions = npt.NDArray[np.float32]


def walking(slots: tuple[str, ...], frames: int = 300, body: float = 120.0) -> Positions:
    """Return a turning mouse, ``(frames, keypoints, 2)``, with noise and gaps."""
    rng = np.random.default_rng(3)
    heading = rng.normal(0, 0.1, frames).cumsum()
    along = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    left = np.stack([-np.sin(heading), np.cos(heading)], axis=-1)
    place = np.array([BODY[slot] for slot in slots])
    positions = along[:, None] * place[:, :1] + left[:, None] * place[:, 1:]
    positions = 400 + body * (positions + rng.normal(0, 0.03, positions.shape))
    positions[rng.random(positions.shape[:2]) < 0.1] = np.nan
    return positions.astype(np.float32)


def test_every_slot_has_its_place() -> None:
    assert set(BODY) == set(SLOTS_18)


@pytest.mark.parametrize("slots", [SLOTS_18, MARS_7], ids=["mabe18", "mars7"])
@pytest.mark.parametrize("body", [4.0, 120.0, 900.0])
def test_a_mouse_has_its_parts_where_they_belong(slots: tuple[str, ...], body: float) -> None:
    assert misplaced(walking(slots, body=body), slots) == ()


def test_exchanged_parts_are_named() -> None:
    positions = walking(MARS_7)
    nose, base = MARS_7.index("nose"), MARS_7.index("tail_base")
    positions[:, [nose, base]] = positions[:, [base, nose]]
    assert {"nose", "tail_base"} <= {*misplaced(positions, MARS_7)}


def test_shuffled_parts_are_noticed() -> None:
    rng = np.random.default_rng(5)
    positions = walking(SLOTS_18)
    shuffled = [misplaced(positions[:, rng.permutation(18)], SLOTS_18) for _ in range(20)]
    assert all(shuffled)


def test_bad_frames_are_no_anatomy() -> None:
    positions = walking(MARS_7)
    positions[:120] = positions[:120, ::-1]  # scrambled for less than half of the time
    assert misplaced(positions, MARS_7) == ()


def test_what_is_hardly_tracked_says_nothing() -> None:
    scrambled = walking(MARS_7)[:, [6, 1, 2, 3, 4, 5, 0]]
    assert misplaced(scrambled, MARS_7)
    for few in (scrambled[: FEWEST_FRAMES - 1], scrambled[:, :3], np.full_like(scrambled, np.nan)):
        assert misplaced(few, MARS_7) == ()


@pytest.mark.parametrize(("factor", "impossible"), [(1.0, False), (1.8, False), (6.0, True)])
def test_labs_may_place_a_part_differently(factor: float, impossible: bool) -> None:
    slots = ("nose", "ear_left", "ear_right", "body_center", "tail_base")
    positions = walking(slots)
    positions[:, 0] += (factor - 1) * (positions[:, 0] - positions[:, 1:3].mean(axis=1))
    assert ("nose" in misplaced(positions, slots)) is impossible
