"""`mabe data check`: examine every file of a data folder, and count the problems in it."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.data.competition import (
    Bouts,
    Tracking,
    Video,
    labelled,
    read_bouts,
    read_tracking,
    read_videos,
)
from core.data.findings import Findings, Problem, Report
from core.data.keypoints import is_known, slots_of_set
from core.data.labels import ACTIONS, SELF_ACTIONS, ActionMap, frame_classes
from core.data.odd_rows import odd_rows
from core.errors import DataError
from core.system.progress import Progress

__all__ = ["Problem", "Report", "check"]

OUTLASTS = 1.05
"""Labels that exceed their video's length by this factor cannot be a careless last click."""
INCLUSIVE_SHARE = 0.05
"""Share of a lab's bouts that follow another after exactly one empty frame. With this threshold, and only if
these are twice the bouts that follow without one, CalMS21's labels, whose ends are known to be inclusive,
are found, and those of BoisterousParrot or PleasantMeerkat are not."""


def check(
    root: Path,
    action_map: ActionMap,
    keypoints: str = "mabe18",
    max_mice: int = 4,
    progress: Progress | None = None,
    every_place: bool = False,
) -> Report:
    """Read everything that training would read, and report on it. Bad files are findings, not errors.

    Without tracking files, the annotations are still checked, against fps × duration.

    Args:
        root: a folder in the competition's layout.
        action_map: maps actions to classes.
        keypoints: a name of ``KEYPOINT_SETS``.
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
    _check_rows(videos, findings)
    _check_files(root, videos, usable, findings)
    tally = _Tally(root, action_map, findings)
    to_read = [video for video in videos if video.behaviors]
    for done, video in enumerate(to_read, start=1):
        tracking = _tracking(video, slots, max_mice, root, findings)
        tally.add(video, tracking)
        if progress is not None:
            progress(done, len(to_read), "videos")
    damaged = findings.videos("unreadable_tracking", "unreadable_annotation")
    sound = [video for video in usable if video.video_id not in damaged]
    if len(sound) == 1:
        findings.add("single_video", f"{sound[0].lab_id}/{sound[0].video_id}")
    return tally.report(videos, len(sound))


def _check_rows(videos: Iterable[Video], findings: Findings) -> None:
    """Check the table's own content."""
    unknown: Counter[str] = Counter()
    for video in videos:
        place = f"train.csv, line {video.row}"
        for entry in video.malformed:
            findings.add("malformed_behaviors", f"{place}: {entry}", 1, video.video_id)
        named = {mouse for behavior in video.behaviors for mouse in behavior[:2]}
        if missing := sorted(named - set(video.mice)):
            mice = ", ".join(f"mouse{mouse}" for mouse in missing)
            findings.add("undeclared_mouse", f"{place}: {mice}", 1, video.video_id)
        unknown.update(part for part in video.body_parts if not is_known(part))
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
    _check_points(video, tracking, slots, _name(root, video.tracking_path), findings)
    return tracking


def _check_points(
    video: Video, tracking: Tracking, slots: tuple[str, ...], file: str, findings: Findings
) -> None:
    name = video.video_id
    at_origin = bool((tracking.positions == 0).all(axis=-1).any())
    if tracking.non_finite or tracking.far_off or tracking.duplicates or at_origin:
        for code, rows in odd_rows(video.tracking_path, slots, tracking.mouse_ids).items():
            findings.add_rows(code, file, rows, name)
    findings.add("points_outside", file, _count_outside(video, tracking.positions), name)
    if tracking.first_frame:
        findings.add("late_start", f"{file}: starts at frame {tracking.first_frame}", 1, name)
    if tracking.left_out:
        mice = ", ".join(f"mouse{mouse}" for mouse in tracking.left_out)
        findings.add("mice_left_out", f"{file}: {mice}", 1, name)
    for part, count in tracking.dropped.items():
        if is_known(part):
            findings.add("dropped_points", f"{file}: {part}", count, name)
        else:
            findings.add("unknown_body_part", f"{file}: {part} ({count} points)", 1, name)
    expected = video.frames_per_second * video.duration_seconds
    if abs(tracking.frames - expected) > max(video.frames_per_second, 0.01 * expected):
        place = f"{file}: {tracking.frames} frames, fps × duration is {expected:.0f}"
        findings.add("frames_disagree", place, 1, name)


