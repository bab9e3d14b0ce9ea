"""What a teacher says of the training frames, cut into the same windows as the frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.data.competition import read_videos
from core.errors import ConfigError, DataError
from core.evaluation.predictions import FRAME
from core.frames.store import FrameStore, gather_windows
from core.frames.windows import WindowIndex
from core.system.progress import Progress
from core.tasks.behaviour.pseudo_labels import PredictsOneVideo
from core.tasks.soft_labels import SoftLabels, folder_of, soft_labels
from core.tasks.teacher import Teacher

NOWHERE = -1


class TaughtFrames:
    """A teacher's class probabilities of every training frame.

    Args:
        store: all videos.
        train: places of the training videos in the store.
        classes: names by index, the teacher's and the task's.
        teacher: gives the probabilities.
        root: folder of the videos.
        fingerprint: changes with the content of the videos.
        cache: where the answers are kept.
        progress: called with (done, total, what).

    Raises:
        ConfigError: the teacher is of another task or other classes.
        DataError: a video is gone, or has become another.
    """

    def __init__(
        self,
        store: FrameStore,
        train: Sequence[int],
        classes: Sequence[str],
        teacher: Teacher,
        root: Path,
        fingerprint: str,
        cache: Path,
        progress: Progress,
    ) -> None:
        names = [store.names[video] for video in train]
        asked = _FrameAnswers(teacher, tuple(classes), root)

        def answer(number: int) -> NDArray[np.float32]:
            return asked.about(names[number], int(store.frames[train[number]]))

        folder = folder_of(cache, "teacher", teacher.key, fingerprint, *classes, *names)
        self._labels: SoftLabels = soft_labels(
            folder, names, len(classes), answer, progress, "videos shown to the teacher"
        )
        self._store = store
        self._place = np.full(len(store.frames), NOWHERE, np.int64)
        self._place[list(train)] = np.arange(len(train))

    def read(self, index: WindowIndex) -> Tensor:
        """Return the probabilities of windows of training videos, ``(windows, length, classes)``.

        Outside its video all classes are alike.
        """
        place = self._place[index.video]
        return gather_windows(
            self._labels.values,
            self._labels.offsets[place],
            self._store.frames[index.video],
            index.start,
            index.length,
            1 / self._labels.values.shape[1],
        )


class _FrameAnswers:
    """Asks a teacher about one video after the other; it is loaded once it is needed."""

    def __init__(self, teacher: Teacher, classes: tuple[str, ...], root: Path) -> None:
        self._teacher, self._classes = teacher, classes
        self._videos = {video.video_id: video for video in read_videos(root)}
        self._predictor: PredictsOneVideo | None = None
        if teacher.kept is not None and teacher.kept.labels != classes:
            raise self._other(teacher.kept.labels)

    def about(self, video: str, frames: int) -> NDArray[np.float32]:
        """Return ``(frames, classes)``."""
        if self._teacher.has_kept(video):
            found = self._kept(video)
        else:
            found = self._loaded().predict_one(self._videos[video]).probabilities
        if len(found) != frames:
            raise DataError(
                f"training.teacher: {self._teacher.name} has answers for {len(found):,} frames of {video},"
                f" which has {frames:,}"
            )
        return found

    def _kept(self, video: str) -> NDArray[np.float32]:
        assert self._teacher.kept is not None
        found = self._teacher.kept.of_unit(video)
        if not np.array_equal(found.examples[FRAME].to_numpy(), np.arange(len(found.examples))):
            raise DataError(
                f"training.teacher: {self._teacher.name} has kept predictions of only some frames of {video}"
            )
        return found.probabilities

    def _loaded(self) -> PredictsOneVideo:
        if self._predictor is None:
            predictor = self._teacher.load()
            if not isinstance(predictor, PredictsOneVideo):
                raise ConfigError(f"training.teacher: {self._teacher.name} is of another task")
            if predictor.classes != self._classes:
                raise self._other(predictor.classes)
            self._predictor = predictor
        return self._predictor

    def _other(self, classes: Sequence[str]) -> ConfigError:
        return ConfigError(
            f"training.teacher: {self._teacher.name} tells other classes apart: {', '.join(classes)};"
            f" this run {', '.join(self._classes)}"
        )
