"""A checkpoint's predictions for every frame of one video, cached so that they are computed once.

An ensemble shows what it kept: of a validation video, its members of all folds would predict what some of
them have learned.
"""

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from core.data.labels import ClassBouts, bouts_of
from core.errors import ConfigError, RunError
from core.run.code_version import code_version
from core.run.inputs import predicting_inputs
from core.run.places import cache_of_run
from core.run.rundir import RunDir
from core.system.files import replace_atomically
from core.system.progress import Progress
from mabe_tui.runs.store import RunEntry
from mabe_tui.runs.summary.checkpoints import checkpoint_here
from mabe_tui.runs.videos.video import Act, TrackedVideo

if TYPE_CHECKING:
    from core.frames.store import FrameStore
    from core.tasks.predictor import PredictsFrames

Device = Literal["auto", "cpu", "cuda"]
Frames = npt.NDArray[np.int64]
FOLDER = "predictions"


class FrameFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All information on one frame, for ``--json`` and a screen's status line."""

    frame: int
    seconds: float
    truth: str
    acts: list[Act]
    """Annotated behaviours, with agent and target."""
    prediction: str
    probabilities: dict[str, float]
    positions: dict[str, dict[str, tuple[float, float] | None]]
    """Mouse → keypoint → (x, y) in pixels; ``None`` where missing."""


@dataclass(frozen=True, eq=False)
class PredictedVideo:
    """A video with its truth and a checkpoint's predictions."""

    video: TrackedVideo
    epoch: int
    """Of the checkpoint; an ensemble has one."""
    probabilities: npt.NDArray[np.float32] = field(repr=False)
    """``(frames, classes)``, each row summing to 1."""

    @cached_property
    def prediction(self) -> npt.NDArray[np.uint8]:
        """``(frames,)`` indices of the most likely class."""
        likeliest: npt.NDArray[np.uint8] = self.probabilities.argmax(axis=1).astype(np.uint8)
        return likeliest

    @cached_property
    def errors(self) -> npt.NDArray[np.bool_]:
        """``(frames,)``: whether prediction and truth differ."""
        return np.asarray(self.prediction != self.video.truth)

    @cached_property
    def truth_bouts(self) -> ClassBouts:
        """Annotated bouts of all classes but the background, in chronological order."""
        return bouts_of(self.video.truth)

    @cached_property
    def predicted_bouts(self) -> ClassBouts:
        """Predicted bouts, in the same form."""
        return bouts_of(self.prediction)

    @cached_property
    def error_starts(self) -> Frames:
        """The first frame of each run of wrong frames, ascending."""
        return bouts_of(self.errors.astype(np.uint8)).start

    @cached_property
    def _bout_starts(self) -> Frames:
        return np.union1d(self.truth_bouts.start, self.predicted_bouts.start)

    def next_error(self, frame: int) -> int | None:
        """Return the first frame of the next run of wrong frames after ``frame``, if there is one."""
        return first_after(self.error_starts, frame)

    def previous_error(self, frame: int) -> int | None:
        """Return the first frame of the last run of wrong frames that began before ``frame``."""
        return first_before(self.error_starts, frame)

    def next_bout(self, frame: int) -> int | None:
        """Return the frame after ``frame`` at which the next true or predicted bout begins."""
        return first_after(self._bout_starts, frame)

    def previous_bout(self, frame: int) -> int | None:
        """Return the frame before ``frame`` at which the last true or predicted bout began."""
        return first_before(self._bout_starts, frame)

    def facts(self, frame: int) -> FrameFacts:
        """Return all information on one frame, 0 ≤ ``frame`` < frames."""
        video = self.video
        names = video.classes
        mice = dict(zip(video.about.mouse_ids, video.positions[frame], strict=False))
        return FrameFacts(
            frame=frame,
            seconds=frame / video.frames_per_second,
            truth=names[video.truth[frame]],
            acts=video.acts(frame),
            prediction=names[self.prediction[frame]],
            probabilities=dict(zip(names, self.probabilities[frame].tolist(), strict=True)),
            positions={str(m): _points(body, video.slots) for m, body in mice.items()},
        )


def predict_video(
    entry: RunEntry,
    video: TrackedVideo,
    which: str = "best",
    device: Device = "auto",
    progress: Progress | None = None,
) -> PredictedVideo:
    """Apply one of a run's checkpoints to a video, in a worker thread; the result is cached.

    Args:
        entry: the run.
        video: from :func:`~mabe_tui.runs.videos.video.open_video`.
        which: ``best``, ``last``, ``marked`` or ``epoch-5``.
        device: device to compute on.
        progress: called with (done, total, what).

    Raises:
        RunError: there is no such checkpoint, or it is not on this computer.
        CheckpointError: it is damaged, or those of an ensemble's members are not all here.
        DataError: the predictions that an ensemble kept are damaged.
        ConfigError: CUDA is requested and not available.
    """
    return VideoPredictor(entry, which, device).predict(video, progress)


