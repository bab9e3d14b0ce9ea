import numpy as np
import pytest
import torch

from core.frames.store import gather_windows


def rows_of(lengths: list[int]) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """Each row holds its video and its frame."""
    rows = torch.tensor(
        [[video, frame] for video, length in enumerate(lengths) for frame in range(length)],
        dtype=torch.float32,
    )
    frames = np.array(lengths)
    return rows, np.cumsum(frames) - frames, frames


@pytest.mark.parametrize("lengths", [[20, 9, 30], [3, 4], [2]])
@pytest.mark.parametrize("length", [1, 5, 12])
def test_windows_never_hold_a_neighbours_frames(lengths: list[int], length: int) -> None:
    rows, offsets, frames = rows_of(lengths)
    videos, starts = np.array(
        [(v, s) for v, n in enumerate(lengths) for s in range(-length - 1, n + 2)]
    ).T

    windows = gather_windows(rows, offsets[videos], frames[videos], starts, length, fill=-1.0)

    assert windows.shape == (len(videos), length, 2)
    for video, start, window in zip(videos, starts, windows.tolist(), strict=True):
        expected = [
            [video, frame] if 0 <= frame < lengths[video] else [-1, -1]
            for frame in range(start, start + length)
        ]
        assert window == expected


def test_gathering_copies() -> None:
    rows, offsets, frames = rows_of([10])

    gather_windows(rows, offsets, frames, np.array([2]), 3, fill=0.0).fill_(-7)

    assert (rows >= 0).all()
