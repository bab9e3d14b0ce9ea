import numpy as np
import numpy.typing as npt
import pytest

from core.data.copies import HASHES, copies, sketch

Positions = npt.NDArray[np.float32]


def recorded(seed: int, frames: int = 1200) -> Positions:
    """Return a video of two mice of seven keypoints in an array with room for more, and gaps."""
    rng = np.random.default_rng(seed)
    positions = np.full((frames, 4, 9, 2), np.nan, np.float32)
    positions[:, :2, :7] = rng.normal(300, 50, (frames, 2, 7, 2))
    positions[rng.random((frames, 4, 9)) < 0.05] = np.nan
    positions[100:150, 1] = np.nan
    return positions


def found(**videos: Positions) -> list[tuple[str, ...]]:
    return copies({name: sketch(positions) for name, positions in videos.items()})


def test_a_recording_is_recognised_under_another_id() -> None:
    one, other = recorded(1), recorded(2)
    assert found(a=one, b=other, c=one.copy(), d=other) == [("a", "c"), ("b", "d")]


@pytest.mark.parametrize(
    "part", [slice(400, None), slice(0, 600), slice(300, 700)], ids=["end", "beginning", "middle"]
)
def test_a_part_of_a_recording_is_recognised(part: slice) -> None:
    whole = recorded(1)
    assert found(a=whole, b=whole[part]) == [("a", "b")]


def test_other_mouse_ids_hide_nothing() -> None:
    whole = recorded(1)
    assert found(a=whole, b=whole[:, [1, 0, 2, 3]], c=whole[:, [2, 0, 3, 1]]) == [("a", "b", "c")]


def test_the_size_of_the_array_does_not_matter() -> None:
    whole = recorded(1)
    assert found(a=whole, b=np.ascontiguousarray(whole[:, :2])) == [("a", "b")]


def test_parts_that_overlap_are_one_group() -> None:
    whole = recorded(1)
    assert found(a=whole[:600], b=whole[300:900], c=whole[600:]) == [("a", "b", "c")]


def test_different_recordings_are_not_copies() -> None:
    videos = {f"v{seed}": recorded(seed) for seed in range(8)}
    assert found(**videos) == []
    assert found(a=recorded(1), b=recorded(1) + np.float32(0.01)) == []
    assert found() == []


def test_what_is_too_short_still_or_hardly_tracked_is_like_nothing() -> None:
    short, still = recorded(1, HASHES - 1), np.repeat(recorded(1, 1), 500, axis=0)
    sparse = recorded(1)
    sparse[:, 1:] = np.nan
    sparse[:, :, 3:] = np.nan
    for positions in (short, still, sparse):
        assert sketch(positions) is None
        assert found(a=positions, b=positions) == []
