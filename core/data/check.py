"""`mabe data check`: examine every file of a data folder, and count the problems in it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from core.config.strict import nearest
from core.data.check_bouts import check_bouts, gaps_between, known_mice
from core.data.check_tracking import check_anatomy, check_tracking
from core.data.competition import (
    Tracking,
    Video,
    labelled,
    read_bouts,
    read_tracking,
    read_videos,
)
from core.data.copies import copies, sketch
from core.data.findings import Findings, Problem, Report
from core.data.keypoints import is_known, slots_of_set
from core.data.known_faults import has_suspect_labels
from core.data.labels import ACTIONS, ActionMap, frame_classes
from core.errors import DataError
from core.system.progress import Progress

__all__ = ["Problem", "Report", "check"]

INCLUSIVE_SHARE = 0.05
"""Share of a lab's bouts that follow another after exactly one empty frame. With this threshold, and only if
these are twice the bouts that follow without one, CalMS21's labels, whose ends are known to be inclusive,
are found, and those of BoisterousParrot or PleasantMeerkat are not."""
SAMPLES = 3
"""Videos looked at of a lab that has labelled none."""


def check(
    root: Path,
    action_map: ActionMap | None,
    keypoints: str | Sequence[str] = "mabe18",
    max_mice: int = 4,
    progress: Progress | None = None,
    every_place: bool = False,
) -> Report:
    """Read everything that training would read, and report on it. Bad files are findings, not errors.

    Without tracking files, the annotations are still checked, against fps × duration.

    Args:
        root: a folder in the competition's layout.
        action_map: maps actions to classes; ``None`` for a task that has no classes of frames.
        keypoints: a set, as :func:`core.data.keypoints.slots_of_set` reads it.
        max_mice: mouse slots.
        progress: called with (done, total, what).
        every_place: list every place and row of a problem, not only the first few.

    Raises:
        ConfigError: there is no such keypoint set.
    """
    slots = slots_of_set(keypoints)
    findings = Findings(every_place)
    try:
        videos = read_videos(root)
    except DataError as error:
        findings.add("unreadable_table", str(error))
        return Report(root=str(root), problems=findings.problems())
    usable, _ = labelled(videos)
    _check_rows(videos, slots, findings)
    _check_files(root, videos, usable, findings)
    tally = _Tally(root, action_map, findings)
    to_read, samples = [v for v in videos if v.behaviors], _unlabelled_samples(videos)
    sketches: dict[str, bytes | None] = {}
    for done, video in enumerate([*to_read, *samples], start=1):
        if video.behaviors:
            tracking = _tracking(video, slots, max_mice, root, findings)
            tally.add(video, tracking)
            sketches[video.video_id] = None if tracking is None else sketch(tracking.positions)
        else:
            _check_sample(video, slots, max_mice, root, findings)
        if progress is not None:
            progress(done, len(to_read) + len(samples), "videos")
    _check_copies(to_read, sketches, findings)
    damaged = findings.videos("unreadable_tracking", "unreadable_annotation")
    sound = [video for video in usable if video.video_id not in damaged]
    if len(sound) == 1:
        findings.add("single_video", f"{sound[0].lab_id}/{sound[0].video_id}")
    return tally.report(videos, len(sound))


def _check_rows(videos: Sequence[Video], slots: tuple[str, ...], findings: Findings) -> None:
    """Check the table's own content."""
    unknown: Counter[str] = Counter()
    for video in videos:
        place = f"train.csv, line {video.row}"
        for entry in video.malformed:
            findings.add("malformed_behaviors", f"{place}: {entry}", 1, video.video_id)
        if has_suspect_labels(video.lab_id, video.video_id):
            findings.add("suspect_labels", f"{video.lab_id}/{video.video_id}", 1, video.video_id)
        named = {mouse for behavior in video.behaviors for mouse in behavior[:2]}
        if missing := sorted(named - set(video.mice)):
            mice = ", ".join(f"mouse{mouse}" for mouse in missing)
            findings.add("undeclared_mouse", f"{place}: {mice}", 1, video.video_id)
        unknown.update(part for part in video.body_parts if not (part in slots or is_known(part)))
    listed = {part for video in videos for part in video.body_parts}
    for slot in slots:
        if listed and slot not in listed and not is_known(slot):
            findings.add("absent_keypoint", f"{slot}{nearest(slot, sorted(listed - {*slots}))}")
    for part, count in unknown.most_common():
        findings.add("unknown_body_part", f"{part} (body_parts_tracked of {count} videos)")


def _check_files(root: Path, videos: list[Video], usable: list[Video], findings: Findings) -> None:
    """Compare the table's list with the files on disk."""
    tracked = _parquet_files(root / "train_tracking")
    annotated = _parquet_files(root / "train_annotation")
    if not tracked:
        place = f"train_tracking/ has no file for any of the {len(videos)} rows"
        findings.add("no_tracking", place, len(videos))
    elif not usable:
        findings.add("nothing_usable", "train.csv", len(videos))
    for video in videos:
        if not video.behaviors:
            continue
        _check_presence(root, video, tracked, annotated, findings)
    listed = {path for video in videos for path in (video.tracking_path, video.annotation_path)}
    for path in sorted((tracked | annotated) - listed):
        findings.add("unlisted_file", _name(root, path))


