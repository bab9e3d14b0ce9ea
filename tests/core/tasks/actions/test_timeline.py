import numpy as np
import pytest

from core.models.chunking import Chunking, plan
from core.tasks.actions.timeline import (
    nearest_frames,
    own_frames,
    positions_at,
    timeline_frames,
    values_at,
)


def test_positions_lie_on_the_line_between_frames() -> None:
    line = np.arange(10, dtype=np.float32)[:, None]
    line[6] = np.nan
    found = positions_at(line, np.array([-1, 0, 1.5, 4, 4.25, 5.5, 6, 7, 9, 9.5]))[:, 0]
    expected = [np.nan, 0, 1.5, 4, 4.25, np.nan, np.nan, 7, 9, np.nan]
    np.testing.assert_allclose(found, expected)


def test_the_same_rate_gives_the_same_frames() -> None:
    positions = np.random.default_rng(0).random((50, 2, 3)).astype(np.float32)
    places = np.arange(timeline_frames(50, 1.0)) * 1.0
    assert np.array_equal(positions_at(positions, places), positions)


@pytest.mark.parametrize("rate", [10.0, 24.36, 25.0, 30.0, 60.01, 120.0])
@pytest.mark.parametrize("frames", [1, 7, 400])
def test_each_frame_is_answered_once_and_gets_its_own_value(rate: float, frames: int) -> None:
    ratio = rate / 30
    length = timeline_frames(frames, ratio)
    line = (np.arange(length) * ratio).astype(np.float32)[:, None]
    answered: list[int] = []
    for chunk in plan(length, Chunking(30, 5)):
        own = own_frames(chunk, frames, ratio)
        values = values_at(line[chunk.start : chunk.end], own / ratio - chunk.start)[:, 0]
        inside = own <= (length - 1) * ratio
        np.testing.assert_allclose(values[inside], own[inside], atol=1e-3)
        answered += own.tolist()
    assert answered == list(range(frames))


def test_labels_are_those_of_the_nearest_frame() -> None:
    assert nearest_frames(np.array([-0.6, 0.2, 0.5, 3.8])).tolist() == [-1, 0, 1, 4]
