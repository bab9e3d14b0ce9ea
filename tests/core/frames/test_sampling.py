import numpy as np
import torch

from core.frames.sampling import (
    POOL_ROWS,
    EpochPlan,
    NoisePool,
    Stream,
    generator,
    random_phases,
)


def test_plans_depend_on_seed_and_epoch_alone() -> None:
    plan = EpochPlan.draw(7, 3, 100, jitter_frames=2)
    again = EpochPlan.draw(7, 3, 100, jitter_frames=2)

    assert np.array_equal(plan.order, again.order)
    assert np.array_equal(plan.jitter, again.jitter)
    assert not np.array_equal(plan.order, EpochPlan.draw(7, 4, 100, 2).order)
    assert not np.array_equal(plan.order, EpochPlan.draw(8, 3, 100, 2).order)


def test_an_epoch_takes_every_window_once_and_moves_it_within_the_limit() -> None:
    plan = EpochPlan.draw(1, 0, 1000, jitter_frames=2)

    assert sorted(plan.order) == list(range(1000))
    assert set(plan.jitter) == {-2, -1, 0, 1, 2}
    assert not EpochPlan.draw(1, 0, 1000, jitter_frames=0).jitter.any()


def test_order_does_not_change_with_the_other_settings() -> None:
    without, with_jitter = EpochPlan.draw(1, 0, 50, 0), EpochPlan.draw(1, 0, 50, 5)

    assert np.array_equal(without.order, with_jitter.order)


def test_mixup_of_a_batch_depends_on_its_number() -> None:
    plan = EpochPlan.draw(1, 0, 50, 0)
    partner, share = plan.mixup(3, 16, alpha=0.2)

    again, same_share = plan.mixup(3, 16, alpha=0.2)
    _, other_share = plan.mixup(4, 16, alpha=0.2)

    assert np.array_equal(partner, again)
    assert sorted(partner) == list(range(16))
    assert share == same_share
    assert share != other_share
    assert 0 <= share <= 1


def test_streams_are_independent() -> None:
    drawn = {generator(1, 2, stream, 3).integers(0, 2**62) for stream in Stream}

    assert len(drawn) == len(Stream)


def test_phases_are_of_seed_epoch_and_video_and_reach_the_stride() -> None:
    phases = random_phases(1, 2, 500, stride=4)

    assert set(phases) == {1, 2, 3, 4}
    assert np.array_equal(phases, random_phases(1, 2, 500, stride=4))
    assert not np.array_equal(phases, random_phases(1, 3, 500, stride=4))
    assert not np.array_equal(phases, random_phases(2, 2, 500, stride=4))


def test_noise_belongs_to_the_frame() -> None:
    noise = NoisePool(1, 0, torch.tensor([1.0, 100.0]))

    windows = noise.take(np.array([10, 15, POOL_ROWS + 10, -2]), 20)
    long = noise.take(np.array([0]), 2 * POOL_ROWS + 40)[0]

    assert torch.equal(windows[0, 5:], windows[1, :15])
    assert torch.equal(windows[0], windows[2])
    assert torch.equal(windows[0], long[10:30])
    assert torch.equal(windows[0], long[POOL_ROWS + 10 : POOL_ROWS + 30])
    assert torch.equal(windows[3, 2:], long[:18])


def test_noise_has_the_spread_that_was_asked_for_and_is_new_every_epoch() -> None:
    std = torch.tensor([1.0, 100.0])
    rows = NoisePool(1, 0, std).take(np.array([0]), POOL_ROWS)[0]
    other = NoisePool(1, 1, std).take(np.array([0]), POOL_ROWS)[0]

    torch.testing.assert_close(rows.std(dim=0), std, rtol=0.05, atol=0)
    assert (rows.mean(dim=0).abs() < 0.05 * std).all()
    assert not torch.equal(rows, other)


def test_noise_depends_on_seed_and_epoch_alone() -> None:
    std, first = torch.ones(3), np.array([0])
    torch.manual_seed(0)
    rows = NoisePool(7, 3, std).take(first, 10)
    drawn = torch.rand(1)

    torch.manual_seed(0)
    assert torch.equal(torch.rand(1), drawn)
    assert torch.equal(NoisePool(7, 3, std).take(first, 10), rows)
    assert not torch.equal(NoisePool(8, 3, std).take(first, 10), rows)