def _check_presence(
    root: Path, video: Video, tracked: set[Path], annotated: set[Path], findings: Findings
) -> None:
    """Check that both files of a labelled video exist.

    If no video has tracking, one finding covers all of them.
    """
    for code, path, present in (
        ("missing_tracking", video.tracking_path, tracked),
        ("missing_annotation", video.annotation_path, annotated),
    ):
        if path.is_dir():
            findings.add("folder_of_parts", _name(root, path), 1, video.video_id)
        elif path not in present and (tracked or code != "missing_tracking"):
            findings.add(code, _name(root, path), 1, video.video_id)


def _tracking(
    video: Video, slots: tuple[str, ...], max_mice: int, root: Path, findings: Findings
) -> Tracking | None:
    """Read a video's tracking, if it exists, and check its points."""
    if not video.tracking_path.is_file():
        return None
    try:
        tracking = read_tracking(video, slots, max_mice)
    except DataError as error:
        findings.add("unreadable_tracking", str(error), 1, video.video_id)
        return None
    check_tracking(video, tracking, slots, _name(root, video.tracking_path), findings)
    return tracking


def _unlabelled_samples(videos: Sequence[Video]) -> list[Video]:
    """Return the first few videos of each lab that has labelled none: enough to see scrambled columns."""
    labelled_labs = {video.lab_id for video in videos if video.behaviors}
    by_lab: dict[str, list[Video]] = defaultdict(list)
    for video in videos:
        found = by_lab[video.lab_id]
        wanted = video.lab_id not in labelled_labs and len(found) < SAMPLES
        if wanted and video.tracking_path.is_file():
            found.append(video)
    return [video for group in by_lab.values() for video in group]


def _check_sample(
    video: Video, slots: tuple[str, ...], max_mice: int, root: Path, findings: Findings
) -> None:
    with suppress(DataError):  # training reads no unlabelled video, so a damaged one is no problem
        tracking = read_tracking(video, slots, max_mice)
        check_anatomy(video, tracking, slots, _name(root, video.tracking_path), findings)


def _check_copies(
    videos: Iterable[Video], sketches: dict[str, bytes | None], findings: Findings
) -> None:
    """Name the videos that share their tracking."""
    lab_of = {video.video_id: video.lab_id for video in videos}
    for group in copies(sketches):
        place = " = ".join(f"{lab_of[video]}/{video}" for video in group)
        findings.add("copied_tracking", place, len(group), group[0])


class _Tally:
    """Counts over all annotated videos."""

    def __init__(self, root: Path, action_map: ActionMap | None, findings: Findings) -> None:
        self.root = root
        self.action_map = action_map
        self.findings = findings
        self.annotations = self.frames = 0
        self.frames_estimated = False
        self.actions: Counter[str] = Counter()
        self.class_frames = np.zeros(len(action_map.classes) if action_map else 0, np.int64)
        self.gaps: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, video: Video, tracking: Tracking | None) -> None:
        """Read a video's annotation, if it exists, and count its bouts."""
        if not video.annotation_path.is_file():
            return
        try:
            bouts = read_bouts(video)
        except DataError as error:
            self.findings.add("unreadable_annotation", str(error), 1, video.video_id)
            return
        file = _name(self.root, video.annotation_path)
        estimate = video.frames_per_second * video.duration_seconds
        frames = tracking.frames if tracking else round(estimate)
        check_bouts(video, bouts, frames, known_mice(video, tracking), file, self.findings)
        self.annotations += 1
        self.frames += frames
        self.frames_estimated |= tracking is None
        self.actions.update(bouts.action)
        if self.action_map is not None:
            classes = frame_classes(bouts, frames, self.action_map)
            self.class_frames += np.bincount(classes, minlength=len(self.class_frames))
        self.gaps[video.lab_id].update(gaps_between(bouts))

    def report(self, videos: list[Video], usable: int) -> Report:
        """Add the findings that need all videos, and summarise."""
        self._find_actions()
        self._find_inclusive_labels()
        names = self.action_map.classes if self.action_map is not None else ()
        class_frames = dict(zip(names, self.class_frames.tolist(), strict=True))
        for name, frames in class_frames.items():
            if self.annotations and not frames:
                self.findings.add("absent_class", name)
        return Report(
            root=str(self.root),
            videos=len(videos),
            labelled=sum(bool(video.behaviors) for video in videos),
            usable=usable,
            annotations=self.annotations,
            videos_per_lab=dict(Counter(video.lab_id for video in videos)),
            labelled_per_lab=dict(Counter(video.lab_id for video in videos if video.behaviors)),
            bouts=self.actions.total(),
            bouts_per_action=dict(self.actions.most_common()),
            frames=self.frames,
            frames_estimated=self.frames_estimated,
            class_frames=class_frames,
            problems=self.findings.problems(),
        )

    def _find_actions(self) -> None:
        for action, count in self.actions.most_common():
            if action not in ACTIONS:
                self.findings.add("unknown_action", f"{action} ({count} bouts)")
            if self.action_map is not None and action not in self.action_map:
                self.findings.add("unmapped_action", f"{action} ({count} bouts)", count)

    def _find_inclusive_labels(self) -> None:
        for lab, gaps in self.gaps.items():
            one, none = gaps["one frame"], gaps["none"]
            if one > 2 * none and one > INCLUSIVE_SHARE * gaps["bouts"]:
                place = f"{lab}: {one} bouts follow after one empty frame, {none} without a gap"
                self.findings.add("inclusive_labels", place)


def _parquet_files(folder: Path) -> set[Path]:
    return {path for path in folder.glob("*/*.parquet") if path.is_file()}


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
