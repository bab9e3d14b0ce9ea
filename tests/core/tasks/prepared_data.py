"""Small prepared data sets, made in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.data.competition import Bouts
from core.data.keypoints import KEYPOINT_SETS
from core.data.manifest import FORMAT_VERSION, Manifest, PreparedVideo
from core.data.prepared import PreparedData

Bout = tuple[str, int, int]


def prepared(
    lengths: Sequence[int],
    bouts: Mapping[int, Sequence[Bout]],
    seed: int = 0,
    pixels_per_cm: float | None = 12.0,
    mice_left_out: tuple[int, ...] = (),
    dropped: Mapping[str, int] | None = None,
) -> PreparedData:
    """Return two walking mice of seven keypoints; ``bouts`` are (action, start, stop) by video index."""
    rng = np.random.default_rng(seed)
    total = sum(lengths)
    positions = (400 + rng.normal(0, 3, (total, 2, 7, 2)).cumsum(axis=0)).astype(np.float32)
    positions[rng.random((total, 2, 7)) < 0.03] = np.nan
    offsets = np.cumsum([0, *lengths])
    videos = tuple(
        PreparedVideo(
            video_id=f"v{index}",
            lab_id="lab",
            offset=int(offsets[index]),
            frames=length,
            frames_per_second=30.0,
            pixels_per_cm=pixels_per_cm,
            width=None,
            height=None,
            behaviors=(),
            mouse_ids=(1, 2),
            mice_left_out=mice_left_out,
            dropped=dict(dropped or {}),
            duplicates=0,
            non_finite=0,
            content="",
        )
        for index, length in enumerate(lengths)
    )
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        source="",
        fingerprint="f",
        keypoints="mars7",
        slots=KEYPOINT_SETS["mars7"],
        mice=2,
        total_frames=total,
        videos=videos,
    )
    flat = [(video, *bout) for video in sorted(bouts) for bout in bouts[video]]
    columns = Bouts(
        agent=np.ones(len(flat), np.int64),
        target=np.full(len(flat), 2),
        action=np.array([bout[1] for bout in flat], object),
        start=np.array([bout[2] for bout in flat], np.int64),
        stop=np.array([bout[3] for bout in flat], np.int64),
    )
    video_of = np.array([bout[0] for bout in flat], np.int64)
    return PreparedData(Path("prepared"), manifest, positions, columns, video_of)
