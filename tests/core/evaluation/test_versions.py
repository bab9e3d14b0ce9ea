"""Comparing versions is calibrated under no difference, and has power under a real one."""

import numpy as np
import pytest

from core.errors import DataError
from core.evaluation.crossed import group_of, variance_of
from core.evaluation.rows import FN, TP, counts_of, f1_macro
from core.evaluation.versions import compare_versions
from tests.made_up_versions import Luck, share_told_apart, two_versions

STUDIES = 300
ERROR = 3 * (0.07 * 0.93 / STUDIES) ** 0.5
"""Three standard errors of a rate of 7 % in so many studies."""


CHANCE = Luck(skill=-1.0986, seed=0.1)
"""Recall of a quarter and as much of every wrong class: as good as labels that were shuffled."""


@pytest.mark.parametrize(
    ("luck", "videos", "seeds"),
    [
        (Luck(), 5, 2), (Luck(), 40, 2), (Luck(), 12, 3), (Luck(), 20, 6),
        (Luck(seed=0.9), 8, 3), (Luck(seed=0.9), 40, 2), (Luck(seed=0.05), 12, 4),
        (Luck(version=0.5), 8, 4), (Luck(version=0.5), 20, 2),
        (Luck(sizes="unequal"), 20, 3), (Luck(classes="absent"), 12, 3), (CHANCE, 20, 3),
    ],
)  # fmt: skip
def test_equal_versions_are_told_apart_in_about_one_case_of_twenty(
    luck: Luck, videos: int, seeds: int
) -> None:
    rate = share_told_apart(luck, STUDIES, videos, (seeds, seeds), seed=1)
    assert 0.03 - ERROR <= rate <= 0.07 + ERROR


def test_one_run_is_judged_by_the_spread_of_the_others_runs() -> None:
    rate = share_told_apart(Luck(version=0.5), STUDIES, 12, (1, 6), seed=4)
    assert 0.03 - ERROR <= rate <= 0.07 + ERROR


def test_the_seeds_of_either_side_are_luck_too() -> None:
    """The bootstrap over videos alone tells these apart in more than half of the cases."""
    luck = Luck(seed=0.9)
    assert share_told_apart(luck, STUDIES, 20, (3, 3), seed=2, seeds_count=False) > 0.4
    assert share_told_apart(luck, STUDIES, 20, (3, 3), seed=2) <= 0.07 + ERROR


@pytest.mark.parametrize(("seeds", "least"), [(2, 0.2), (3, 0.45), (6, 0.9)])
def test_a_difference_of_two_standard_deviations_is_found(seeds: int, least: float) -> None:
    assert share_told_apart(Luck(), 200, 20, (seeds, seeds), seed=3, gain=2) >= least


def one_study(
    seeds: tuple[int, int] = (3, 3), videos: int = 12, gain: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    a, b = two_versions(Luck(), 1, videos, seeds, np.random.default_rng(seed), gain)
    return counts_of(a[0]), counts_of(b[0])


def test_the_difference_is_of_the_mean_scores() -> None:
    a, b = one_study((3, 5), gain=3)
    result = compare_versions(a, b, f1_macro)
    scores_a, scores_b = f1_macro(a.sum(axis=1)), f1_macro(b.sum(axis=1))
    assert result.difference == pytest.approx(float(scores_b.mean() - scores_a.mean()))
    pooled = (2 * scores_a.var(ddof=1) + 4 * scores_b.var(ddof=1)) / 6
    assert result.seed_sd == pytest.approx(float(pooled) ** 0.5)
    assert (result.seeds, result.seed_freedom, result.units) == ((3, 5), 6, 12)
    assert result.low is not None
    assert result.high is not None
    assert result.low < result.difference < result.high
    assert result.distinguishable is (result.low > 0 or result.high < 0)
    backward = compare_versions(b, a, f1_macro)
    assert (backward.low, backward.high) == pytest.approx((-result.high, -result.low))


def test_the_interaction_is_counted_once() -> None:
    """Where seeds differ in single videos alone, the variance is that over videos, not twice that."""
    rng = np.random.default_rng(5)
    ratios = []
    for _ in range(100):
        a, b = two_versions(Luck(seed=0, interaction=0.5), 1, 20, (6, 6), rng)
        found = variance_of(*(group_of(counts_of(side[0]), f1_macro) for side in (a, b)))
        ratios.append(float(found.over_seeds / found.over_units))
    assert np.mean(ratios) < 0.35


def test_one_run_a_side_says_nothing_of_versions() -> None:
    a, b = one_study((1, 1), gain=5)
    result = compare_versions(a, b, f1_macro)
    assert result.distinguishable is None
    assert (result.low, result.high, result.seed_sd) == (None, None, None)
    assert not result.told_apart


def test_a_spread_known_from_elsewhere_stands_in() -> None:
    runs, others = one_study((7, 1))
    result = compare_versions(runs[:1], others, f1_macro, [runs[1:]])
    assert result.seed_freedom == 5
    assert result.distinguishable is not None
    assert (
        result.seed_sd == compare_versions(runs[1:], others, f1_macro).seed_sd
    )  # one side's stands for both


def test_a_version_against_itself_and_the_truth_against_the_truth_are_ties() -> None:
    a, _ = one_study()
    truth = np.zeros_like(a)
    truth[..., TP] = a[..., TP] + a[..., FN]
    for counts in (a, truth):
        result = compare_versions(counts, counts, f1_macro)
        assert result.difference == 0
        assert result.distinguishable is False
        assert result.probability_b_better == 0.5
    assert compare_versions(truth, truth, f1_macro).low == 0


def test_few_videos_give_an_interval_and_no_verdict() -> None:
    a, b = one_study(videos=4, gain=20)
    few = compare_versions(a, b, f1_macro)
    assert few.low is not None
    assert few.distinguishable is False
    assert not few.trusted
    single = compare_versions(a[:, :1], b[:, :1], f1_macro)
    assert single.low is None
    assert single.distinguishable is False


def test_how_many_seeds_would_tell() -> None:
    a, b = one_study((2, 2), gain=1.5, videos=40)
    result = compare_versions(a, b, f1_macro)
    assert not result.told_apart
    assert result.seeds_needed is not None
    assert 3 <= result.seeds_needed <= 60


def test_runs_that_were_not_scored_alike_are_refused() -> None:
    a, b = one_study()
    with pytest.raises(DataError, match="the same units and labels"):
        compare_versions(a, b[:, :5], f1_macro)
    with pytest.raises(DataError, match=r"expected \(seeds, units, labels, 5\)"):
        compare_versions(a[0], b[0], f1_macro)
    other = b.copy()
    other[:, 3, 1, TP] += 7
    with pytest.raises(DataError, match="unit number 3"):
        compare_versions(a, other, f1_macro)