def _count_outside(video: Video, positions: npt.NDArray[np.float32]) -> int:
    """Count the points outside the picture; missing points compare as inside."""
    outside = (positions < 0).any(axis=-1)
    for axis, size in enumerate((video.width, video.height)):
        if size is not None:
            outside |= positions[..., axis] > size
    return int(np.count_nonzero(outside))


class _Tally:
    """Counts over all annotated videos."""

    def __init__(self, root: Path, action_map: ActionMap, findings: Findings) -> None:
        self.root = root
        self.action_map = action_map
        self.findings = findings
        self.annotations = self.frames = 0
        self.frames_estimated = False
        self.actions: Counter[str] = Counter()
        self.class_frames = np.zeros(len(action_map.classes), np.int64)
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
        _check_bouts(video, bouts, frames, _known_mice(video, tracking), file, self.findings)
        self.annotations += 1
        self.frames += frames
        self.frames_estimated |= tracking is None
        self.actions.update(bouts.action)
        classes = frame_classes(bouts, frames, self.action_map)
        self.class_frames += np.bincount(classes, minlength=len(self.class_frames))
        self.gaps[video.lab_id].update(_gaps(bouts))

    def report(self, videos: list[Video], usable: int) -> Report:
        """Add the findings that need all videos, and summarise."""
        self._find_actions()
        self._find_inclusive_labels()
        class_frames = dict(zip(self.action_map.classes, self.class_frames.tolist(), strict=True))
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
            if action not in self.action_map:
                self.findings.add("unmapped_action", f"{action} ({count} bouts)", count)

    def _find_inclusive_labels(self) -> None:
        for lab, gaps in self.gaps.items():
            one, none = gaps["one frame"], gaps["none"]
            if one > 2 * none and one > INCLUSIVE_SHARE * gaps["bouts"]:
                place = f"{lab}: {one} bouts follow after one empty frame, {none} without a gap"
                self.findings.add("inclusive_labels", place)


def _known_mice(video: Video, tracking: Tracking | None) -> set[int]:
    """Return the mice of a video: those tracked, else all that its row names."""
    if tracking is not None:
        return {*tracking.mouse_ids, *tracking.left_out}
    return {*video.mice, *(mouse for behavior in video.behaviors for mouse in behavior[:2])}


def _check_bouts(
    video: Video, bouts: Bouts, frames: int, mice: set[int], file: str, findings: Findings
) -> None:
    """Check the bouts of one video; ``frames`` is its length."""
    known = np.array(sorted(mice), np.int64)
    alone = np.isin(bouts.action.astype(str), SELF_ACTIONS)
    paired = np.isin(bouts.action.astype(str), ACTIONS) & ~alone
    same = bouts.agent == bouts.target
    wrong = {
        "zero_length_bouts": bouts.stop == bouts.start,
        "reversed_bouts": bouts.stop < bouts.start,
        "bouts_before_start": bouts.start < 0,
        "bouts_past_end": bouts.stop > frames,
        "self_and_pair_mixed": (alone & ~same) | (paired & same),
    }
    for code, rows in wrong.items():
        findings.add_rows(code, file, np.flatnonzero(rows).tolist(), video.video_id)
    strange = ~(np.isin(bouts.agent, known) & np.isin(bouts.target, known))
    named = {*bouts.agent[strange].tolist(), *bouts.target[strange].tolist()} - mice
    note = ": " + ", ".join(f"mouse{mouse}" for mouse in sorted(named))
    findings.add_rows("unknown_mouse", file, np.flatnonzero(strange), video.video_id, note)
    last = int(bouts.stop.max(initial=0))
    if last > OUTLASTS * frames:
        place = f"{file}: labels to frame {last} of {frames}"
        findings.add("labels_outlast_video", place, 1, video.video_id)


def _gaps(bouts: Bouts) -> dict[str, int]:
    """Count how the bouts of one (agent, target) follow each other."""
    order = np.lexsort((bouts.start, bouts.target, bouts.agent))
    agent, target = bouts.agent[order], bouts.target[order]
    follows = (agent[1:] == agent[:-1]) & (target[1:] == target[:-1])
    gap = (bouts.start[order][1:] - bouts.stop[order][:-1])[follows]
    return {"bouts": len(bouts), "none": int((gap == 0).sum()), "one frame": int((gap == 1).sum())}


def _parquet_files(folder: Path) -> set[Path]:
    return {path for path in folder.glob("*/*.parquet") if path.is_file()}


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
