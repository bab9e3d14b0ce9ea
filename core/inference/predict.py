"""Apply a checkpoint to data: each video is read once, one at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor

from core.data.competition import LeftOut, Video, read_tracking, read_videos
from core.errors import CheckpointError, DataError
from core.features.pipeline import FeaturePipeline, require_scale
from core.frames.store import FrameStore
from core.inference.checkpoints import TrainedModel, load_trained
from core.inference.chunks import FrameReader, Probabilities, predict_frames, suited_to
from core.inference.prediction import VideoPrediction
from core.models.folding import folded
from core.run.rundir import RunDir
from core.system.machine import choose_device
from core.system.progress import Progress
from core.tasks.behaviour.probabilities import class_probabilities, classes_of
from core.training.state import FIT_ERRORS

HOW_TO_SKIP = " (--skip-bad leaves damaged videos out)"


class Predictor:
    """A trained model with the features it was trained on, ready to predict videos.

    Args:
        trained: from a checkpoint.
        device: device to compute on.

    Raises:
        CheckpointError: its features are not supported by this version.
    """

    def __init__(self, trained: TrainedModel, device: torch.device) -> None:
        self.experiment = trained.experiment
        self.source = trained.source
        self._pipeline, self._slots = _features(trained)
        self._pipeline = self._pipeline.to(device)
        self._model = folded(trained.model).to(device)
        self._chunking = suited_to(trained.model, trained.experiment.data.window)

    @classmethod
    def load(
        cls,
        checkpoint: Path | RunDir,
        which: str = "best",
        device: Literal["auto", "cpu", "cuda"] = "auto",
    ) -> Self:
        """Load a checkpoint; see :func:`~core.inference.checkpoints.load_trained`.

        Raises:
            CheckpointError: there is none, or it cannot be used.
            ConfigError: CUDA is requested and not available.
        """
        return cls(load_trained(checkpoint, which), choose_device(device))

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by index."""
        return self.experiment.classes

    def predict(
        self,
        videos: Iterable[Video],
        progress: Progress | None = None,
        left_out: list[LeftOut] | None = None,
    ) -> Iterator[VideoPrediction]:
        """Predict videos one after the other, each on demand.

        Args:
            videos: videos with their tracking files; annotations are not read.
            progress: called with (done, total, what) before each video and at the end.
            left_out: collects videos that cannot be predicted, with the reason, instead of an error.

        Raises:
            DataError: a tracking file is missing or damaged; or all are.
        """
        queue = list(videos)
        for done, video in enumerate(queue):
            if progress is not None:
                progress(done, len(queue), "videos")
            if (prediction := self._predicted(video, left_out)) is not None:
                yield prediction
        if left_out and len(left_out) >= len(queue):
            raise DataError(f"none of the {len(queue)} videos can be read: {left_out[0].reason}")
        if progress is not None:
            progress(len(queue), len(queue), "videos")

    def _predicted(self, video: Video, left_out: list[LeftOut] | None) -> VideoPrediction | None:
        try:
            return self.predict_one(video)
        except DataError as error:
            if left_out is None:
                raise DataError(f"{error}{HOW_TO_SKIP}") from error
            left_out.append(LeftOut(video, str(error)))
            return None

    def predict_one(self, video: Video) -> VideoPrediction:
        """Read and predict one video.

        Raises:
            DataError: its tracking file is missing or damaged.
        """
        tracking = read_tracking(video, self._slots, self._pipeline.mice)
        store = FrameStore.of_video(
            tracking.positions, video.frames_per_second, video.pixels_per_cm, video.video_id
        )
        probabilities = self.predict_frames_of(store)
        return VideoPrediction(
            video.video_id, video.lab_id, probabilities, classes_of(probabilities)
        )

    def predict_frames_of(
        self, store: FrameStore, progress: Progress | None = None
    ) -> Probabilities:
        """Predict the first video of a store, whose mice and keypoints must be those of the training.

        Args:
            store: loaded positions, such as prepared ones.
            progress: called with (done, total, what) before each batch.

        Returns:
            ``(frames, classes)`` float32.

        Raises:
            DataError: centimetres are needed, and the video's scale is unknown.
        """
        require_scale(self._pipeline.config, store, [0])
        frames = int(store.frames[0])
        read = _told(_reader(self._pipeline, store), frames, progress)
        return predict_frames(self._model, read, frames, class_probabilities, self._chunking)


def _features(trained: TrainedModel) -> tuple[FeaturePipeline, tuple[str, ...]]:
    """Return the pipeline that the model was trained with, and its keypoint slots."""
    state = trained.task_state
    if state.get("kind") != "behaviour":
        raise CheckpointError(
            f"{trained.source}: its task is {state.get('kind')!r}, which this version cannot predict"
        )
    try:
        return FeaturePipeline.from_state(state["features"]), tuple(state["slots"])
    except FIT_ERRORS as error:
        raise CheckpointError(
            f"{trained.source}: its features cannot be rebuilt ({error}); was it written by another"
            " version of mabe?"
        ) from error


def _reader(pipeline: FeaturePipeline, store: FrameStore) -> FrameReader:
    """Compute the features of any piece of a video on demand, so that they are never all in memory."""

    def read(start: int, stop: int) -> Tensor:
        features = torch.empty((1, stop - start, pipeline.features), device=pipeline.device)
        pipeline.compute(store, np.zeros(1, np.int64), np.array([start]), features)
        return features[0]

    return read


def _told(read: FrameReader, frames: int, progress: Progress | None) -> FrameReader:
    if progress is None:
        return read

    def telling(start: int, stop: int) -> Tensor:
        progress(start, frames, "frames")
        return read(start, stop)

    return telling


def predictable(root: Path, table: str | None = None) -> tuple[list[Video], list[LeftOut]]:
    """Return the videos of a data folder that have a tracking file, labelled or not.

    Args:
        root: a folder in the competition's layout.
        table: ``train`` or ``test``; by default ``train`` if there is a ``train.csv``, else ``test``.

    Returns:
        Those videos in their order, and the listed ones whose tracking is missing.

    Raises:
        DataError: not a data folder, or no video has its tracking.
    """
    if table is None:
        table = "test" if not _has(root, "train") and _has(root, "test") else "train"
    videos = read_videos(root, table)
    found = [video for video in videos if video.tracking_path.is_file()]
    if not found:
        raise DataError(
            f"{root}: none of the {len(videos)} videos in {table}.csv has a file in {table}_tracking"
        )
    missing = [
        LeftOut(video, "no tracking file") for video in videos if not video.tracking_path.is_file()
    ]
    return found, missing


def _has(root: Path, table: str) -> bool:
    return (root / f"{table}.csv").is_file()
