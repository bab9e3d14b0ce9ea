"""Synthetic prepared data in memory, of any size: four wandering mice, the same in every video."""

from pathlib import Path

import numpy as np

from core.data.competition import Bouts
from core.data.keypoints import KEYPOINT_SETS
from core.data.manifest import FORMAT_VERSION, Manifest, PreparedVideo
from core.data.prepared import PreparedData

MICE, KEYPOINTS, FPS, MISSING = 4, "mabe18", 30.0, 0.03
ACTIONS = ("sniff", "mount", "attack")
"""One of each class but `other`; a bout every :data:`BOUT_EVERY` frames, a tenth as long."""
BOUT_EVERY = 200


def wandering_mice(videos: int, frames: int) -> PreparedData:
    """Make videos of so many frames; what is in them does not matter to how fast they are trained on.

    Their positions, ``(videos × frames, 4, 18, 2)`` float32, are one random walk over and over.
    """
    slots = KEYPOINT_SETS[KEYPOINTS]
    rng = np.random.default_rng(0)
    steps = rng.standard_normal((frames, MICE, len(slots), 2), np.float32)
    walk = 500 + np.cumsum(steps, axis=0, dtype=np.float32)
    walk[rng.random(walk.shape[:3]) < MISSING] = np.nan
    about = tuple(_video(index, frames) for index in range(videos))
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        source="",
        fingerprint="made up",
        keypoints=KEYPOINTS,
        slots=slots,
        mice=MICE,
        total_frames=videos * frames,
        videos=about,
    )
    bouts, video_of = _bouts(videos, frames)
    positions = np.tile(walk, (videos, 1, 1, 1))
    return PreparedData(Path("made-up"), manifest, positions, bouts, video_of)


def _video(index: int, frames: int) -> PreparedVideo:
    return PreparedVideo(
        video_id=f"v{index}",
        lab_id="lab",
        offset=index * frames,
        frames=frames,
        frames_per_second=FPS,
        pixels_per_cm=12.0,
        width=None,
        height=None,
        behaviors=(),
        mouse_ids=(1, 2, 3, 4),
        mice_left_out=(),
        dropped={},
        duplicates=0,
        non_finite=0,
        content="",
    )


def _bouts(videos: int, frames: int) -> tuple[Bouts, np.ndarray]:
    start = np.arange(0, frames - BOUT_EVERY // 10, BOUT_EVERY, dtype=np.int64)
    action = np.array([ACTIONS[index % len(ACTIONS)] for index in range(len(start))], object)
    count = videos * len(start)
    bouts = Bouts(
        agent=np.ones(count, np.int64),
        target=np.full(count, 2),
        action=np.tile(action, videos),
        start=np.tile(start, videos),
        stop=np.tile(start + BOUT_EVERY // 10, videos),
    )
    return bouts, np.repeat(np.arange(videos), len(start))
