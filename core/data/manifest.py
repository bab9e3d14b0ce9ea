"""The manifest of a prepared data set, and the key under which it is stored."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.data.competition import LabeledBehavior, LeftOut, Video
from core.errors import DataError
from core.system.files import UNDECODABLE, write_bytes_atomically

FORMAT_VERSION = 2
"""Raise this when the meaning of a prepared folder's files changes; older folders are then ignored."""

MANIFEST = "manifest.json"


class PreparedVideo(msgspec.Struct, frozen=True, kw_only=True):
    """One video inside the shared arrays."""

    video_id: str
    lab_id: str
    offset: int
    """Row of ``positions`` that is the video's frame 0."""
    frames: int
    frames_per_second: float
    pixels_per_cm: float | None
    width: int | None
    height: int | None
    behaviors: tuple[LabeledBehavior, ...]
    """Behaviours annotated in this video; the absence of any other means nothing."""
    mouse_ids: tuple[int, ...]
    """The mouse in each slot."""
    mice_left_out: tuple[int, ...]
    dropped: dict[str, int]
    """Points of body parts without a slot."""
    duplicates: int
    non_finite: int
    far_off: int = 0
    """Points far outside the picture, which count as missing."""
    content: str
    """Hash of the video's positions and bouts."""
    source: tuple[str, str] | None = None
    """Hashes of the whole tracking and annotation files, unused parts included; older folders lack it."""
    tracking: bytes | None = None
    """By which copies of its tracking are recognised (:mod:`core.data.copies`); older folders lack it."""


class Unreadable(msgspec.Struct, frozen=True):
    """A video that could not be prepared."""

    video_id: str
    reason: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a prepared folder except its arrays. Written last: it marks the folder as complete."""

    format_version: int
    source: str
    """The :func:`source_key` of its source."""
    fingerprint: str
    """Hash of the content alone: equal for equal data, wherever they are."""
    keypoints: str
    slots: tuple[str, ...]
    mice: int
    total_frames: int
    videos: tuple[PreparedVideo, ...]
    without_files: tuple[Unreadable, ...] = ()
    """Labelled videos whose tracking or annotation file is missing."""
    unreadable: tuple[Unreadable, ...] = ()
    """Damaged videos, left out at the request of ``mabe data prepare --skip-bad``."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of ``positions``: (frames, mice, keypoints, 2)."""
        return (self.total_frames, self.mice, len(self.slots), 2)


def source_key(root: Path, videos: Iterable[Video], keypoints: str, mice: int) -> str:
    """Hash the names, sizes and modification times of the source, and the settings.

    Raises:
        DataError: a file vanished.
    """
    digest = hashlib.sha256(f"{FORMAT_VERSION} {keypoints} {mice}\n".encode())
    files = [root / "train.csv"]
    for video in videos:
        files += [video.tracking_path, video.annotation_path]
    for path in files:
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        name = path.relative_to(root).as_posix()
        digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def file_content(path: Path) -> str:
    """Hash the content of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()


def source_fingerprint(videos: Iterable[PreparedVideo]) -> str | None:
    """Hash the ids and sources of some videos, in the order of ids; ``None`` if one is unknown."""
    digest = hashlib.sha256()
    for video in sorted(videos, key=lambda video: video.video_id):
        if video.source is None:
            return None
        digest.update(f"{video.video_id} {' '.join(video.source)}\n".encode())
    return digest.hexdigest()


def content_fingerprint(keypoints: str, mice: int, videos: Iterable[PreparedVideo]) -> str:
    """Hash everything a model could learn from: contents, rates and scales, in the order of video ids."""
    digest = hashlib.sha256(f"{FORMAT_VERSION} {keypoints} {mice}\n".encode())
    for video in sorted(videos, key=lambda video: video.video_id):
        about = (video.video_id, video.frames, video.frames_per_second, video.pixels_per_cm)
        digest.update(f"{about} {video.content}\n".encode())
    return digest.hexdigest()


def missing_files(left_out: Iterable[LeftOut]) -> tuple[Unreadable, ...]:
    """Return the labelled videos among those left out."""
    return tuple(
        Unreadable(video.video_id, reason) for video, reason in left_out if video.behaviors
    )


class Remark(NamedTuple):
    """A caveat about data, to know before trusting a result; a run emits it as a ``warning``."""

    code: str
    message: str


def omissions(manifest: Manifest) -> tuple[Remark, ...]:
    """Describe the parts of the source that are missing from the prepared data and easily overlooked."""
    videos = manifest.videos
    crowded = [video.video_id for video in videos if video.mice_left_out]
    dropped: Counter[str] = Counter()
    for video in videos:
        dropped.update(video.dropped)
    parts = ", ".join(f"{part} ({points})" for part, points in dropped.most_common())
    far = [video.video_id for video in videos if video.far_off]
    points = sum(video.far_off for video in videos)
    found = {
        "videos_without_files": _left_out(manifest.without_files),
        "videos_unreadable": _left_out(manifest.unreadable),
        "mice_left_out": f"{named(crowded)} with mice beyond the first {manifest.mice}"
        if crowded
        else "",
        "body_parts_left_out": f"points of body parts without a slot: {parts}" if parts else "",
        "points_far_off": f"{points} point{'s' * (points > 1)} nowhere near the picture, in {named(far)};"
        " they count as missing"
        if far
        else "",
    }
    return tuple(Remark(code, message) for code, message in found.items() if message)


def named(ids: Sequence[str]) -> str:
    """Count videos, and list the first few."""
    more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
    return f"{len(ids)} video{'s' if len(ids) > 1 else ''} ({', '.join(ids[:3])}{more})"


def _left_out(videos: Sequence[Unreadable]) -> str:
    if not videos:
        return ""
    count = f"{len(videos)} labelled video{'s' if len(videos) > 1 else ''}"
    more = f"; and {len(videos) - 3} more" if len(videos) > 3 else ""
    reasons = "; ".join(f"{video.video_id}: {video.reason}" for video in videos[:3])
    return f"{count} left out ({reasons}{more})"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json``; raises the errors of ``write_bytes_atomically``."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_bytes_atomically(folder / MANIFEST, text + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        DataError: there is none, it is damaged, or of another format version.
    """
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
        version = msgspec.json.decode(data, type=_Version).format_version
        if version != FORMAT_VERSION:
            raise DataError(
                f"{path}: format version {version}, but {FORMAT_VERSION} is needed;"
                " run `mabe data prepare` again"
            )
        return msgspec.json.decode(data, type=Manifest)
    except FileNotFoundError as error:
        raise DataError(
            f"{folder}: not a prepared data folder (no {MANIFEST}); run `mabe data prepare`"
        ) from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except UNDECODABLE as error:
        raise DataError(
            f"{path}: damaged ({error}); delete the folder and prepare again"
        ) from error


class _Version(msgspec.Struct):
    format_version: int
