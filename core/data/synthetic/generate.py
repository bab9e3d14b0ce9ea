"""Generate a whole data set: videos in parallel, resumable, the same bytes for any number of workers."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from core.data.competition import SYNTHETIC_MARKER
from core.data.synthetic.body import add_noise, keypoints, tracked
from core.data.synthetic.patterns import CLASSES
from core.data.synthetic.schedule import PlannedBout, class_frames, random_schedule
from core.data.synthetic.settings import SyntheticSettings, SyntheticSummary, fingerprint
from core.data.synthetic.simulate import Scene, simulate
from core.data.workers import in_workers, worker_count
from core.data.writer import (
    annotation_path,
    behaviours_labelled,
    tracking_path,
    write_annotation,
    write_tracking,
    write_train_csv,
)
from core.errors import DataError
from core.system.files import UNDECODABLE, write_bytes_atomically
from core.system.lock import in_turn
from core.system.progress import Progress

MOST_TOLD = 4
FIRST_VIDEO_ID = 700_000_001
BODY_CM = 8.5
"""Length of an adult mouse from nose to tail base."""
WALL_SHARE = 0.04
"""Share of the picture, on each side, that lies outside the arena."""
LOCK = ".lock"
BODY_SPREAD = 0.06
"""Standard deviation of the logarithm of a mouse's size."""


class Camera(NamedTuple):
    """The arena in the picture, and the quality of the tracker."""

    parts: tuple[str, ...]
    fps: float
    origin: tuple[float, float]
    """The arena's upper left corner in pixels."""
    arena: tuple[float, float]
    """Width and height of the arena in pixels."""
    body_pixels: float
    """Length of an average mouse in pixels."""
    noise_pixels: float
    missing: tuple[float, float]
    lost: tuple[float, float]


class SyntheticVideo(NamedTuple):
    """Everything a worker needs to make one video; small enough to send to it."""

    lab: str
    video: str
    mice: int
    frames: int
    camera: Camera
    bouts: tuple[PlannedBout, ...]
    seed: tuple[int, int]
    row: dict[str, object]
    """The video's row in ``train.csv``."""


