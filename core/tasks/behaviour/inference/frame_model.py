"""One checkpoint with the features it was trained on, ready to predict the frames of videos."""

import numpy as np
import torch
from torch import Tensor

from core.data.competition import Video, read_tracking
from core.errors import CheckpointError, ConfigError
from core.features.mirror import Positions, mirrored
from core.features.pipeline import FeaturePipeline, require_scale
from core.frames.store import FrameStore
from core.models.build import build_model
from core.models.chunking import Chunking
from core.models.chunks import FrameReader, Probabilities, predict_frames, suited_to
from core.models.folding import folded
from core.models.input_spec import InputSpec
from core.models.views import View, mean_of_views, views
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

    def predict_one(self, video: Video, tta: bool = False) -> Probabilities:
        """Read and predict one video.

        Args:
            video: its tracking file is read, its annotations are not.
            tta: average over the mirror image, with left and right swapped, and where the borders between
                chunks matter, over two positions of these.

        Returns:
            ``(frames, classes)`` float32.

        Raises:
            DataError: its tracking file is missing or damaged.
            ConfigError: with ``tta``, the keypoints have no mirror image.
        """
        positions = read_tracking(video, self._slots, self._pipeline.mice).positions

        def answer(view: View[Positions]) -> Probabilities:
            store = FrameStore.of_video(
                view.change(positions),
                video.frames_per_second,
                video.pixels_per_cm,
                video.video_id,
            )
            return self.predict_frames_of(store, chunking=view.chunking(self._chunking))

        return mean_of_views(self._views() if tta else views(), answer)

    def _views(self) -> tuple[View[Positions], ...]:
        def mirror(positions: Positions) -> Positions:
            return mirrored(positions, self._slots)

        return views([("flip", mirror)], shifts=1 if self._chunking.exact else 2)

    def predict_frames_of(
        self,
        store: FrameStore,
        progress: Progress | None = None,
        chunking: Chunking | None = None,
    ) -> Probabilities:
        """Predict the first video of a store, whose mice and keypoints must be those of the training.

        Args:
            store: loaded positions, such as prepared ones.
            progress: called with (done, total, what) before each batch.
            chunking: how to cut the video; by default, as suits the model.

        Returns:
            ``(frames, classes)`` float32.

        Raises:
            DataError: centimetres are needed, and the video's scale is unknown.
        """
        require_scale(self._pipeline.config, store, [0])
        frames = int(store.frames[0])
        read = _told(_reader(self._pipeline, store), frames, progress)
        return predict_frames(
            self._folded, read, frames, class_probabilities, chunking or self._chunking
        )


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
