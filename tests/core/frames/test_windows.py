import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.frames.windows import (
    WindowIndex,
    phased_windows,
    training_windows,
    validation_windows,
)

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=5)


def times_counted(windows: WindowIndex, frames: np.ndarray) -> list[np.ndarray]:
    counts = [np.zeros(length, int) for length in frames]
    columns = (windows.video, windows.start, windows.first, windows.stop)
    for video, start, first, stop in zip(*columns, strict=True):
        assert 0 <= first < stop <= windows.length
        assert start >= 0
        assert start + stop <= frames[video]
        counts[video][start + first : start + stop] += 1
    return counts


@given(lengths=lengths, length=st.integers(2, 20))
def test_every_validation_frame_counts_once(lengths: list[int], length: int) -> None:
    frames = np.array(lengths)

    windows = validation_windows(range(len(frames)), frames, length)

    assert all((counts == 1).all() for counts in times_counted(windows, frames))
    assert windows.frames == frames.sum()
    assert (windows.start + length <= np.maximum(frames[windows.video], length)).all()


@given(lengths=lengths, length=st.integers(2, 20), stride=st.integers(1, 20))
def test_training_windows_start_every_stride_and_cover_the_tail(
    lengths: list[int], length: int, stride: int
) -> None:
    frames = np.array(lengths)

    windows = training_windows(range(len(frames)), frames, length, stride)

    for video, counts in enumerate(times_counted(windows, frames)):
        starts = windows.start[windows.video == video]
        assert starts[-1] == max(frames[video] - length, 0)
        assert (np.diff(starts) <= stride).all()
        assert (np.diff(starts) > 0).all()
        assert counts[-1] > 0
        if stride <= length:
            assert (counts > 0).all()


@given(lengths=lengths, length=st.integers(2, 20), stride=st.integers(1, 20), data=st.data())
def test_phased_windows_cover_all_frames_at_any_phase(
    lengths: list[int], length: int, stride: int, data: st.DataObject
) -> None:
    frames = np.array(lengths)
    index = phased_windows(range(len(frames)), frames, length, stride)
    phases = np.array([data.draw(st.integers(1, stride)) for _ in lengths])

    windows = index.moved(frames, phases[index.video])

    assert len(windows) == len(index)
    for video, counts in enumerate(times_counted(windows, frames)):
        starts = windows.start[windows.video == video]
        inner = starts[(starts > 0) & (starts < frames[video] - length)]
        assert (np.diff(inner) == stride).all()
        assert (inner % stride == phases[video] % stride).all()
        assert counts[[0, -1]].all()
        if stride <= length:
            assert (counts > 0).all()
        if frames[video] > length:
            assert len(starts) == -(-(frames[video] - length) // stride) + 2


def test_phased_windows_of_a_stride_of_their_length_overlap_only_at_the_ends() -> None:
    index = phased_windows([0], np.array([23]), length=5, stride=5)

    starts = [
        index.moved(np.array([23]), np.full(len(index), by)).start.tolist() for by in (1, 3, 5)
    ]

    assert starts == [[0, 1, 6, 11, 16, 18], [0, 3, 8, 13, 18, 18], [0, 5, 10, 15, 18, 18]]


def test_a_video_shorter_than_a_window_is_one_padded_window() -> None:
    windows = training_windows([1], np.array([50, 3]), length=5, stride=2)

    assert (windows.video.tolist(), windows.start.tolist()) == ([1], [0])
    assert windows.weights().tolist() == [[1, 1, 1, 0, 0]]


def test_the_last_validation_window_counts_only_what_is_new() -> None:
    windows = validation_windows([0], np.array([12]), length=5)

    assert windows.start.tolist() == [0, 5, 7]
    assert windows.weights().tolist() == [[1] * 5, [1] * 5, [0, 0, 0, 1, 1]]


@pytest.mark.parametrize("by", [-3, 4])
def test_moved_windows_stay_in_their_video(by: int) -> None:
    frames = np.array([20, 4])
    windows = training_windows([0, 1], frames, length=10, stride=5)
    assert windows.start.tolist() == [0, 5, 10, 0]

    moved = windows.moved(frames, np.full(4, by))

    assert moved.start.tolist() == [min(max(s + by, 0), 10) for s in (0, 5, 10)] + [0]
    assert moved.weights().tolist() == windows.weights().tolist()


def test_no_videos_give_no_windows() -> None:
    assert len(training_windows([], np.array([20]), 10, 5)) == 0
