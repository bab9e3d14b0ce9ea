from functools import reduce

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.features.standardise import FeatureStatistics, Moments


def moments_of(*chunks: torch.Tensor) -> FeatureStatistics:
    return reduce(Moments.merged, map(Moments.of, chunks)).statistics()


@given(
    cuts=st.lists(st.integers(0, 200), max_size=5).map(sorted),
    missing=st.floats(0, 0.9),
    seed=st.integers(0, 100),
)
def test_chunks_make_no_difference(cuts: list[int], missing: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal([1000, -3, 0], [0.5, 40, 1], (200, 3))
    values[rng.random((200, 3)) < missing] = np.nan
    values[0] = [1000, -3, 0]
    chunks = np.split(values.astype(np.float32), cuts)

    statistics = moments_of(*(torch.from_numpy(chunk) for chunk in chunks))

    kept = values.astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(statistics.mean, np.nanmean(kept, axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(statistics.std, np.nanstd(kept, axis=0), rtol=1e-5, atol=1e-6)


def test_large_mean_keeps_a_small_spread() -> None:
    values = 1e5 + torch.tensor([0.0, 1.0]).repeat(50_000)[:, None]

    statistics = moments_of(*values.split(777))

    torch.testing.assert_close(statistics.std, torch.tensor([0.5]))


def test_constant_and_never_seen_features_keep_their_scale() -> None:
    values = torch.tensor([[0.1, torch.nan, 0.0, 1.0], [0.1, torch.nan, 0.0, 3.0]]).repeat(500, 1)

    statistics = moments_of(*values.split(7))

    torch.testing.assert_close(statistics.mean, torch.tensor([0.1, 0.0, 0.0, 2.0]))
    torch.testing.assert_close(statistics.std, torch.tensor([1.0, 1.0, 1.0, 1.0]))


def test_infinite_values_count_as_missing() -> None:
    statistics = moments_of(torch.tensor([[1.0], [torch.inf], [5.0]]))

    assert (statistics.mean.item(), statistics.std.item()) == (3.0, 2.0)


def test_state_survives_a_round_trip() -> None:
    statistics = FeatureStatistics(torch.tensor([1.5]), torch.tensor([2.5]))

    again = FeatureStatistics.from_state(statistics.state_dict())

    assert torch.equal(again.mean, statistics.mean)
    assert torch.equal(again.std, statistics.std)
