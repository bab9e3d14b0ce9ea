import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.plotting.smoothing import ema

values = st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), max_size=300)


def plain_ema(y: list[float], weight: float) -> list[float]:
    total = norm = 0.0
    smoothed = []
    for value in y:
        if np.isfinite(value):
            total, norm = weight * total + value, weight * norm + 1
            smoothed.append(total / norm)
        else:
            smoothed.append(value)
    return smoothed


@given(values, st.floats(0, 0.999))
def test_equals_a_plain_loop(y: list[float], weight: float) -> None:
    np.testing.assert_allclose(ema(y, weight), plain_ema(y, weight), rtol=1e-9, atol=1e-6)


def test_keeps_a_constant_from_its_first_value_on() -> None:
    np.testing.assert_allclose(ema(np.full(1000, 3.5), 0.99), 3.5)


def test_no_smoothing_changes_nothing() -> None:
    y = np.random.default_rng(0).normal(size=200)
    np.testing.assert_array_equal(ema(y, 0), y)


def test_passes_over_what_is_not_finite() -> None:
    np.testing.assert_allclose(ema([1, np.nan, np.inf, 3], 0.5), [1, np.nan, np.inf, 7 / 3])


def test_leaves_its_input_alone() -> None:
    y = np.array([1.0, 2.0])
    ema(y, 0.9)
    assert y.tolist() == [1, 2]


@pytest.mark.parametrize("weight", [-0.1, 1.0, 2.0])
def test_a_weight_outside_its_range_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        ema([1.0], weight)
