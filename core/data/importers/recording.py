"""What every reader of another tool's files returns: tracks and labels, apart from any file format."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from core.errors import DataError

Floats = npt.NDArray[np.float32]
Unit = Literal["seconds", "frames"]


@dataclass(frozen=True, slots=True)
class Tracks:
    """The points of one video."""

    positions: Floats
    """``(frames, individuals, parts, 2)`` in pixels, NaN where missing; row i is video frame i."""
    likelihood: Floats | None = None
    """``(frames, individuals, parts)`` from 0 to 1; ``None`` where the tool gives none."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One video of a file: what it has, and how its tracks are read, so that one is in memory at a time."""

    name: str
    """Name of the video, by which labels find it."""
    path: Path
    format: str
    individuals: tuple[str, ...]
    parts: tuple[str, ...]
    load: Callable[[], Tracks]
    frames_per_second: float | None = None
    """``None`` where the file does not say."""
    size: tuple[int, int] | None = None
    """Width and height of the picture, in pixels."""
    pixels_per_cm: float | None = None
    media: str = ""
    """Name of the video's own file, where the poses say it; labels find it by this name, too."""
    notes: tuple[str, ...] = ()
    """What the reader assumed or left out, in words."""


class LabelEvent(NamedTuple):
    """One labelled interval, in the unit of its sheet."""

    subject: str
    behaviour: str
    modifier: str
    start: float
    stop: float
    """Exclusive; equal to ``start`` for a point event."""
    place: str
    """Where it stands in its file, such as ``line 18``."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The labels of one video."""

    name: str
    """Name of the video as the file has it; that of the file where it has none."""
    path: Path
    format: str
    unit: Unit | None
    """``None`` where the file does not say whether numbers are seconds or frames."""
    events: tuple[LabelEvent, ...]
    frames_per_second: float | None = None
    open_events: tuple[LabelEvent, ...] = ()
    """State events that begin and never end; their ``stop`` is infinite."""
    behaviours: tuple[str, ...] = ()
    """Behaviours that were looked for, where the file lists them; some may have no event."""
    notes: tuple[str, ...] = ()


def seen(positions: Floats) -> npt.NDArray[np.bool_]:
    """Return which points are there: ``(..., 2)`` → ``(...)``."""
    return np.isfinite(positions[..., 0]) & np.isfinite(positions[..., 1])


def require_frames(tracks: Tracks, path: Path) -> Tracks:
    """Return tracks that hold at least one point.

    Raises:
        DataError: there is no frame, or no point in any.
    """
    if not len(tracks.positions):
        raise DataError(f"{path}: no frame could be read; is the file complete?")
    if not np.isfinite(tracks.positions).any():
        raise DataError(
            f"{path}: {len(tracks.positions)} frames without any point; was the export complete?"
        )
    return tracks
