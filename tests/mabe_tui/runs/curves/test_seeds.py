"""The mean over seeds includes all of them at every point, and comes with their spread."""

import numpy as np
import pytest

from mabe_tui.plotting.band import Band
from mabe_tui.runs.curves.curves import Curve
from mabe_tui.runs.curves.seeds import over_seeds, series_over_seeds


def seed(x: list[float], y: list[float], superseded: int = 0) -> Curve:
    count = len(x)
    return Curve(
        name="f1_macro",
        x=np.array(x),
        y=np.array(y),
        superseded=np.arange(count) < superseded,
        attempts=("0001-aaaa",),
        attempt=np.zeros(count),
        seq=np.arange(count, dtype=float),
        time=np.zeros(count),
    )


def test_mean_and_sample_deviation_of_each_epoch() -> None:
    values = np.random.default_rng(0).random((3, 5))
    found = over_seeds([seed([1, 2, 3, 4, 5], row) for row in values.tolist()])
    assert (found.seeds, found.x.tolist()) == (3, [1, 2, 3, 4, 5])
    assert found.mean == pytest.approx(values.mean(axis=0))
    assert found.std == pytest.approx(values.std(axis=0, ddof=1))
    assert found.alone == ()


def test_the_mean_ends_where_a_seed_ends_and_the_others_go_on_alone() -> None:
    found = over_seeds([seed([1, 2], [0.2, 0.4]), seed([1, 2, 3, 4], [0.4, 0.6, 0.9, 0.9])])
    assert found.x.tolist() == [1, 2]
    assert found.mean == pytest.approx([0.3, 0.5])
    ((x, y),) = found.alone
    assert (x.tolist(), y.tolist()) == ([2, 3, 4], [0.6, 0.9, 0.9])


def test_seeds_measured_at_other_moments_are_averaged_between_their_points() -> None:
    found = over_seeds([seed([0, 10, 20], [0, 10, 20]), seed([5, 15, 25], [7, 17, 27])])
    assert found.x.tolist() == [5, 10, 15, 20]
    assert found.mean == pytest.approx([6, 11, 16, 21])
    assert found.std == pytest.approx([2**0.5] * 4)
    (first, last) = ((x.tolist(), y.tolist()) for x, y in found.alone)
    assert first == ([0, 5], [0, 5])
    assert last == ([20, 25], [22, 27])


def test_what_a_resume_took_back_does_not_count() -> None:
    found = over_seeds([seed([1, 1, 2], [9, 1, 1], superseded=1), seed([1, 2], [3, 3])])
    assert found.mean.tolist() == [2, 2]


def test_a_seed_without_a_number_breaks_the_mean_there_alone() -> None:
    found = over_seeds([seed([1, 2, 3], [1, np.nan, 1]), seed([1, 2, 3], [3, 3, 3])])
    assert np.isnan(found.mean).tolist() == [False, True, False]


def test_the_line_is_smoothed_and_the_band_is_not() -> None:
    found = over_seeds([seed([1, 2, 3], [0, 4, 0]), seed([1, 2, 3], [2, 6, 2])])
    band, line = series_over_seeds(found, "v6", "dashed", smooth=0.5)
    assert isinstance(band, Band)
    x, lower, upper = band.ends
    assert (lower + upper) / 2 == pytest.approx([1, 5, 1])
    assert line.points[1][1] == pytest.approx((1 * 0.5 + 5) / 1.5)
    assert (line.name, line.style) == ("v6 (2 seeds)", "dashed")
    assert x.tolist() == [1, 2, 3]
