"""What the behaviour task finds in prepared data: the split, the labels, and what to warn of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from core.data.competition import Video, read_bouts
from core.data.keypoints import name_of_set, slots_of_set
from core.data.labels import (
    ActionMap,
    counted,
    frame_classes,
    unmapped_bouts,
    unmapped_sentence,
)
from core.data.manifest import Remark, named, omissions, source_fingerprint
from core.data.prepared import PreparedData
from core.errors import DataError
from core.tasks.behaviour.settings import BehaviourDataConfig, BehaviourExperiment
from core.tasks.behaviour.splitting import split

Classes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LabelledFrames:
    """Prepared data with one class a frame and a split by video."""

    data: PreparedData
    classes: Classes
    """(total frames,) class indices."""
    train: tuple[int, ...]
    """Indices of the training videos."""
    validation: tuple[int, ...]
    unmapped: Counter[str]
    """Bouts of actions that the map does not name; they count as class 0."""

    @classmethod
    def of(cls, experiment: BehaviourExperiment, data: PreparedData) -> Self:
        """Label and split.

        Raises:
            DataError: prepared with other keypoints or mice, too few videos to train and validate, or
                only one class in the training videos.
            ConfigError: the action map names a class that does not exist.
        """
        _require_layout(experiment.data, data)
        train, validation = _split(experiment.data, data)
        actions = ActionMap(experiment.actions, experiment.classes)
        classes = np.zeros(len(data.positions), np.uint8)
        unmapped: Counter[str] = Counter()
        for index, video in enumerate(data.videos):
            bouts = data.bouts_of(index)
            part = slice(video.offset, video.offset + video.frames)
            classes[part] = frame_classes(bouts, video.frames, actions)
            unmapped += unmapped_bouts(bouts, actions)
        labelled = cls(data, classes, train, validation, unmapped)
        labelled._require_something_to_learn(experiment.classes)
        return labelled

    def ids(self, videos: tuple[int, ...]) -> tuple[str, ...]:
        """Return the ids of some videos."""
        return tuple(self.data.videos[index].video_id for index in videos)

    def source(self, videos: tuple[int, ...]) -> str | None:
        """Return what tells whether some videos are the same as those of another run."""
        return source_fingerprint(self.data.videos[index] for index in videos)

    def frames(self, videos: tuple[int, ...]) -> int:
        """Count the frames of some videos."""
        return sum(self.data.videos[index].frames for index in videos)

    def class_frames(self, videos: tuple[int, ...], names: tuple[str, ...]) -> dict[str, int]:
        """Count the frames of each class in some videos."""
        counts = np.zeros(len(names), np.int64)
        for index in videos:
            video = self.data.videos[index]
            part = self.classes[video.offset : video.offset + video.frames]
            counts += np.bincount(part, minlength=len(names))
        return dict(zip(names, counts.tolist(), strict=True))

    def warnings(self, experiment: BehaviourExperiment) -> tuple[Remark, ...]:
        """Say what to know before trusting a result."""
        return (
            *self._absent_classes(experiment.classes),
            *self._short_videos(experiment.data.window),
            *self._copies_on_both_sides(),
            *omissions(self.data.manifest),
            *self._unmapped(experiment.classes[0]),
        )

    def _copies_on_both_sides(self) -> list[Remark]:
        """Warn of validation videos that a model has seen in training, under another id."""
        trained, validated = {*self.ids(self.train)}, {*self.ids(self.validation)}
        known = []
        for group in self.data.copies((*self.train, *self.validation)):
            seen = next((video for video in group if video in trained), None)
            known += [f"{v} = {seen}" for v in group if seen is not None and v in validated]
        if not known:
            return []
        message = (
            f"the same tracking on both sides of the split, so validation is too easy: {named(known)};"
            " keep copies together with data.validation_videos (`mabe data check` names them all)"
        )
        return [Remark("copies_on_both_sides", message)]

    def _require_something_to_learn(self, names: tuple[str, ...]) -> None:
        """Refuse a training set of one class: a model that always answers it would be perfect."""
        counts = self.class_frames(self.train, names)
        present = [name for name, frames in counts.items() if frames]
        if len(names) < 2 or len(present) > 1:
            return
        raise _nothing_to_learn(len(self.train), present[0], self.unmapped, names)

    def _absent_classes(self, names: tuple[str, ...]) -> list[Remark]:
        found = []
        sides = (
            ("training", self.train, "so it cannot be learned"),
            ("validation", self.validation, "so its F1 there is 0, in f1_macro too"),
        )
        for side, videos, consequence in sides if self.validation else sides[:1]:
            for name, frames in self.class_frames(videos, names).items():
                if not frames:
                    message = f"no {side} frame is {name!r}, {consequence}"
                    found.append(Remark(f"class_absent_{side}", message))
        return found

    def _short_videos(self, window: int) -> list[Remark]:
        short = [video.video_id for video in self.data.videos if video.frames < window]
        if not short:
            return []
        message = f"{named(short)} shorter than a window of {window} frames; padding fills the rest"
        return [Remark("short_video", message)]

    def _unmapped(self, background: str) -> list[Remark]:
        if not self.unmapped:
            return []
        return [Remark("unmapped_actions", unmapped_sentence(self.unmapped, background))]


def require_trainable(experiment: BehaviourExperiment, videos: Sequence[Video]) -> None:
    """Refuse, from annotations alone, what a run would refuse once the data are prepared.

    Looks no further than the first bout of a class that can be learned. What cannot be read is passed over:
    preparing the data names it.

    Args:
        experiment: what is to be trained.
        videos: the labelled ones of its data folder.

    Raises:
        DataError: no video is left to train or to validate on, or no training video has a bout of any class
            but the background.
        ConfigError: the action map names a class that does not exist.
    """
    config, names = experiment.data, experiment.classes
    by_id = {video.video_id: video for video in videos}
    train, validation = split(config, by_id)
    if not validation and config.validates:
        raise _too_few("validate on", len(by_id))
    actions, unmapped = ActionMap(experiment.actions, names), Counter[str]()
    for video in train:
        try:
            bouts = read_bouts(by_id[video])
        except DataError:
            return
        if any(actions.index_of(action) for action in bouts.action):
            return
        unmapped += unmapped_bouts(bouts, actions)
    if len(names) > 1:
        raise _nothing_to_learn(len(train), names[0], unmapped, names)


def _nothing_to_learn(
    videos: int, only: str, unmapped: Counter[str], names: tuple[str, ...]
) -> DataError:
    """Return the error of training videos that all are of one class."""
    if unmapped:
        ((action, _),) = unmapped.most_common(1)
        mend = (
            f"the action map does not name {counted(unmapped)}:"
            f" `--set actions.{action}=CLASS` does, CLASS one of {', '.join(names[1:])}"
        )
    else:
        mend = "its annotations name no action of another class in the training videos"
    return DataError(
        f"every frame of the {videos} training videos is {only!r}, so there is nothing to learn; {mend}"
    )


def _too_few(what_for: str, videos: int) -> DataError:
    return DataError(
        f"no frames to {what_for} among its {videos} labelled videos;"
        " at least two videos are needed, one of them for validation"
    )


def _require_layout(config: BehaviourDataConfig, data: PreparedData) -> None:
    manifest = data.manifest
    wanted, name = slots_of_set(config.keypoints), name_of_set(config.keypoints)
    if (manifest.mice, manifest.slots) != (config.mice, wanted):
        raise DataError(
            f"{data.folder}: prepared for {manifest.mice} mice × {len(manifest.slots)} keypoints, but"
            f" the experiment has {config.mice} × {len(wanted)} ({name}); prepare it again"
        )


def _split(
    config: BehaviourDataConfig, data: PreparedData
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    index = {video.video_id: place for place, video in enumerate(data.videos)}
    train, validation = split(config, index)
    sides = tuple(index[each] for each in train), tuple(index[each] for each in validation)
    needed = ("train on", "validate on") if config.validates else ("train on",)
    for name, videos in zip(needed, sides, strict=False):
        if not any(data.videos[video].frames for video in videos):
            raise DataError(f"{data.folder}: {_too_few(name, len(index))}")
    return sides
