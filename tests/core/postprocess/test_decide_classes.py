"""Conversion of probabilities to bouts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.errors import ConfigError
from core.postprocess.decide import find_bouts
from core.postprocess.rules import Rules
from core.postprocess.smoothing import median_filter
from core.tasks.behaviour.probabilities import classes_of


def certain(classes: list[int], number: int = 4) -> np.ndarray:
    """Probabilities that leave no doubt."""
    return np.eye(number, dtype=np.float32)[classes]


def spans(classes: list[int], **rules: int) -> list[tuple[int, int, int]]:
    bouts = find_bouts("v", certain(classes), Rules.likeliest(**rules))
    return [(bout.class_index, bout.start_frame, bout.stop_frame) for bout in bouts]


@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 60), st.just(4)), elements=st.floats(0, 1, width=32)
    )
)
def test_without_rules_the_bouts_are_the_classes(probabilities: np.ndarray) -> None:
    painted = np.zeros(len(probabilities), np.uint8)
    for bout in find_bouts("v", probabilities):
        assert (painted[bout.start_frame : bout.stop_frame] == 0).all()
        painted[bout.start_frame : bout.stop_frame] = bout.class_index
    np.testing.assert_array_equal(painted, classes_of(probabilities))


def test_stop_is_exclusive_and_the_background_is_no_bout() -> None:
    assert spans([0, 2, 2, 0, 1]) == [(2, 1, 3), (1, 4, 5)]
    assert spans([0, 0]) == []


def test_a_bout_knows_its_class_mean_probability() -> None:
    probabilities = np.array([[0.4, 0.6], [0.2, 0.8], [0.9, 0.1]], np.float32)
    (bout,) = find_bouts("video", probabilities)
    assert bout.video_id == "video"
    assert bout.probability == pytest.approx(0.7)


def test_gaps_up_to_the_limit_are_merged_within_a_class() -> None:
    classes = [1, 0, 0, 1, 0, 0, 0, 1]
    assert spans(classes, merge_gap=2) == [(1, 0, 4), (1, 7, 8)]
    assert spans(classes, merge_gap=3) == [(1, 0, 8)]


def test_merging_does_not_run_over_another_class() -> None:
    assert spans([1, 0, 2, 0, 1], merge_gap=9) == [(1, 0, 1), (2, 2, 3), (1, 4, 5)]


def test_neighbouring_classes_are_not_merged() -> None:
    assert spans([1, 1, 2, 2], merge_gap=9) == [(1, 0, 2), (2, 2, 4)]


def test_short_bouts_are_dropped_after_merging() -> None:
    assert spans([1, 0, 1, 0, 0, 0, 3, 0], merge_gap=1, min_frames=3) == [(1, 0, 3)]


def test_the_median_removes_single_frames_and_keeps_edges() -> None:
    assert spans([1, 1, 1, 0, 1, 1, 0, 0, 0, 2, 0], median_frames=3) == [(1, 0, 6)]


def test_the_median_never_invents_a_class_between_two() -> None:
    assert {index for index, _, _ in spans([0, 3, 0, 3, 0, 3, 3, 3], median_frames=3)} <= {0, 3}


def test_the_median_is_that_of_numpy_around_each_frame() -> None:
    values = np.random.default_rng(0).random((30, 3), dtype=np.float32)
    padded = np.concatenate([values[:1]] * 2 + [values] + [values[-1:]] * 2)
    expected = [np.median(padded[frame : frame + 5], axis=0) for frame in range(30)]
    np.testing.assert_array_equal(median_filter(values, 5), np.array(expected))


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        ({"median_frames": 4}, "median_frames"),
        ({"median_frames": -1}, "median_frames"),
        ({"merge_gap": -1}, "merge_gap"),
        ({"min_frames": 0}, "min_frames"),
    ],
)
def test_impossible_rules_are_named(rules: dict[str, int], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        Rules.likeliest(**rules)