class VideoPredictor:
    """One of a run's checkpoints, loaded once for many videos, and only if a result is not cached.

    Args:
        entry: the run.
        which: ``best``, ``last``, ``marked`` or ``epoch-5``.
        device: device to compute on.

    Raises:
        RunError: there is no such checkpoint, or it is not on this computer.
    """

    def __init__(self, entry: RunEntry, which: str = "best", device: Device = "auto") -> None:
        self._run, request = entry.run, entry.require_request()
        self._is_ensemble = bool(request.inputs)
        if self._is_ensemble:
            if which not in ("best", "last"):
                raise RunError(f"{entry.id} is an ensemble, which has no checkpoint {which!r}")
            inputs = predicting_inputs(entry.run, request)
            self._epoch, self._hashes = 1, " ".join(each.sha256 for each in inputs)
        else:
            checkpoint = checkpoint_here(entry.run, which)
            self._epoch, self._hashes = checkpoint.epoch, checkpoint.sha256
            self._path = entry.run.checkpoints / checkpoint.file
        self._folder = cache_of_run(entry.run.path) / FOLDER
        self._device = device
        self._experiment = request.experiment
        self._code = code_version()
        self._predictor: PredictsFrames | None = None

    def predict(self, video: TrackedVideo, progress: Progress | None = None) -> PredictedVideo:
        """Return the predictions for a video, from the cache if possible.

        Raises:
            CheckpointError: the checkpoint is damaged, or those of an ensemble's members are not all here.
            DataError: the predictions that an ensemble kept are damaged.
            ConfigError: CUDA is requested and not available.
        """
        tell = progress or (lambda *_: None)
        if self._is_ensemble and (kept := _kept(self._run, video)) is not None:
            return PredictedVideo(video, self._epoch, kept)
        path = self._folder / f"{self._key(video)}.npy"
        probabilities = _read(path, (video.frames, len(video.classes)))
        if probabilities is None:
            probabilities = self._loaded(tell).predict_frames_of(_store(video), tell)
            with replace_atomically(path) as file:
                np.save(file, probabilities)
        return PredictedVideo(video, self._epoch, probabilities)

    def _loaded(self, tell: Progress) -> "PredictsFrames":
        if self._predictor is None:
            tell(0, 0, "loading torch and the checkpoint")
            from core.inference.checkpoints import load_checkpoint
            from core.inference.predictor import load_members, predictor_of
            from core.tasks.predictor import PredictsFrames

            members = (
                load_members(self._run) if self._is_ensemble else [load_checkpoint(self._path)]
            )
            loaded = predictor_of(members, self._device)
            if not isinstance(loaded, PredictsFrames):
                task = self._experiment.task
                raise ConfigError(
                    f"task {task!r} shows videos, but its predictor predicts no frames"
                )
            self._predictor = loaded
        return self._predictor

    def _key(self, video: TrackedVideo) -> str:
        """Hash everything that the predictions depend on: weights, positions, rate, scale and the code."""
        about = video.about
        parts = (about.content, about.frames, video.frames_per_second, about.pixels_per_cm)
        words = f"{self._hashes} {self._code} {parts}"
        return hashlib.sha256(words.encode()).hexdigest()[:32]


def _kept(run: RunDir, video: TrackedVideo) -> npt.NDArray[np.float32] | None:
    """Return the predictions that a run kept of a video; ``None`` if it did not, or not of every frame.

    Raises:
        DataError: they are damaged.
    """
    if not run.predictions.is_file():
        return None
    from core.evaluation.predictions import FRAME
    from core.evaluation.stored_predictions import StoredPredictions

    stored = StoredPredictions([run.predictions])
    if video.video_id not in stored.units or stored.labels != video.classes:
        return None
    found = stored.of_unit(video.video_id)
    if FRAME not in found.examples.column_names:
        return None
    every = np.array_equal(found.examples[FRAME].to_numpy(), np.arange(video.frames))
    return found.probabilities if every else None


def _store(video: TrackedVideo) -> "FrameStore":
    from core.frames.store import FrameStore

    return FrameStore.of_video(
        video.positions, video.frames_per_second, video.about.pixels_per_cm, video.video_id
    )


def _read(path: Path, shape: tuple[int, int]) -> npt.NDArray[np.float32] | None:
    """Read a cached result; an incomplete one is computed again."""
    try:
        found = np.load(path)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.float32 else None


def first_after(starts: Frames, frame: int) -> int | None:
    """Return the first of ascending frames after ``frame``, if there is one."""
    place = int(np.searchsorted(starts, frame, side="right"))
    return int(starts[place]) if place < len(starts) else None


def first_before(starts: Frames, frame: int) -> int | None:
    """Return the last of ascending frames before ``frame``, if there is one."""
    place = int(np.searchsorted(starts, frame, side="left")) - 1
    return int(starts[place]) if place >= 0 else None


def _points(
    body: npt.NDArray[np.float32], slots: tuple[str, ...]
) -> dict[str, tuple[float, float] | None]:
    return {
        name: (x, y) if math.isfinite(x) and math.isfinite(y) else None
        for name, (x, y) in zip(slots, body.tolist(), strict=True)
    }