def synthesise(
    root: Path,
    settings: SyntheticSettings,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SyntheticSummary:
    """Write a synthetic data set in the competition's layout into ``root``.

    Existing videos with the same settings are kept. ``train.csv`` is written last: a
    folder without it is incomplete.

    Args:
        root: a new or empty folder, or one in which the same call was interrupted.
        settings: settings of the data set.
        workers: processes; by default, one per processor.
        progress: called with the number of finished videos, of all videos, and ``videos``.

    Raises:
        DataError: the folder holds other files, or a data set with different settings.
        UserError: a file cannot be written.
    """
    videos = [random_video(settings, index) for index in range(settings.videos)]
    return write_videos(root, videos, settings, workers, progress)


def random_video(settings: SyntheticSettings, index: int) -> SyntheticVideo:
    """Draw the schedule of one video, which depends only on the settings and its number."""
    bouts = random_schedule(settings, index, np.random.default_rng([settings.seed, index, 0]))
    lab, video = settings.labs[index % len(settings.labs)], str(FIRST_VIDEO_ID + index)
    return SyntheticVideo(
        lab,
        video,
        settings.mice,
        settings.frames,
        _camera(settings),
        bouts,
        (settings.seed, index),
        _row(settings, lab, video, bouts),
    )


def _camera(settings: SyntheticSettings) -> Camera:
    return Camera(
        settings.body_parts,
        settings.fps,
        (WALL_SHARE * settings.width, WALL_SHARE * settings.height),
        ((1 - 2 * WALL_SHARE) * settings.width, (1 - 2 * WALL_SHARE) * settings.height),
        BODY_CM * settings.pixels_per_cm,
        settings.noise_pixels,
        (settings.missing_points, settings.missing_run),
        (settings.lost_mice, settings.lost_run),
    )


def _row(
    settings: SyntheticSettings, lab: str, video: str, bouts: Sequence[PlannedBout]
) -> dict[str, object]:
    inside = (1 - 2 * WALL_SHARE) / settings.pixels_per_cm
    return {
        "lab_id": lab,
        "video_id": video,
        **{f"mouse{mouse}_id": mouse for mouse in range(1, settings.mice + 1)},
        "frames_per_second": settings.fps,
        "video_duration_sec": round(settings.frames / settings.fps, 4),
        "pix_per_cm_approx": settings.pixels_per_cm,
        "video_width_pix": settings.width,
        "video_height_pix": settings.height,
        "arena_width_cm": round(inside * settings.width, 2),
        "arena_height_cm": round(inside * settings.height, 2),
        "arena_shape": "rectangular",
        "arena_type": "simulated",
        "body_parts_tracked": msgspec.json.encode(settings.body_parts).decode(),
        "behaviors_labeled": behaviours_labelled(b for b in bouts if b.labelled),
        "tracking_method": "simulated",
    }


def write_videos(
    root: Path,
    videos: Sequence[SyntheticVideo],
    request: Any,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SyntheticSummary:
    """Write all missing videos, then ``train.csv``; see :func:`synthesise`.

    ``request`` determines the videos; its hash shows whether a folder belongs to them.
    """
    _refuse_foreign(root)  # before a lock file is left in it
    with in_turn(
        root / LOCK, progress, "waiting for another process that makes data in this folder"
    ):
        _claim(root, request)
        missing = [video for video in videos if not _is_there(root, video)]
        total, done = len(videos), len(videos) - len(missing)
        if progress:
            progress(done, total, "videos")
        count = worker_count(workers, len(missing))
        for _ in in_workers(partial(write_video, root), missing, count):
            done += 1
            if progress:
                progress(done, total, "videos")
        write_train_csv(root / "train.csv", (video.row for video in videos))
    return _summary(videos, len(missing))


def _refuse_foreign(root: Path) -> None:
    """Check that a folder is new, empty or made by the simulator.

    Raises:
        DataError: it is none of these.
    """
    if root.exists() and not root.is_dir():
        raise DataError(f"{root}: is a file; name a folder for the synthetic data")
    if root.is_dir() and not (root / SYNTHETIC_MARKER).is_file() and _is_used(root):
        raise DataError(f"{root}: is not empty and was not made by synth; name a new folder")


def _is_used(root: Path) -> bool:
    """Return whether a folder holds files, other than a lock and temporary files."""
    return any(not path.name.startswith(".") for path in root.iterdir())


def _claim(root: Path, request: Any) -> None:
    """Mark a new folder as ours, or check that the same request made it. Call it under the lock.

    Raises:
        DataError: it was made by another request, or not by the simulator.
    """
    marker = root / SYNTHETIC_MARKER
    wanted = fingerprint(request)
    if marker.is_file():
        try:
            found = msgspec.json.decode(marker.read_bytes(), type=dict[str, Any])
        except (OSError, *UNDECODABLE) as error:
            raise DataError(
                f"{marker}: cannot be read; delete the folder to begin again"
            ) from error
        if found.get("fingerprint") != wanted:
            raise DataError(
                f"{root}: holds synthetic data made {_otherwise(found.get('request'), request)};"
                " name another folder, or delete this one first"
            )
        return
    _refuse_foreign(root)
    content = {"made_by": "mabe data synth", "fingerprint": wanted, "request": request}
    write_bytes_atomically(marker, msgspec.json.format(msgspec.json.encode(content)))


def _otherwise(found: Any, wanted: Any) -> str:
    """Describe how the settings of the existing data differ from the requested ones."""
    asked = msgspec.json.decode(msgspec.json.encode(wanted))
    if found == asked:
        return "by another version of the simulator"
    if not (isinstance(found, dict) and isinstance(asked, dict) and found.keys() == asked.keys()):
        return "with other settings"
    changed = [key for key in asked if found[key] != asked[key]]
    told = [f"{key} {found[key]}, not {asked[key]}" for key in changed]
    return f"with other settings ({'; '.join(told[:MOST_TOLD])})"


def _is_there(root: Path, video: SyntheticVideo) -> bool:
    """Return whether a video exists; the annotation is written last, so it stands for both files."""
    return (
        annotation_path(root, video.lab, video.video).is_file()
        and tracking_path(root, video.lab, video.video).is_file()
    )


def write_video(root: Path, video: SyntheticVideo) -> None:
    """Simulate one video and write its two files.

    Raises:
        UserError: a file cannot be written.
    """
    camera = video.camera
    body = camera.body_pixels
    width, height = camera.arena[0] / body, camera.arena[1] / body
    scene = Scene(width, height, video.mice, video.frames, camera.fps)
    motion = np.random.default_rng([*video.seed, 1])
    poses = simulate(scene, video.bouts, motion)
    sizes = body * np.exp(BODY_SPREAD * motion.standard_normal(video.mice))
    positions = keypoints(poses, camera.parts, sizes, camera.origin, body, camera.fps)
    tracker = np.random.default_rng([*video.seed, 2])
    add_noise(positions, camera.noise_pixels, tracker)
    shape = (video.frames, video.mice, len(camera.parts))
    found = tracked(shape, camera.missing, camera.lost, tracker)
    write_tracking(tracking_path(root, video.lab, video.video), positions, found, camera.parts)
    labelled = [bout for bout in video.bouts if bout.labelled]
    write_annotation(annotation_path(root, video.lab, video.video), labelled)


def _summary(videos: Sequence[SyntheticVideo], written: int) -> SyntheticSummary:
    counts = np.zeros(len(CLASSES), np.int64)
    for video in videos:
        counts += class_frames(video.bouts, video.frames)
    return SyntheticSummary(
        videos=len(videos),
        written=written,
        frames=sum(video.frames for video in videos),
        bouts=sum(bout.labelled for video in videos for bout in video.bouts),
        class_frames=dict(zip(CLASSES, counts.tolist(), strict=True)),
        labs=tuple(dict.fromkeys(video.lab for video in videos)),
    )
