"""Averages over seeds."""

import pytest

from core.evaluation.spread import mean_std


def test_mean_and_deviation_over_seeds() -> None:
    assert mean_std([0.4, 0.5, 0.6]) == pytest.approx((0.5, 0.1))
    assert mean_std([0.4]) == (0.4, None)
    with pytest.raises(ValueError, match="no value"):
        mean_std([])
