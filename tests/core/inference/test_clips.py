"""Clips to label: the uncertain ones, and not the same moment many times."""

import numpy as np
import pytest

from core.inference.clips import Clip, choose, clips_of, frame_uncertainty


def clip(uncertainty: float, *scene: float, start: int = 0) -> Clip:
    return Clip("v", start, start + 10, uncertainty, np.array(scene))


def test_certain_frames_have_no_uncertainty_and_even_ones_all() -> None:
    said = np.array([[1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0]], np.float32)
    assert frame_uncertainty(said) == pytest.approx([0, 1, 0.5], abs=1e-4)
    several = np.array([[0.0, 1.0], [0.5, 0.0]], np.float32)
    assert frame_uncertainty(several, exclusive=False) == pytest.approx([0, 1], abs=1e-4)
    assert frame_uncertainty(np.full((1, 2), np.nan, np.float32)) == pytest.approx([1])


@pytest.mark.parametrize(("frames", "clips"), [(100, 10), (104, 10), (106, 11), (3, 0), (5, 1)])
def test_a_video_is_cut_without_gaps(frames: int, clips: int) -> None:
    said = np.full((frames, 2), 0.5, np.float32)
    positions = np.random.default_rng(0).normal(0, 9, (frames, 2, 3, 2)).astype(np.float32)
    found = clips_of("v", said, positions, 10)
    assert len(found) == clips
    assert [each.start for each in found] == list(range(0, 10 * clips, 10))
    assert all(each.stop <= frames for each in found)


@pytest.mark.parametrize("mice", [1, 2, 4])
def test_scenes_of_any_number_of_mice_compare(mice: int) -> None:
    positions = np.full((20, mice, 3, 2), np.nan, np.float32)
    (empty,) = clips_of("v", np.full((20, 2), 0.5, np.float32), positions, 20)
    assert empty.scene.shape == (6,)
    assert np.isfinite(empty.scene).all()


def test_the_most_uncertain_comes_first_and_then_what_differs() -> None:
    near = [clip(0.9, 0.0, 0.0), clip(0.89, 0.01, 0.0), clip(0.88, 0.0, 0.01)]
    far = clip(0.5, 5.0, 5.0)
    assert choose([*near, far], 2) == [0, 3]
    assert sorted(choose([*near, far], 9)) == [0, 1, 2, 3]
    assert choose([*near, far], 1, labelled=[clip(0.9, 0.0, 0.0)]) == [3]
    assert choose([], 3) == choose(near, 0) == []


def test_what_a_model_is_sure_of_is_not_asked_for() -> None:
    sure = [clip(0.0, float(place), 0.0) for place in range(5)]
    assert choose([*sure, clip(0.3, 2.0, 0.1)], 1) == [5]
