"""Slices: named stretches of video that somebody looked at and wants to see followed over all versions.

They are kept in ``slices.json`` beside the runs, and rewritten under a lock. A damaged file is refused rather
than replaced: what it holds was chosen by hand.
"""

from pathlib import Path

import msgspec

from core.config.strict import nearest
from core.errors import DataError, RunError
from core.system.files import UNDECODABLE, write_bytes_atomically
from core.system.lock import locked
from mabe_tui.runs.store import RunStore

FILE = "slices.json"
NAME_LENGTH = 40


class Stretch(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Frames ``start ≤ frame < stop`` of one video."""

    video: str
    start: int
    stop: int


class VideoSlice(msgspec.Struct, frozen=True, kw_only=True):
    """Stretches of video under a name."""

    comment: str = ""
    """What is special about them."""
    stretches: tuple[Stretch, ...] = ()

    @property
    def frames(self) -> int:
        """Number of frames of all stretches."""
        return sum(stretch.stop - stretch.start for stretch in self.stretches)


class Slices:
    """The slices of one home folder.

    Args:
        home: the home folder of the runs.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FILE

    def read(self) -> dict[str, VideoSlice]:
        """Return all slices by name, in the order in which they were made.

        Raises:
            DataError: the file is damaged, or cannot be read.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, VideoSlice])
        except FileNotFoundError:
            return {}
        except (OSError, *UNDECODABLE) as error:
            raise DataError(
                f"{self.path}: not a table of slices ({error}); mend it, or move it away"
            ) from error

    def find(self, name: str) -> VideoSlice:
        """Return a slice.

        Raises:
            RunError: there is none of that name; names the nearest.
            DataError: the file is damaged.
        """
        known = self.read()
        if name not in known:
            raise RunError(f"no slice {name!r}{nearest(name, known)} (`mabe slices` lists them)")
        return known[name]

    def add(self, name: str, stretch: Stretch, comment: str = "") -> VideoSlice:
        """Add a stretch to a slice, and make the slice if there is none of that name.

        Args:
            name: of the slice.
            stretch: one that overlaps another of the same video is merged with it.
            comment: replaces the slice's comment, unless empty.

        Raises:
            RunError: the name is empty, too long or holds a control character, or the stretch has no frames.
            DataError: the file is damaged.
        """
        if not name.strip() or not name.isprintable() or len(name) > NAME_LENGTH:
            raise RunError(
                f"{name[:NAME_LENGTH]!r} cannot be a slice's name: letters, digits and the like,"
                f" {NAME_LENGTH} at most"
            )
        if not 0 <= stretch.start < stretch.stop:
            raise RunError(
                f"frames {stretch.start} to {stretch.stop}: the first must be 0 or more, and below the"
                " one after the last"
            )
        with locked(self.path):
            known = self.read()
            before = known.get(name, VideoSlice())
            changed = VideoSlice(
                comment=comment or before.comment,
                stretches=_merged((*before.stretches, stretch)),
            )
            self._write(known | {name: changed})
        return changed

    def remove(self, name: str) -> None:
        """Remove a slice; the videos and runs stay as they are.

        Raises:
            RunError: there is none of that name; names the nearest.
            DataError: the file is damaged.
        """
        with locked(self.path):
            self.find(name)
            self._write({key: one for key, one in self.read().items() if key != name})

    def _write(self, slices: dict[str, VideoSlice]) -> None:
        write_bytes_atomically(self.path, msgspec.json.format(msgspec.json.encode(slices)))


def _merged(stretches: tuple[Stretch, ...]) -> tuple[Stretch, ...]:
    """Return the same frames as stretches that do not overlap, sorted by video and frame."""
    kept: list[Stretch] = []
    for stretch in sorted(stretches):
        last = kept[-1] if kept else None
        if last is not None and last.video == stretch.video and stretch.start <= last.stop:
            kept[-1] = Stretch(
                video=last.video, start=last.start, stop=max(last.stop, stretch.stop)
            )
        else:
            kept.append(stretch)
    return tuple(kept)


def require_video(store: RunStore, video: str) -> None:
    """Check that some run here was validated on a video.

    Raises:
        RunError: none was; names the nearest video.
    """
    known: set[str] = set()
    for entry in store.entries():
        resolved = entry.request.resolved if entry.request is not None else None
        known.update(resolved.validation_units if resolved else ())
    if video not in known:
        raise RunError(
            f"no run here was validated on a video {video!r}{nearest(video, sorted(known))}"
            " (`mabe video RUN` lists them)"
        )
