"""Averaging what models say of pairs."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from core.evaluation.pair_probabilities import PairProbabilities
from core.inference.pair_sums import PairSums

NAN = np.nan


def said(pairs: list[tuple[int, int]], values: object) -> PairProbabilities:
    """``values``: (pairs, frames, two actions)."""
    agents, targets = np.array(pairs, np.int64).T
    array = np.array(values, np.float32)
    return PairProbabilities("9", "lab", 25.0, agents, targets, ("rest", "sniff"), array)


def test_one_model_is_its_own_mean(tmp_path: Path) -> None:
    sums = PairSums(tmp_path)
    assert sums.mean("9") is None
    one = said([(1, 2), (2, 2)], [[[NAN, 0.5], [NAN, 0.7]], [[0.1, NAN], [0.2, NAN]]])
    sums.add(one, weight=3)
    mean = sums.mean("9")
    assert mean is not None
    assert (mean.unit, mean.frames_per_second, mean.actions) == (one.unit, 25.0, one.actions)
    np.testing.assert_array_equal([mean.agents, mean.targets], [one.agents, one.targets])
    np.testing.assert_allclose(mean.values, one.values, rtol=1e-6)


def test_models_count_where_they_say_something(tmp_path: Path) -> None:
    sums = PairSums(tmp_path)
    sums.add(said([(1, 2)], [[[NAN, 0.2], [NAN, 0.4], [NAN, 0.4]]]))
    sums.add(said([(2, 1), (1, 2)], [[[0.9, NAN], [0.9, NAN]], [[NAN, 0.8], [NAN, 1.0]]]), 2)
    mean = sums.mean("9")
    assert mean is not None
    assert list(zip(mean.agents, mean.targets, strict=True)) == [(1, 2), (2, 1)]
    expected = [[[NAN, 0.6], [NAN, 0.8]], [[0.9, NAN], [0.9, NAN]]]  # frames that both have
    np.testing.assert_allclose(mean.values, expected, rtol=1e-6)


def test_models_of_other_actions_are_matched_by_name(tmp_path: Path) -> None:
    sums = PairSums(tmp_path)
    sums.add(said([(1, 2)], [[[NAN, 0.2]]]))
    other = dataclasses.replace(said([(1, 2)], [[[0.4, 0.6]]]), actions=("sniff", "chase"))
    sums.add(other)
    mean = sums.mean("9")
    assert mean is not None
    assert mean.actions == ("rest", "sniff", "chase")
    np.testing.assert_allclose(mean.values, [[[NAN, 0.3, 0.6]]], rtol=1e-6)


def test_nothing_to_say_is_kept_as_such(tmp_path: Path) -> None:
    sums = PairSums(tmp_path)
    sums.add(said([(1, 2)], [[[NAN, NAN], [NAN, NAN]]]))
    mean = sums.mean("9")
    assert mean is not None
    assert mean.frames == 2
    assert not mean.annotated.any()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_does_not_matter(tmp_path: Path, order: tuple[int, int]) -> None:
    both = [said([(1, 2)], [[[NAN, 0.2]]]), said([(1, 2)], [[[NAN, 0.4]]])]
    sums = PairSums(tmp_path)
    for each in order:
        sums.add(both[each])
    mean = sums.mean("9")
    assert mean is not None
    np.testing.assert_allclose(mean.values, [[[NAN, 0.3]]], rtol=1e-6)
