"""One checkpoint with the features it was trained on, ready to predict the frames of videos."""

import numpy as np
import torch
from torch import Tensor

from core.data.competition import Video, read_tracking
from core.errors import CheckpointError, ConfigError
from core.features.pipeline import FeaturePipeline, require_scale
from core.frames.store import FrameStore
from core.models.build import build_model
from core.models.chunks import FrameReader, Probabilities, predict_frames, suited_to
from core.models.folding import folded
from core.models.input_spec import InputSpec
from core.system.progress import Progress
from core.tasks.behaviour.probabilities import class_probabilities
from core.tasks.behaviour.settings import behaviour_of
from core.tasks.loaded import FIT_ERRORS, LoadedCheckpoint


class FrameModel:
    """A trained model and its features.

    Args:
        loaded: the checkpoint.
        device: device to compute on.

    Raises:
        CheckpointError: its parts do not belong together, or its features are not supported by this
            version.
    """

    def __init__(self, loaded: LoadedCheckpoint, device: torch.device) -> None:
        try:
            self.experiment = behaviour_of(loaded.experiment, "predicting")
        except ConfigError as error:
            raise CheckpointError(f"{loaded.source}: {error}") from error
        self.source = loaded.source
        config = self.experiment.model
        self.model = loaded.network(lambda table: build_model(config, InputSpec.from_table(table)))
        pipeline, self._slots = _features(loaded)
        self._pipeline = pipeline.to(device)
        self._folded = folded(self.model).to(device)
        self._chunking = suited_to(self.model, self.experiment.data.window)

    def predict_one(self, video: Video) -> Probabilities:
        """Read and predict one video: ``(frames, classes)`` float32.

        Raises:
            DataError: its tracking file is missing or damaged.
        """
        tracking = read_tracking(video, self._slots, self._pipeline.mice)
        store = FrameStore.of_video(
            tracking.positions, video.frames_per_second, video.pixels_per_cm, video.video_id
        )
        return self.predict_frames_of(store)

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
        return predict_frames(self._folded, read, frames, class_probabilities, self._chunking)


def _features(loaded: LoadedCheckpoint) -> tuple[FeaturePipeline, tuple[str, ...]]:
    """Return the pipeline that the model was trained with, and its keypoint slots."""
    state = loaded.task_state
    if state.get("kind") != "behaviour":
        raise CheckpointError(
            f"{loaded.source}: its task is {state.get('kind')!r}, which this version cannot predict"
        )
    try:
        return FeaturePipeline.from_state(state["features"]), tuple(state["slots"])
    except FIT_ERRORS as error:
        raise CheckpointError(
            f"{loaded.source}: its features cannot be rebuilt ({error}); was it written by another"
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
