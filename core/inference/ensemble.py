"""Predict with a run: with its own checkpoint, or for an ensemble, with those of its members."""

from typing import Literal

import numpy as np

from core.data.competition import Video
from core.errors import CheckpointError
from core.frames.store import FrameStore
from core.inference.checkpoints import load_trained
from core.inference.chunks import Probabilities
from core.inference.predict import Predictor
from core.inference.prediction import VideoPrediction
from core.run.rundir import RunDir
from core.system.machine import choose_device
from core.system.progress import Progress
from core.tasks.behaviour.probabilities import classes_of


class MeanPredictor(Predictor):
    """Averages the probabilities of several predictors.

    Args:
        members: one or more, with the same classes.
    """

    def __init__(self, members: list[Predictor]) -> None:
        self._members = members
        self.experiment, self.source = members[0].experiment, members[0].source

    def predict_one(self, video: Video) -> VideoPrediction:
        """Read and predict one video, once per member: members may use different mice and keypoints.

        Raises:
            DataError: its tracking file is missing or damaged.
        """
        predictions = [member.predict_one(video) for member in self._members]
        probabilities = _mean([each.probabilities for each in predictions])
        return VideoPrediction(
            video.video_id, video.lab_id, probabilities, classes_of(probabilities)
        )

    def predict_frames_of(
        self, store: FrameStore, progress: Progress | None = None
    ) -> Probabilities:
        """Predict the first video of a store; see :meth:`Predictor.predict_frames_of`."""
        return _mean([member.predict_frames_of(store, progress) for member in self._members])


def load_predictor(
    run: RunDir, which: str = "best", device: Literal["auto", "cpu", "cuda"] = "auto"
) -> Predictor:
    """Load the predictor of a run.

    Args:
        run: the run; an ensemble predicts with the checkpoints that its members had when it was created.
        which: a pointer of the run; an ensemble only has ``best``.
        device: device to compute on.

    Raises:
        CheckpointError: there is no such checkpoint, or it is gone, damaged or has changed.
        ConfigError: CUDA is requested and not available.
        RunError: the run cannot be read.
    """
    inputs = run.read_request().inputs if (run.path / "run.toml").exists() else ()
    if not inputs:
        return Predictor.load(run, which, device)
    if which not in ("best", "last"):
        raise CheckpointError(
            f"{run.id} is an ensemble, which has no checkpoint {which!r}: it predicts with its members'"
            " checkpoints"
        )
    chosen, runs = choose_device(device), run.path.parent
    members = []
    for each in dict.fromkeys(inputs):
        path = RunDir(runs / each.run).checkpoints / each.file
        members += [Predictor(load_trained(path, sha256=each.sha256), chosen)] * inputs.count(each)
    return MeanPredictor(members)


def _mean(probabilities: list[Probabilities]) -> Probabilities:
    total = np.zeros(probabilities[0].shape)
    for each in probabilities:
        total += each
    return (total / len(probabilities)).astype(np.float32)
