"""Exchanges of two mice: found where they were made, undone, and never seen in clean tracks."""

from pathlib import Path

import numpy as np
import pytest

from core.data.check import check
from core.data.competition import read_tracking, read_videos
from core.data.keypoints import MARS_7
from core.data.swaps import Swap, find_swaps, repair_swaps


def walking(frames: int = 400, mice: int = 3, seed: int = 1) -> np.ndarray:
    """Return mice of 40 pixels that walk a few pixels a frame, far from each other."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 2, (frames, mice, 1, 2)).cumsum(axis=0)
    centres += 400 * np.arange(1, mice + 1)[:, None, None]
    return (centres + np.linspace(0, 40, 4)[:, None]).astype(np.float32)


def exchanged(positions: np.ndarray, frame: int, first: int, second: int) -> np.ndarray:
    order = list(range(positions.shape[1]))
    order[first], order[second] = order[second], order[first]
    changed = positions.copy()
    changed[frame:] = positions[frame:, order]
    return changed


def test_clean_tracks_have_none() -> None:
    clean = walking()
    assert find_swaps(clean) == []
    clean[50:58] = np.nan
    clean[100:300, 1] = np.nan
    assert find_swaps(clean) == []
    assert np.array_equal(repair_swaps(clean, []), clean, equal_nan=True)
    assert find_swaps(clean[:, :1]) == find_swaps(clean[:1]) == find_swaps(clean * np.nan) == []


def test_exchanges_are_found_and_undone() -> None:
    clean = walking()
    spoilt = exchanged(exchanged(clean, 250, 0, 2), 300, 1, 2)
    found = find_swaps(spoilt)
    assert found == [Swap(250, 0, 2), Swap(300, 1, 2)]
    assert np.array_equal(repair_swaps(spoilt, found), clean)


def test_names_that_hold_longest_stay() -> None:
    clean = walking(mice=2)
    spoilt = exchanged(clean, 10, 0, 1)
    repaired = repair_swaps(spoilt, find_swaps(spoilt))
    assert np.array_equal(repaired[10:], spoilt[10:])
    assert np.array_equal(repaired[:10], spoilt[:10, ::-1])


def test_an_exchange_during_a_short_gap_is_found() -> None:
    clean = walking(mice=2)
    spoilt = exchanged(clean, 200, 0, 1)
    spoilt[198:203] = np.nan
    assert [swap.frame for swap in find_swaps(spoilt)] == [203]


def test_real_videos(real_data: Path) -> None:
    found = {}
    for video in read_videos(real_data / "ethome"):
        found[video.video_id] = [
            s.frame for s in find_swaps(read_tracking(video, MARS_7, 2).positions)
        ]
    # each of these eight mice is, within one frame, where the other was: 300 pixels away
    assert found == {
        "900000001": [18, 10071],
        "900000002": [6, 10286],
        "900000003": [],
        "900000004": [],
    }
    report = check(real_data / "ethome", None, "mars7", 2)
    (problem,) = [p for p in report.problems if p.code == "identity_swaps"]
    assert (problem.count, problem.videos) == (4, 2)
    assert problem.places[0].endswith("900000001.parquet: mouse1 and mouse2 at frame 18")


@pytest.mark.parametrize("seed", range(3))
def test_most_made_in_a_real_video_are_found(real_data: Path, seed: int) -> None:
    video = next(v for v in read_videos(real_data / "ethome") if v.video_id == "900000003")
    clean = read_tracking(video, MARS_7, 2).positions
    frames = sorted(
        np.random.default_rng(seed).choice(np.arange(50, 5650), 6, replace=False).tolist()
    )
    spoilt = clean
    for frame in frames:
        spoilt = exchanged(spoilt, frame, 0, 1)
    found = {swap.frame for swap in find_swaps(spoilt)}
    assert len(found & {*frames}) >= 5
    assert found <= {*frames}
