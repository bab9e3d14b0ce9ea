"""Findings of a data check: the catalogue of problems, and the report that counts them."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

Severity = Literal["error", "warning", "note"]
"""An error stops training; a warning is probably a mistake; a note is worth knowing."""

PLACES = 5
"""Number of places kept per problem, if they are files or rows."""
ROWS = 3
"""Number of rows listed per file."""
NAMES = 40
"""Number of places kept if they are names, of which there are few, each needing a fix."""


class Kind(NamedTuple):
    """One entry of the catalogue."""

    severity: Severity
    unit: str
    """The counted unit."""
    meaning: str
    """The meaning, and what to do."""
    places: int = PLACES


KINDS: dict[str, Kind] = {
    "unreadable_table": Kind("error", "tables", "the table cannot be used; mend the place named"),
    "no_tracking": Kind(
        "error",
        "videos",
        "no video has its tracking file, so nothing can be trained;"
        " put the files under train_tracking/LAB/VIDEO.parquet",
    ),
    "nothing_usable": Kind(
        "error", "videos", "no labelled video has both its files, so nothing can be trained"
    ),
    "single_video": Kind(
        "error",
        "videos",
        "all there is to learn from; at least two videos are needed, one of them for validation",
    ),
    "unreadable_tracking": Kind(
        "error", "files", "prepare stops here; fetch the file again, or leave it out (--skip-bad)"
    ),
    "unreadable_annotation": Kind(
        "error", "files", "prepare stops here; fetch the file again, or leave it out (--skip-bad)"
    ),
    "missing_tracking": Kind(
        "warning", "videos", "labelled, but without this tracking file, so left out of training"
    ),
    "missing_annotation": Kind(
        "warning", "videos", "labelled, but without this annotation file, so left out of training"
    ),
    "folder_of_parts": Kind(
        "warning",
        "videos",
        "a folder where one file is expected, so the video is left out; write its parts into one"
        " parquet file",
    ),
    "unlisted_file": Kind("note", "files", "no row of the table names it, so it is not read"),
    "malformed_behaviors": Kind(
        "warning", "entries", "behaviors_labeled; stray quotes are taken off, the rest is left out"
    ),
    "undeclared_mouse": Kind(
        "note",
        "videos",
        "behaviors_labeled names a mouse that the row does not describe; harmless if it is tracked",
    ),
    "untracked_mouse": Kind(
        "warning",
        "videos",
        "behaviors_labeled names a mouse that the tracking lacks; nothing of it can be learned or predicted",
    ),
    "suspect_labels": Kind(
        "warning",
        "videos",
        "winning teams found their labels made at another frame rate, with swapped mice; the task"
        " `actions` leaves them out (data.left_out_videos), `behaviour` does not",
    ),
    "unknown_body_part": Kind(
        "warning",
        "names",
        "not a name of the competition, so its points are dropped; check the spelling",
        NAMES,
    ),
    "unknown_action": Kind(
        "warning",
        "actions",
        "not one of the competition's 37; a submission cannot contain it",
        NAMES,
    ),
    "unmapped_action": Kind(
        "warning",
        "bouts",
        "in no class, so they count as class 0; map the action in `actions`, be it to class 0",
        NAMES,
    ),
    "absent_class": Kind("warning", "classes", "no frame has it, so it cannot be learned", NAMES),
    "non_finite_points": Kind("warning", "points", "NaN or infinite; they count as missing"),
    "points_far_off": Kind(
        "warning", "points", "over 100,000 pixels from the picture; they count as missing"
    ),
    "duplicate_rows": Kind("warning", "rows", "same frame, mouse and part; the last row counts"),
    "points_at_origin": Kind(
        "warning",
        "points",
        "at exactly (0, 0), which some tools write for a point that is not tracked; used as they are:"
        " if they mean that, remove their rows",
    ),
    "points_outside": Kind("note", "points", "outside the picture; used as they are"),
    "dropped_points": Kind("note", "points", "body parts without a slot in this keypoint set"),
    "absent_keypoint": Kind(
        "warning",
        "keypoints",
        "of the version's own set, and no video has it; check the spelling",
        NAMES,
    ),
    "misplaced_parts": Kind(
        "warning",
        "videos",
        "body parts farther from their neighbours than on any mouse; are their names mixed up? mend"
        " them, or leave the videos out",
    ),
    "copied_tracking": Kind(
        "warning",
        "videos",
        "the same recording under several ids, as from several annotators; keep copies on one side of a"
        " split (data.validation_videos)",
    ),
    "identity_swaps": Kind(
        "warning",
        "exchanges",
        "two mice jump to each other's place between two frames, as if the tracker exchanged them; mend them"
        " in its software, or import again with --repair-swaps",
    ),
    "mice_left_out": Kind("warning", "videos", "more mice than slots; raise data.mice to use them"),
    "late_start": Kind(
        "warning",
        "videos",
        "no row for the first frames, which are taken as empty; labels count from frame 0",
    ),
    "frames_disagree": Kind(
        "warning",
        "videos",
        "tracking and fps × duration differ by more than 1 % and a second; the tracking counts",
    ),
    "zero_length_bouts": Kind("warning", "bouts", "start = stop; they cover no frame"),
    "reversed_bouts": Kind(
        "warning", "bouts", "stop before start; ignored, and an error if submitted"
    ),
    "bouts_before_start": Kind("warning", "bouts", "start before frame 0; cut there"),
    "bouts_past_end": Kind("warning", "bouts", "stop after the video's last frame; cut there"),
    "labels_outlast_video": Kind(
        "warning", "videos", "labels run over 5 % too long: another frame rate, or another video?"
    ),
    "unknown_mouse": Kind("warning", "bouts", "name a mouse that the video does not have"),
    "self_and_pair_mixed": Kind(
        "warning", "bouts", "a self action with another target, or a pair action on oneself"
    ),
    "inclusive_labels": Kind(
        "note",
        "labs",
        "bouts mostly follow each other after exactly one empty frame, as if stop were the last"
        " frame; stop is read as exclusive, as the metric does",
        NAMES,
    ),
}


class Problem(msgspec.Struct, frozen=True):
    """One kind of problem in a data folder."""

    code: str
    severity: Severity
    count: int
    unit: str
    videos: int
    """Number of affected videos; 0 if the problem does not concern single videos."""
    places: tuple[str, ...]
    """The first few places: file, and row, line or column."""
    meaning: str
    more_places: int = 0
    """Number of places missing from ``places``."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The result of :func:`core.data.check.check`."""

    root: str
    videos: int = 0
    labelled: int = 0
    usable: int = 0
    """Labelled videos whose two files exist and are intact."""
    annotations: int = 0
    """Readable annotation files."""
    videos_per_lab: dict[str, int] = {}
    labelled_per_lab: dict[str, int] = {}
    bouts: int = 0
    bouts_per_action: dict[str, int] = {}
    frames: int = 0
    """Total frames of the annotated videos."""
    frames_estimated: bool = False
    """Whether some are estimated as fps × duration, without tracking."""
    class_frames: dict[str, int] = {}
    problems: tuple[Problem, ...] = ()
    """Problems, errors first."""

    @property
    def stops_training(self) -> bool:
        """Whether any problem is an error."""
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def class_shares(self) -> dict[str, float]:
        """Return the share of frames in each class."""
        return {name: count / max(self.frames, 1) for name, count in self.class_frames.items()}


