"""Which prepared videos an experiment trains and validates on, and what to warn about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from core.data.keypoints import SLOTS_18
from core.data.labels import counted
from core.data.manifest import Remark, named, omissions
from core.data.prepared import PreparedData
from core.errors import DataError
from core.tasks.actions.pair_rows import AnnotatedVideo, PairRows
from core.tasks.actions.settings import MICE, ActionsDataConfig, ActionsExperiment
from core.tasks.actions.spec import labels
from core.tasks.actions.splitting import Split, SplitCandidate, split


@dataclass(frozen=True, slots=True)
class ChosenVideos:
    """The rows of the training and of the validation videos, and remarks about them."""

    data: PreparedData
    train: tuple[int, ...]
    """Indices of the prepared videos."""
    validation: tuple[int, ...]
    train_rows: PairRows
    validation_rows: PairRows
    remarks: tuple[Remark, ...]

    @classmethod
    def of(cls, experiment: ActionsExperiment, data: PreparedData) -> Self:
        """Choose and split the videos.

        Raises:
            DataError: another layout, no usable video, nothing to learn, or an impossible split.
        """
        _require_layout(data)
        config, actions = experiment.data, labels(experiment)
        usable, left_out = _usable(config, data)
        rows = PairRows.of(data, usable, actions)
        sides = split(config, _candidates(data, usable, rows))
        place = {video.video_id: number for number, video in enumerate(data.videos)}
        train, validation = (
            tuple(place[video] for video in side) for side in (sides.training, sides.validation)
        )
        train_rows = PairRows.of(data, train, actions)
        if not train_rows.tracked.any() or not len(train_rows.bout_start):
            raise DataError(
                f"{data.folder}: no bout of a tracked mouse in the {len(train)} training videos, so there"
                " is nothing to learn (`mabe data check` says what is annotated)"
            )
        validation_rows = PairRows.of(data, validation, actions)
        remarks = (
            *left_out,
            *_of_split(sides),
            *_of_rows(data, rows),
            *_unseen(data, train_rows, validation_rows),
            *omissions(data.manifest),
        )
        return cls(data, train, validation, train_rows, validation_rows, remarks)

    def units(self, videos: Iterable[int]) -> tuple[str, ...]:
        """Return the names of some videos among evaluation rows."""
        return tuple(unit_of(self.data.videos[video]) for video in videos)

    def examples(self, rows: PairRows) -> int:
        """Count the video frames of the rows that are tracked."""
        frames = np.array([video.frames for video in self.data.videos], np.int64)
        return int(frames[rows.video[rows.tracked]].sum())

    def label_frames(self, rows: PairRows) -> dict[str, int]:
        """Count the video frames with each action of each lab."""
        counts: dict[str, int] = {}
        frames = rows.action_frames(range(len(rows)))
        for row, action in zip(*np.nonzero(rows.mask), strict=True):
            label = label_of(self.data.videos[int(rows.video[row])], rows.actions[action])
            counts[label] = counts.get(label, 0) + int(frames[row, action])
        return dict(sorted(counts.items()))

    def lab_actions(self) -> dict[str, list[str]]:
        """Return the actions of each lab that have a frame in any of its videos."""
        found: dict[str, set[str]] = {}
        for rows in (self.train_rows, self.validation_rows):
            for row, action in zip(*np.nonzero(rows.action_frames(range(len(rows)))), strict=True):
                lab = self.data.videos[int(rows.video[row])].lab_id
                found.setdefault(lab, set()).add(rows.actions[action])
        return {lab: sorted(actions) for lab, actions in sorted(found.items())}


def unit_of(video: AnnotatedVideo) -> str:
    """Return the name of a video among evaluation rows, ``LAB/VIDEO``."""
    return f"{video.lab_id}/{video.video_id}"


def label_of(video: AnnotatedVideo, action: str) -> str:
    """Return the name of an action among evaluation rows, ``LAB/ACTION``."""
    return f"{video.lab_id}/{action}"


def _require_layout(data: PreparedData) -> None:
    if (data.manifest.mice, data.slots) != (MICE, SLOTS_18):
        raise DataError(
            f"{data.folder}: prepared for {data.manifest.mice} mice × {len(data.slots)} keypoints, but"
            f" the task needs {MICE} × {len(SLOTS_18)}; prepare it again"
        )


def _usable(config: ActionsDataConfig, data: PreparedData) -> tuple[list[int], list[Remark]]:
    """Leave out the videos that the settings exclude, and those whose scale is unknown."""
    reasons: dict[str, list[str]] = {}
    usable = []
    for number, video in enumerate(data.videos):
        if video.lab_id in config.left_out_labs:
            reasons.setdefault(f"of {video.lab_id} (data.left_out_labs)", []).append(video.video_id)
        elif video.video_id in config.left_out_videos:
            reasons.setdefault("named in data.left_out_videos", []).append(video.video_id)
        elif not video.pixels_per_cm:
            why = "without pix_per_cm_approx, so their scale is unknown"
            reasons.setdefault(why, []).append(video.video_id)
        elif video.frames:
            usable.append(number)
    return usable, [
        Remark("videos_left_out", f"left out: {named(ids)} {reason}")
        for reason, ids in reasons.items()
    ]


def _candidates(data: PreparedData, videos: Sequence[int], rows: PairRows) -> list[SplitCandidate]:
    seconds: dict[int, dict[str, float]] = {video: {} for video in videos}
    frames = rows.action_frames(range(len(rows)))
    for row, action in zip(*np.nonzero(frames), strict=True):
        video = int(rows.video[row])
        name, rate = rows.actions[action], data.videos[video].frames_per_second
        found = seconds[video]
        found[name] = found.get(name, 0.0) + float(frames[row, action]) / rate
    recording = {copy: group[0] for group in data.copies(videos) for copy in group}
    names = {video: data.videos[video].video_id for video in videos}
    return [
        SplitCandidate(name, data.videos[video].lab_id, recording.get(name, name), seconds[video])
        for video, name in names.items()
    ]


def _of_split(sides: Split) -> list[Remark]:
    if not sides.neither:
        return []
    message = (
        f"{named(sides.neither)} not trained on: their tracking is that of a validation video, which was"
        " annotated several times"
    )
    return [Remark("tracking_shared", message)]


def _of_rows(data: PreparedData, rows: PairRows) -> list[Remark]:
    found = []
    untracked = np.flatnonzero(~rows.tracked)
    if untracked.size:
        videos = dict.fromkeys(data.videos[int(v)].video_id for v in rows.video[untracked])
        bouts = int(np.diff(rows.bout_from)[untracked].sum())
        message = (
            f"{untracked.size} pairs in {named(list(videos))} are annotated ({bouts} bouts) but not"
            " tracked, so they are neither trained on nor predicted"
        )
        found.append(Remark("mice_not_tracked", message))
    if rows.ignored:
        message = (
            "bouts whose action is not one of the task's, or is not listed for their mice in"
            f" behaviors_labeled, are ignored: {counted(rows.ignored)}"
        )
        found.append(Remark("bouts_ignored", message))
    return found


def _unseen(data: PreparedData, train: PairRows, validation: PairRows) -> list[Remark]:
    """Name the labs' actions that occur in validation but never in training."""

    def seen(rows: PairRows) -> set[str]:
        frames = rows.action_frames(range(len(rows)))
        return {
            label_of(data.videos[int(rows.video[row])], rows.actions[action])
            for row, action in zip(*np.nonzero(frames), strict=True)
        }

    missing = sorted(seen(validation) - seen(train))
    if not missing:
        return []
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    message = (
        f"in the validation videos, but not in those for training: {', '.join(missing[:3])}{more}; only"
        " other labs' bouts can teach it"
    )
    return [Remark("action_absent_training", message)]
