import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import DataError
from core.evaluation.paired import paired_bootstrap
from core.evaluation.rows import FN, TP, Floats, accuracy, counts_of, f1_macro

SHARES = np.array([0.8, 0.1, 0.06, 0.04])


def scored(rng: np.random.Generator, truth: NDArray[np.int64], skill: float) -> NDArray[np.int64]:
    """Confusions of a classifier whose recall varies from video to video around ``skill``."""
    recall = np.clip(skill + 0.1 * rng.standard_normal(truth.shape), 0.05, 0.98)
    probabilities = np.repeat(((1 - recall) / 3)[..., None], 4, axis=-1)
    np.einsum("vcc->vc", probabilities)[...] = recall
    return rng.multinomial(truth, probabilities)


def two_runs(rng: np.random.Generator, videos: int, gain: float = 0.0) -> tuple[Floats, Floats]:
    truth = rng.multinomial(rng.integers(500, 3000, videos), SHARES)
    return counts_of(scored(rng, truth, 0.7)), counts_of(scored(rng, truth, 0.7 + gain))


def share_distinguishable(videos: int, gain: float, studies: int) -> float:
    rng = np.random.default_rng(7)
    results = [
        paired_bootstrap(*two_runs(rng, videos, gain), f1_macro, resamples=1000)
        for _ in range(studies)
    ]
    return sum(result.distinguishable for result in results) / studies


# About three standard errors above what 1,500 studies gave (in the module's docstring); the plain
# percentile interval fails the first.
@pytest.mark.parametrize(("videos", "most"), [(5, 0.135), (20, 0.10)])
def test_equal_runs_are_told_apart_about_one_time_in_twenty(videos: int, most: float) -> None:
    assert 0.015 <= share_distinguishable(videos, gain=0.0, studies=300) <= most


def test_a_real_difference_is_found() -> None:
    assert share_distinguishable(20, gain=0.1, studies=50) >= 0.9


def test_the_result_describes_the_pooled_difference() -> None:
    a, b = two_runs(np.random.default_rng(0), 30, gain=0.1)
    result = paired_bootstrap(a, b, f1_macro)
    assert result.difference == pytest.approx(float(f1_macro(b.sum(0)) - f1_macro(a.sum(0))))
    assert result.low is not None
    assert result.high is not None
    assert 0 < result.low < result.difference < result.high
    assert result.distinguishable
    assert result.probability_b_better == 1.0
    assert (result.units, result.resamples, result.level) == (30, 10_000, 0.95)
    assert result == paired_bootstrap(a, b, f1_macro)
    assert result != paired_bootstrap(a, b, f1_macro, seed=1)


def test_swapping_the_runs_mirrors_the_result() -> None:
    a, b = two_runs(np.random.default_rng(3), 12)
    forward, backward = paired_bootstrap(a, b, accuracy), paired_bootstrap(b, a, accuracy)
    assert forward.low is not None
    assert backward.high is not None
    assert forward.difference == pytest.approx(-backward.difference)
    assert forward.low == pytest.approx(-backward.high)


def test_resampling_matches_a_plain_loop() -> None:
    a, b = two_runs(np.random.default_rng(4), 9)
    rng = np.random.default_rng(5)
    loop = []
    for _ in range(4000):
        drawn = rng.integers(0, 9, 9)
        loop.append(float(f1_macro(b[drawn].sum(0)) - f1_macro(a[drawn].sum(0))))
    result = paired_bootstrap(a, b, f1_macro)
    assert result.probability_b_better == pytest.approx(np.mean(np.array(loop) > 0), abs=0.03)


def test_a_run_against_itself_is_a_tie() -> None:
    a, _ = two_runs(np.random.default_rng(0), 8)
    result = paired_bootstrap(a, a, f1_macro)
    assert (result.difference, result.low, result.high) == (0, 0, 0)
    assert result.probability_b_better == 0.5
    assert not result.distinguishable


def test_few_videos_give_no_verdict() -> None:
    a, _ = two_runs(np.random.default_rng(0), 4)
    b = np.zeros_like(a)  # without a fault
    b[..., TP] = a[..., TP] + a[..., FN]
    result = paired_bootstrap(a, b, f1_macro)
    assert result.low is not None
    assert result.low > 0
    assert not result.distinguishable
    assert not result.trusted

    single = paired_bootstrap(a[:1], b[:1], f1_macro)
    assert (single.low, single.high, single.probability_b_better) == (None, None, None)
    assert not single.distinguishable


def test_runs_that_cannot_be_compared_are_refused() -> None:
    a, b = two_runs(np.random.default_rng(0), 6)
    with pytest.raises(DataError, match="same units and labels"):
        paired_bootstrap(a, b[:5], f1_macro)
    with pytest.raises(DataError, match="got \\(0, 4, 5\\)"):
        paired_bootstrap(a[:0], b[:0], f1_macro)
    other_truth = b.copy()
    other_truth[2, 1, TP] += 1
    with pytest.raises(DataError, match="unit number 2 "):
        paired_bootstrap(a, other_truth, f1_macro)
