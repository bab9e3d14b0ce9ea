import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.frames.balance import balanced_shares, draw_windows, window_class_frames
from core.frames.sampling import EpochPlan
from core.frames.windows import training_windows

CLASSES = np.array([0] * 8 + [1] * 4 + [2] * 3 + [0] * 5, np.uint8)
OFFSETS, FRAMES = np.array([0, 12]), np.array([12, 8])


def test_frames_of_each_class_in_each_window():
    windows = training_windows([0, 1], FRAMES, length=10, stride=5)
    counts = window_class_frames(windows, OFFSETS, CLASSES, 4)
    # video 0 from frame 0 and frame 2; video 1 is shorter than a window: its 8 frames count
    assert counts.tolist() == [[8, 2, 0, 0], [6, 4, 0, 0], [5, 0, 3, 0]]


def test_at_full_strength_every_class_is_drawn_equally_often():
    pure = np.array([[10, 0, 0, 0]] * 90 + [[0, 10, 0, 0]] * 9 + [[0, 0, 10, 0]])
    shares = balanced_shares(pure, 1.0)
    assert shares.sum() == pytest.approx(1.0)
    assert [shares[:90].sum(), shares[90:99].sum(), shares[99]] == pytest.approx([1 / 3] * 3)


def test_at_half_strength_classes_come_by_the_root_of_their_frames():
    pure = np.array([[10, 0]] * 81 + [[0, 10]] * 9)
    shares = balanced_shares(pure, 0.5)
    assert shares[:81].sum() / shares[81:].sum() == pytest.approx(3.0)


def test_at_no_strength_full_windows_are_alike():
    mixed = np.array([[10, 0], [3, 7], [0, 10], [9, 1]])
    assert balanced_shares(mixed, 0.0) == pytest.approx([0.25] * 4)


@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_a_window_is_drawn_as_often_as_its_share_is_worth(windows, seed):
    random = np.random.default_rng(seed)
    shares = random.random(windows) ** 4
    shares[random.random(windows) < 0.2] = 0
    shares[0] += 0.1
    shares /= shares.sum()
    drawn = draw_windows(random.permutation(windows), shares, random)
    times = np.bincount(drawn, minlength=windows)
    assert len(drawn) == windows
    assert (times >= np.floor(shares * windows - 1e-9)).all()
    assert (times <= np.ceil(shares * windows + 1e-9)).all()


def test_a_plan_is_a_function_of_seed_and_epoch():
    shares = np.full(50, 0.5 / 49)
    shares[7] = 0.5
    first, again, other = (
        EpochPlan.draw(1, epoch, 50, jitter_frames=2, shares=shares) for epoch in (3, 3, 4)
    )
    assert (first.order == again.order).all()
    assert (first.order != other.order).any()
    assert (first.order == 7).sum() == 25
    assert (np.diff(np.flatnonzero(first.order == 7)) > 1).any()  # not all in a row
