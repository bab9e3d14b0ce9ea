"""Videos without annotations, and the class probabilities that take the place of their labels."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec
import numpy as np
import torch
from torch import Tensor

from core.data.competition import Video, read_tracking
from core.data.keypoints import name_of_set, slots_of_set
from core.data.manifest import file_content
from core.errors import ConfigError, DataError
from core.frames.store import FrameStore
from core.run.code_version import code_version
from core.system.lock import in_turn
from core.system.progress import Progress
from core.tasks.behaviour.inference.prediction import VideoPrediction
from core.tasks.behaviour.settings import BehaviourExperiment
from core.tasks.predictor import Predictor
from core.tasks.videos import unlabelled

POSITIONS, PROBABILITIES, ABOUT = "positions.bin", "probabilities.bin", "about.json"


@runtime_checkable
class PredictsOneVideo(Protocol):
    """What is needed of this task's predictor."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names by index."""
        ...

    def predict_one(self, video: Video) -> VideoPrediction:
        """Read and predict one video."""
        ...


class PredictedPart(msgspec.Struct, frozen=True):
    """One video in the files, whose frames follow those of the one before."""

    video_id: str
    frames: int
    frames_per_second: float
    pixels_per_cm: float | None


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """Predicted videos; positions and probabilities are memory maps."""

    store: FrameStore
    probabilities: Tensor
    """(total frames, classes) float32."""
    skipped: tuple[str, ...]
    """Ids of damaged videos, which are left out."""


class _About(msgspec.Struct, frozen=True):
    videos: tuple[PredictedPart, ...]
    skipped: tuple[str, ...]


def predict_unlabelled(
    experiment: BehaviourExperiment,
    root: Path | None,
    predictor: Predictor,
    key: str,
    cache: Path,
    progress: Progress,
) -> PseudoLabels:
    """Predict the videos of a data folder that have tracking and no annotation, or open earlier predictions.

    Args:
        experiment: of the run that learns from them.
        root: its data folder.
        predictor: gives the probabilities.
        key: changes with the predictor's weights.
        cache: parent of the folder in which they are kept.
        progress: called with (done, total, what).

    Raises:
        ConfigError: the predictor is of another task or other classes.
        DataError: there is no such video, or none that can be read.
    """
    if not isinstance(predictor, PredictsOneVideo) or predictor.classes != experiment.classes:
        raise ConfigError(
            "training.pseudo_labels: takes a run that tells the same classes apart:"
            f" {', '.join(experiment.classes)}"
        )
    videos = unlabelled(root)
    folder = cache / f"pseudo-{_key(experiment, videos, key)}"
    with in_turn(folder.with_name(f".{folder.name}.lock"), progress, "waiting for pseudo-labels"):
        if not folder.is_dir():
            _predict(experiment, videos, predictor, folder, progress)
    return _opened(experiment, folder)


def _key(experiment: BehaviourExperiment, videos: list[Video], key: str) -> str:
    data = experiment.data
    parts = [key, code_version(), name_of_set(data.keypoints), str(data.mice)]
    for video in videos:
        scale = f"{video.frames_per_second}/{video.pixels_per_cm}"
        parts += [video.video_id, scale, file_content(video.tracking_path)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]


def _predict(
    experiment: BehaviourExperiment,
    videos: list[Video],
    predictor: PredictsOneVideo,
    folder: Path,
    progress: Progress,
) -> None:
    """Write all files under a temporary name, one video in memory at a time, and rename the folder."""
    data = experiment.data
    kept, skipped = [], []
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", suffix=".tmp", dir=folder.parent))
    try:
        with (beside / POSITIONS).open("wb") as poses, (beside / PROBABILITIES).open("wb") as said:
            for done, video in enumerate(videos):
                progress(done, len(videos), "videos pseudo-labelled")
                try:
                    tracking = read_tracking(video, slots_of_set(data.keypoints), data.mice)
                    probabilities = predictor.predict_one(video).probabilities
                except DataError:
                    skipped.append(video.video_id)
                    continue
                poses.write(np.ascontiguousarray(tracking.positions, np.float32).tobytes())
                said.write(np.ascontiguousarray(probabilities, np.float32).tobytes())
                kept.append(
                    PredictedPart(
                        video.video_id,
                        len(probabilities),
                        video.frames_per_second,
                        video.pixels_per_cm,
                    )
                )
        if not kept:
            raise DataError(
                f"training.pseudo_labels: none of the {len(videos)} unlabelled videos can be read"
            )
        about = _About(tuple(kept), tuple(skipped))
        (beside / ABOUT).write_bytes(msgspec.json.encode(about))
        beside.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _opened(experiment: BehaviourExperiment, folder: Path) -> PseudoLabels:
    about = msgspec.json.decode((folder / ABOUT).read_bytes(), type=_About)
    frames = np.array([video.frames for video in about.videos], np.int64)
    total, data = int(frames.sum()), experiment.data
    shape = (total, data.mice, len(slots_of_set(data.keypoints)), 2)
    positions = np.memmap(folder / POSITIONS, np.float32, "c", shape=shape)
    said = np.memmap(
        folder / PROBABILITIES, np.float32, "c", shape=(total, len(experiment.classes))
    )
    store = FrameStore(
        positions=torch.from_numpy(positions),
        offsets=np.cumsum(frames) - frames,
        frames=frames,
        frames_per_second=np.array([v.frames_per_second for v in about.videos], np.float32),
        pixels_per_cm=np.array([v.pixels_per_cm or np.nan for v in about.videos], np.float32),
        names=tuple(video.video_id for video in about.videos),
    )
    return PseudoLabels(store, torch.from_numpy(said), about.skipped)
