"""Small prepared data sets for the task `actions`: mice that walk, made in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from core.data.competition import Bouts, LabeledBehavior
from core.data.keypoints import SLOTS_18
from core.data.manifest import FORMAT_VERSION, Manifest, PreparedVideo
from core.data.prepared import PreparedData
from core.tasks.actions.settings import ActionsExperiment

Bout = tuple[int, int, str, int, int]
"""Agent, target, action, start, stop."""
PAIR = (
    LabeledBehavior(1, 2, "sniff"),
    LabeledBehavior(2, 1, "sniff"),
    LabeledBehavior(1, 1, "rear"),
)


@dataclass(frozen=True)
class MadeVideo:
    """What a video is to be like."""

    frames: int
    bouts: tuple[Bout, ...] = ()
    lab: str = "lab"
    behaviors: tuple[LabeledBehavior, ...] = PAIR
    rate: float = 30.0
    mice: tuple[int, ...] = (1, 2)
    scale: float | None = 12.0
    tracking: int | None = None
    """Seed of the movements; by default each video has its own."""


def walk(frames: int, mice: int, seed: int) -> npt.NDArray[np.float32]:
    """Return ``(frames, 4, 18, 2)`` pixels; a longer walk begins like a shorter one."""
    body, steps, noise, gaps = (np.random.default_rng([seed, purpose]) for purpose in range(4))
    shape = frames, mice, len(SLOTS_18)
    positions = np.full((frames, 4, len(SLOTS_18), 2), np.nan, np.float32)
    positions[:, :mice] = body.normal(0, 25, (1, *shape[1:], 2)) + noise.normal(0, 1, (*shape, 2))
    positions[:, :mice] += 300 + steps.normal(0, 4, (frames, mice, 1, 2)).cumsum(axis=0)
    positions[gaps.random((frames, 4, len(SLOTS_18))) < 0.03] = np.nan
    return positions


def made(videos: Sequence[MadeVideo]) -> PreparedData:
    """Return prepared data; video ``n`` is called ``vn``."""
    arrays = [
        walk(video.frames, len(video.mice), number if video.tracking is None else video.tracking)
        for number, video in enumerate(videos)
    ]
    offsets = np.cumsum([0, *(video.frames for video in videos)])
    about = tuple(
        PreparedVideo(
            video_id=f"v{number}",
            lab_id=video.lab,
            offset=int(offsets[number]),
            frames=video.frames,
            frames_per_second=video.rate,
            pixels_per_cm=video.scale,
            width=None,
            height=None,
            behaviors=video.behaviors,
            mouse_ids=video.mice,
            mice_left_out=(),
            dropped={},
            duplicates=0,
            non_finite=0,
            content="",
        )
        for number, video in enumerate(videos)
    )
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        source="",
        fingerprint="f",
        keypoints="mabe18",
        slots=SLOTS_18,
        mice=4,
        total_frames=int(offsets[-1]),
        videos=about,
    )
    flat = [(number, *bout) for number, video in enumerate(videos) for bout in video.bouts]
    number, agent, target, action, start, stop = zip(*flat, strict=True) if flat else ((),) * 6
    bouts = Bouts(
        np.array(agent, np.int64),
        np.array(target, np.int64),
        np.array(action, object),
        np.array(start, np.int64),
        np.array(stop, np.int64),
    )
    positions = np.concatenate(arrays)
    return PreparedData(Path("prepared"), manifest, positions, bouts, np.array(number, np.int64))


def experiment(**changes: dict[str, Any]) -> ActionsExperiment:
    """Return an experiment of a tiny network and short windows."""
    table: dict[str, Any] = {
        "name": "tiny",
        "task": "actions",
        "data": {"window": 32, "validation_videos": ["v1"]},
        "model": {"trunk": "tcn", "width": 8, "layers": 2, "embedding": 2},
        "training": {"batch_size": 4, "windows_per_epoch": 10},
    }
    for section, values in changes.items():
        table[section] = {**table.get(section, {}), **values}
    return msgspec.convert(table, ActionsExperiment)
