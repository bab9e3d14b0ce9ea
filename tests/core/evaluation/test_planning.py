"""Studies of the planned size have about the power they were planned for, and equal versions have no plan."""

import numpy as np
import pytest

from core.evaluation.crossed import group_of
from core.evaluation.planning import Parts, parts_of, plan_for
from core.evaluation.rows import counts_of, f1_macro
from core.evaluation.versions import compare_versions
from tests.made_up_versions import Luck, share_told_apart, two_versions

PILOTS, SEEDS = 40, 8
VIDEOS = 20


def well_known(luck: Luck, gain: float) -> tuple[Parts, float]:
    """The parts of the variance and the difference of two made-up versions, averaged over many pilots."""
    rng = np.random.default_rng(9)
    made = two_versions(luck, PILOTS, VIDEOS, (SEEDS, SEEDS), rng, gain)
    pairs = [*zip(*map(counts_of, made), strict=True)]
    parts = [parts_of(group_of(a, f1_macro), group_of(b, f1_macro)) for a, b in pairs]
    names = ("of_versions", "interaction", "spread")
    means = (float(np.mean([getattr(each, name) for each in parts])) for name in names)
    scores = [[f1_macro(side.sum(axis=1)).mean() for side in pair] for pair in pairs]
    return Parts(*means, VIDEOS), float(np.mean(np.diff(scores)))


@pytest.mark.parametrize(("luck", "gain"), [(Luck(), 1.5), (Luck(version=0.5), 2.0)])
def test_the_planned_seeds_have_about_the_stated_power(luck: Luck, gain: float) -> None:
    parts, difference = well_known(luck, gain)
    plan = plan_for(parts, difference, 0.0, (2, 2))
    assert plan.each is not None
    assert plan.more_seeds == (plan.each - 2, plan.each - 2)
    assert 0.7 <= share_told_apart(luck, 300, VIDEOS, (plan.each, plan.each), 7, gain) <= 0.92
    fewer = max(plan.each // 3, 2)
    assert share_told_apart(luck, 300, VIDEOS, (fewer, fewer), 7, gain) < 0.6


def test_more_videos_help_where_the_videos_are_the_luck() -> None:
    luck = Luck(seed=0.1, version=0.8)
    parts, difference = well_known(luck, 4)
    plan = plan_for(parts, difference, 0.0, (6, 6))
    assert plan.more_seeds is None  # no number of seeds makes up for the videos
    assert plan.more_units is not None
    videos = VIDEOS + plan.more_units
    assert 0.55 <= share_told_apart(luck, 150, videos, (6, 6), 8, 4) <= 0.92


def test_a_side_with_more_seeds_needs_fewer_or_none() -> None:
    parts = Parts(0.0, 1e-5, 4e-4, VIDEOS)
    plan = plan_for(parts, 0.03, 0.01, (20, 2))
    assert plan.more_seeds is not None
    assert plan.more_seeds[0] == 0
    assert plan.more_seeds[1] >= 1
    assert plan.each is not None


def test_a_version_against_itself_has_no_plan() -> None:
    a, _ = two_versions(Luck(), 1, VIDEOS, (3, 3), np.random.default_rng(0))
    found = compare_versions(counts_of(a[0]), counts_of(a[0]), f1_macro)
    assert found.plan is not None
    assert found.plan.is_tie
    assert found.plan.within_error
    assert (found.plan.more_seeds, found.plan.more_units, found.seeds_needed) == (None, None, None)


def test_equal_versions_are_mostly_within_the_error() -> None:
    """Of equal versions, two in three differ by less than a standard error, and the plan says so."""
    made = two_versions(Luck(), 60, VIDEOS, (3, 3), np.random.default_rng(4))
    pairs = zip(*map(counts_of, made), strict=True)
    plans = [compare_versions(a, b, f1_macro).plan for a, b in pairs]
    assert 0.5 <= np.mean([plan is not None and plan.within_error for plan in plans]) <= 0.85