class Findings:
    """Collects problems during a check.

    Args:
        every_place: keep all places and rows of each problem, not only the first few.
    """

    def __init__(self, every_place: bool = False) -> None:
        self._every_place = every_place
        self._more_places: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._places: dict[str, list[str]] = {}
        self._videos: dict[str, set[str]] = {}

    def add(self, code: str, place: str, count: int = 1, video: str | None = None) -> None:
        """Count a problem of the catalogue; keep only the first few places."""
        if not count:
            return
        self._counts[code] += count
        places = self._places.setdefault(code, [])
        if self._every_place or len(places) < KINDS[code].places:
            places.append(place)
        else:
            self._more_places[code] += 1
        if video is not None:
            self._videos.setdefault(code, set()).add(video)

    def add_rows(
        self, code: str, file: str, rows: Iterable[int], video: str, note: str = ""
    ) -> None:
        """Count rows of one file, listing the first few (or all), followed by ``note``."""
        every = [int(row) for row in rows]
        shown = every if self._every_place else every[:ROWS]
        named = ", ".join(map(str, shown))
        if len(every) > len(shown):
            named += f" and {len(every) - len(shown):,} more"
        self.add(code, f"{file}, row{'s' * (len(every) > 1)} {named}{note}", len(every), video)

    def videos(self, *codes: str) -> set[str]:
        """Return the ids of the videos that have any of these problems."""
        return set().union(*(self._videos.get(code, ()) for code in codes))

    def problems(self) -> tuple[Problem, ...]:
        """Return all problems, errors first, each kind in the order of the catalogue."""
        order = ("error", "warning", "note")
        found = [
            Problem(
                code=code,
                severity=kind.severity,
                count=self._counts[code],
                unit=kind.unit,
                videos=len(self._videos.get(code, ())),
                places=tuple(self._places[code]),
                meaning=kind.meaning,
                more_places=self._more_places[code],
            )
            for code, kind in KINDS.items()
            if code in self._counts
        ]
        return tuple(sorted(found, key=lambda problem: order.index(problem.severity)))
