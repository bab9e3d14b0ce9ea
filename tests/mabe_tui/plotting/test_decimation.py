from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mabe_tui.plotting.decimation import ABOVE, BELOW, FACTOR, NAN, Envelope, Pyramid

samples = st.lists(
    st.floats(-100, 100) | st.sampled_from([np.nan, np.inf, -np.inf]), min_size=1, max_size=300
)


def pyramid(values: list[float]) -> Pyramid:
    return Pyramid(np.arange(len(values), dtype=float), np.array(values, dtype=float))


@given(samples, st.integers(1, 20))
def test_columns_of_few_samples_are_exact(values: list[float], columns: int) -> None:
    edges = np.linspace(-0.5, len(values) - 0.5, columns + 1)
    at, envelope = pyramid(values).columns(edges)
    y, x = np.array(values), np.arange(len(values))
    inside = [y[(x >= low) & (x < high)] for low, high in pairwise(edges)]
    assert at.tolist() == [number for number, column in enumerate(inside) if column.size]
    for run, number in enumerate(at):
        column = inside[number]
        finite = column[np.isfinite(column)]
        if finite.size:
            assert envelope.low[run] == finite.min()
            assert envelope.high[run] == finite.max()
        else:
            assert np.isnan(envelope.low[run])
        for end, index in ((envelope.first, 0), (envelope.last, -1)):
            expected = column[index] if np.isfinite(column[index]) else np.nan
            np.testing.assert_equal(end[run], expected)
        expected_bits = (
            int(NAN) * bool(np.isnan(column).any())
            + int(ABOVE) * bool(np.isposinf(column).any())
            + int(BELOW) * bool(np.isneginf(column).any())
        )
        assert envelope.trouble[run] == expected_bits


@given(st.integers(0, 99_999), st.integers(3, 200), st.sampled_from([50.0, -50.0, np.nan, np.inf]))
def test_no_peak_is_lost_and_none_strays_beyond_a_column(
    place: int, columns: int, peak: float
) -> None:
    y = np.zeros(100_000)
    y[place] = peak
    edges = np.linspace(-0.5, len(y) - 0.5, columns + 1)
    at, envelope = Pyramid(np.arange(len(y), dtype=float), y).columns(edges)
    odd = (envelope.low != 0) | (envelope.high != 0) | (envelope.trouble > 0)
    assert odd.sum() == 1
    exact = np.searchsorted(edges, place, side="right") - 1
    assert abs(int(at[odd][0]) - exact) <= 1


def test_levels_shrink_by_the_factor() -> None:
    levels = pyramid([0.0] * (FACTOR**2 + 1)).levels
    assert [len(level) for level in levels] == [FACTOR**2 + 1, FACTOR + 1, 2]


def test_zooming_in_falls_back_to_the_samples() -> None:
    tall = pyramid(np.arange(100_000.0).tolist())
    at, envelope = tall.columns(np.linspace(499.5, 509.5, 11))
    assert at.tolist() == list(range(10))
    assert envelope.low.tolist() == list(range(500, 510))
    assert tall.count(500, 509) == 10
    assert tall.samples(500, 509).x.tolist() == list(range(499, 511))


def test_the_run_that_the_left_edge_cuts_is_not_lost() -> None:
    y = np.zeros(100_000)
    y[1030:1088] = 1.0  # in the bucket of samples 1024 to 1087
    at, envelope = Pyramid(np.arange(len(y), dtype=float), y).columns(np.linspace(1040, 90_000, 11))
    assert at[0] == 0
    assert envelope.high[0] == 1.0


def test_columns_between_samples_are_left_out() -> None:
    sparse = Pyramid(np.array([0.0, 9.0]), np.array([1.0, 2.0]))
    at, envelope = sparse.columns(np.linspace(-0.5, 9.5, 11))
    assert at.tolist() == [0, 9]
    assert envelope.high.tolist() == [1.0, 2.0]
    assert len(sparse.columns(np.array([20.0, 21.0]))[0]) == 0


def test_logarithms_set_apart_what_has_none() -> None:
    raw = Envelope.of_samples(np.arange(4.0), np.array([100.0, 0.0, -1.0, 10.0]))
    single = raw.log10()
    np.testing.assert_equal(single.low, [2, np.nan, np.nan, 1])
    assert single.trouble.tolist() == [0, BELOW, BELOW, 0]
    merged = raw.merged(np.array([0])).log10()
    assert (merged.low[0], merged.high[0], merged.trouble[0]) == (2, 2, BELOW)
    assert raw.bounds() == (-1, 100)
    assert raw.bounds(above_zero=True) == (10, 100)


def test_samples_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="in order of x"):
        Pyramid(np.array([1.0, 0.0]), np.zeros(2))
