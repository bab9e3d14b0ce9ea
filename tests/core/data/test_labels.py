import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.competition import Bouts
from core.data.labels import (
    ACTIONS,
    PAIR_ACTIONS,
    SELF_ACTIONS,
    ActionMap,
    bouts_of,
    frame_classes,
)
from core.errors import ConfigError

CLASSES = ("other", "social", "mating", "aggressive")
ACTION_OF = {"sniff": "social", "mount": "mating", "attack": "aggressive", "rest": "other"}
MAP = ActionMap(ACTION_OF, CLASSES)


def make(*rows: tuple[str, int, int]) -> Bouts:
    ones = np.ones(len(rows), np.int64)
    return Bouts(
        agent=ones,
        target=ones + 1,
        action=np.array([row[0] for row in rows], object),
        start=np.array([row[1] for row in rows], np.int64),
        stop=np.array([row[2] for row in rows], np.int64),
    )


def test_the_37_actions() -> None:
    assert (len(SELF_ACTIONS), len(PAIR_ACTIONS), len(ACTIONS)) == (11, 26, 37)
    assert len(set(ACTIONS)) == 37


def test_stop_is_exclusive() -> None:
    assert frame_classes(make(("sniff", 1, 3)), 5, MAP).tolist() == [0, 1, 1, 0, 0]


def test_the_higher_class_wins_whatever_the_order() -> None:
    bouts = [("attack", 1, 3), ("sniff", 0, 5), ("mount", 2, 4)]
    for order in (bouts, bouts[::-1]):
        assert frame_classes(make(*order), 6, MAP).tolist() == [1, 3, 3, 2, 1, 0]


def test_bouts_are_cut_at_the_video() -> None:
    bouts = make(("sniff", -3, 1), ("attack", 3, 99), ("mount", 50, 60))
    assert frame_classes(bouts, 4, MAP).tolist() == [1, 0, 0, 3]


def test_bouts_of_no_length_cover_nothing() -> None:
    assert not frame_classes(make(("sniff", 2, 2), ("attack", 3, 1)), 4, MAP).any()


def test_unmapped_actions_are_the_background() -> None:
    assert not frame_classes(make(("rear", 0, 4), ("rest", 0, 4)), 4, MAP).any()
    assert "rest" in MAP
    assert "rear" not in MAP
    assert MAP.index_of("rear") == 0


def test_result_is_one_byte_a_frame() -> None:
    classes = frame_classes(make(), 3, MAP)
    assert (classes.dtype, classes.shape) == (np.uint8, (3,))


def test_an_action_of_no_class() -> None:
    with pytest.raises(ConfigError, match=r"actions\.bite: 'agressive' is not one of the classes"):
        ActionMap({"bite": "agressive"}, CLASSES)


def test_runs_of_a_class() -> None:
    runs = bouts_of(np.array([0, 1, 1, 3, 0, 2], np.uint8))
    assert list(zip(runs.index, runs.start, runs.stop, strict=True)) == [
        (1, 1, 3),
        (3, 3, 4),
        (2, 5, 6),
    ]
    assert len(bouts_of(np.array([0, 1, 1, 3, 0, 2], np.uint8), background=None)) == 5


def test_no_frames_have_no_runs() -> None:
    assert len(bouts_of(np.zeros(0, np.uint8), background=None)) == 0


@given(st.lists(st.integers(0, 3), max_size=60))
def test_classes_to_bouts_and_back(values: list[int]) -> None:
    classes = np.array(values, np.uint8)
    name = {MAP.index_of(action): action for action in ACTION_OF}
    runs = bouts_of(classes)
    rows = [(name[i], s, e) for i, s, e in zip(runs.index, runs.start, runs.stop, strict=True)]
    np.testing.assert_array_equal(frame_classes(make(*rows), len(classes), MAP), classes)


@given(
    st.lists(
        st.tuples(st.sampled_from([*ACTION_OF, "rear"]), st.integers(0, 40), st.integers(0, 40))
    )
)
def test_each_frame_has_the_highest_class_over_it(rows: list[tuple[str, int, int]]) -> None:
    classes = frame_classes(make(*rows), 30, MAP)
    for frame, found in enumerate(classes):
        over = [MAP.index_of(action) for action, start, stop in rows if start <= frame < stop]
        assert found == max(over, default=0)
