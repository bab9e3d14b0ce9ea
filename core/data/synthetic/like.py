"""A synthetic copy of a real data set: its videos and real bouts, acted out by simulated mice.

Real annotations are small and available without the tracking. This module generates tracking of the same
size and shape for them, for rehearsals. Nothing measured on it applies to real mice.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from core.data.competition import Video as RealVideo
from core.data.competition import read_bouts, read_videos
from core.data.csv_file import read_rows
from core.data.synthetic.generate import BODY_CM, WALL_SHARE, Camera, SyntheticVideo, write_videos
from core.data.synthetic.schedule import PlannedBout
from core.data.synthetic.settings import (
    LONGEST_VIDEO,
    SyntheticSettings,
    SyntheticSummary,
    body_part_problem,
)
from core.data.writer import CSV_COLUMNS
from core.errors import ConfigError, DataError
from core.system.progress import Progress

MOST_MICE = 8
"""Twice as many as the competition has."""
OVERRUN = 1.1
"""Factor by which labels may exceed frame rate × duration, as real ones do; the video is then longer too."""
NOISE_SHARE = 0.009
"""The tracker's error in body lengths, as real videos differ in scale."""
NARROWEST_ARENA = 2.2
"""Minimum arena size in body lengths; in a smaller one, the mice are scaled down."""
FALLBACK_PICTURE = (1024.0, 768.0)


def like(
    train_csv: Path,
    annotation_root: Path,
    root: Path,
    videos: int | None = None,
    seed: int = 42,
    labelled_only: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SyntheticSummary:
    """Write a data set with the videos of a real ``train.csv`` and simulated tracking.

    Labs, video ids, body parts, mice, frame rates, durations, picture and arena sizes and all rows of
    ``train.csv`` are copied, and so are the bouts, unchanged; a mouse with several bouts at once
    can act out only one.

    Args:
        train_csv: the real table.
        annotation_root: its ``train_annotation`` folder; tracking is not read.
        root: as for :func:`core.data.synthetic.synthesise`.
        videos: number of videos, drawn at random; by default, all.
        seed: seed of that draw and of the movements.
        labelled_only: leave out videos without ``behaviors_labeled`` or without an annotation file.
            Otherwise the mice in these just wander.
        workers: processes; by default, one per processor.
        progress: called with the number of finished videos, of all videos, and ``videos``.

    Raises:
        ConfigError: fewer than one video is requested.
        DataError: the table or an annotation is invalid, or no video is left; or the target
            folder holds other files.
        UserError: a file cannot be written.
    """
    if videos is not None and videos < 1:
        raise ConfigError(f"videos: {videos} must be at least 1")
    chosen = _choose(_available(train_csv, annotation_root, labelled_only), videos, seed)
    if not chosen:
        raise DataError(
            f"{train_csv}: no labelled video has its annotation under {annotation_root}"
        )
    rows = {row.line: row.values for row in read_rows(train_csv, ("video_id",))}
    made = [_twin(video, rows[video.row], seed) for video in chosen]
    content = hashlib.sha256(msgspec.json.encode(made)).hexdigest()[:16]
    request = {"like": train_csv.name, "videos": videos, "seed": seed, "content": content}
    return write_videos(root, made, request, workers, progress)


def _available(train_csv: Path, annotation_root: Path, labelled_only: bool) -> list[RealVideo]:
    if not train_csv.is_file():
        raise DataError(f"{train_csv}: no such file; name the real train.csv")
    if not annotation_root.is_dir():
        raise DataError(f"{annotation_root}: no such folder; name the real train_annotation")
    found = (
        replace(video, annotation_path=annotation_root / video.lab_id / f"{video.video_id}.parquet")
        for video in read_videos(train_csv.parent, train_csv.stem)
    )
    return [
        video
        for video in found
        if not labelled_only or (video.behaviors and video.annotation_path.is_file())
    ]


def _choose(available: list[RealVideo], count: int | None, seed: int) -> list[RealVideo]:
    if count is None or count >= len(available):
        return available
    picked = np.random.default_rng(seed).permutation(len(available))[:count]
    return [available[index] for index in sorted(picked)]


def _twin(real: RealVideo, row: dict[str, str], seed: int) -> SyntheticVideo:
    bouts = _bouts(real)
    mice = {*real.mice, *(b.agent for b in real.behaviors), *(b.target for b in real.behaviors)}
    mice |= {bout.agent for bout in bouts} | {bout.target for bout in bouts}
    if not mice or min(mice) < 1 or max(mice) > MOST_MICE:
        found = ", ".join(map(str, sorted(mice))) or "none"
        raise DataError(
            f"{real.annotation_path}: mouse ids {found}; they must lie in 1 to {MOST_MICE}"
        )
    return SyntheticVideo(
        real.lab_id,
        real.video_id,
        max(mice),
        _frames(real, bouts),
        _camera(real, row),
        bouts,
        (seed, real.row),
        {column: row.get(column, "") for column in CSV_COLUMNS},
    )


def _bouts(real: RealVideo) -> tuple[PlannedBout, ...]:
    if not real.annotation_path.is_file():
        return ()
    found = read_bouts(real)
    columns = (found.agent, found.target, found.action, found.start, found.stop)
    return tuple(
        PlannedBout(*values)
        for values in zip(*(column.tolist() for column in columns), strict=True)
    )


def _frames(real: RealVideo, bouts: tuple[PlannedBout, ...]) -> int:
    nominal = max(2, round(real.frames_per_second * real.duration_seconds))
    last = max((bout.stop for bout in bouts), default=0)
    frames = max(nominal, min(last, round(OVERRUN * nominal)))
    if frames > LONGEST_VIDEO:
        raise DataError(
            f"video {real.video_id} (line {real.row}): {frames:,} frames by frame rate × duration; "
            f"at most {LONGEST_VIDEO:,} can be made"
        )
    return frames


def _camera(real: RealVideo, row: dict[str, str]) -> Camera:
    if problem := body_part_problem(real.body_parts):
        raise DataError(f"video {real.video_id} (line {real.row}), body_parts_tracked: {problem}")
    picture = (real.width or FALLBACK_PICTURE[0], real.height or FALLBACK_PICTURE[1])
    scale = real.pixels_per_cm or 0.0
    width, height = (
        _side(picture[axis], row.get(f"arena_{name}_cm", ""), scale)
        for axis, name in enumerate(("width", "height"))
    )
    body = min(BODY_CM * scale or np.inf, min(width, height) / NARROWEST_ARENA)
    defaults = SyntheticSettings()
    return Camera(
        tuple(sorted(real.body_parts)),
        real.frames_per_second,
        ((picture[0] - width) / 2, (picture[1] - height) / 2),
        (width, height),
        body,
        NOISE_SHARE * body,
        (defaults.missing_points, defaults.missing_run),
        (defaults.lost_mice, defaults.lost_run),
    )


def _side(picture: float, arena_cm: str, pixels_per_cm: float) -> float:
    """Return one side of the arena in pixels: from the row, as far as it is in the picture."""
    inside = (1 - 2 * WALL_SHARE) * picture
    try:
        stated = float(arena_cm) * pixels_per_cm
    except ValueError:
        return inside
    return min(stated, inside) if stated > 0 else inside
