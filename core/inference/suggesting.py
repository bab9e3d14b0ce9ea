"""Suggest what to label next in a data folder, with a trained run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec
import numpy as np
import numpy.typing as npt

from core.data.competition import Video
from core.errors import ConfigError, DataError
from core.inference.clips import Clip, choose, clips_of
from core.inference.pair_predictor import PairPredictor
from core.system.progress import Progress
from core.tasks.predictor import Predictor
from core.tasks.videos import own_positions, predictable


class Suggestion(msgspec.Struct, frozen=True):
    """A clip to label."""

    rank: int
    video: str
    start_frame: int
    stop_frame: int
    """Exclusive."""
    start_s: float
    stop_s: float
    uncertainty: float
    """From 0, certain, to 1."""


class VideoNeed(msgspec.Struct, frozen=True):
    """How much a video's labels would teach."""

    video: str
    uncertainty: float
    """Mean over its clips."""
    clips: int
    """Of those suggested."""


class Suggestions(msgspec.Struct, frozen=True):
    """What to label next."""

    clips: tuple[Suggestion, ...]
    videos: tuple[VideoNeed, ...]
    """All that were looked at, those with the most suggested clips first."""
    rates: dict[str, float]
    """Frames per second of the videos."""


class FrameProbabilities(Protocol):
    """What a classifier of frames says of a video."""

    @property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """``(frames, classes)``, each row summing to 1."""


@runtime_checkable
class FrameClassifier(Protocol):
    """Implemented by predictors of classes of frames."""

    def predict_one(self, video: Video, tta: bool = False) -> FrameProbabilities:
        """Read and predict one video."""


def suggest(
    predictor: Predictor,
    folder: Path,
    *,
    seconds: float,
    minutes: float,
    labelled_too: bool = False,
    progress: Progress | None = None,
) -> Suggestions:
    """Choose clips whose labels would teach most.

    Args:
        predictor: of a trained run.
        folder: a data folder; videos that have annotations are left out unless ``labelled_too``.
        seconds: length of a clip.
        minutes: how much to label in all.
        labelled_too: also suggest clips of labelled videos.
        progress: called with (done, total, what).

    Raises:
        ConfigError: the run's task predicts nothing for frames.
        DataError: every video is labelled or too short for a clip, or one is damaged.
    """
    videos, _ = predictable(folder)
    wanted = [v for v in videos if labelled_too or not v.annotation_path.is_file()]
    if not wanted:
        raise DataError(
            f"{folder}: all {len(videos)} videos have annotations; --labelled-too looks at them as well"
        )
    clips: list[Clip] = []
    for done, video in enumerate(wanted):
        if progress is not None:
            progress(done, len(wanted), "videos")
        clips += _clips(predictor, video, seconds)
    if progress is not None:
        progress(len(wanted), len(wanted), "videos")
    if not clips:
        raise DataError(
            f"{folder}: no video is half as long as a clip of {seconds:g} s; give a smaller --seconds"
        )
    places = choose(clips, max(1, round(minutes * 60 / seconds)))
    rates = {video.video_id: video.frames_per_second for video in wanted}
    return Suggestions(
        tuple(_suggestion(rank, clips[place], rates) for rank, place in enumerate(places, start=1)),
        _needs(clips, places),
        rates,
    )


def _clips(predictor: Predictor, video: Video, seconds: float) -> list[Clip]:
    frames = max(1, round(seconds * video.frames_per_second))
    positions = own_positions(video)
    if isinstance(predictor, FrameClassifier):
        said = predictor.predict_one(video).probabilities
        return clips_of(video.video_id, said, positions, frames)
    if not isinstance(predictor, PairPredictor):
        raise ConfigError("this run's task predicts nothing for the frames of videos")
    values = predictor.pair_probabilities(video).values
    # of every pair, the action that is likeliest: (frames, actions)
    likeliest = values.max(axis=0, initial=0.0)
    return clips_of(video.video_id, likeliest, positions, frames, exclusive=False)


def _suggestion(rank: int, clip: Clip, rates: dict[str, float]) -> Suggestion:
    rate = rates[clip.video]
    return Suggestion(
        rank,
        clip.video,
        clip.start,
        clip.stop,
        round(clip.start / rate, 3),
        round(clip.stop / rate, 3),
        round(clip.uncertainty, 4),
    )


def _needs(clips: Sequence[Clip], places: Sequence[int]) -> tuple[VideoNeed, ...]:
    found = []
    for video in dict.fromkeys(clip.video for clip in clips):
        unsure = [clip.uncertainty for clip in clips if clip.video == video]
        chosen = sum(clips[place].video == video for place in places)
        found.append(VideoNeed(video, round(float(np.mean(unsure)), 4), chosen))
    return tuple(sorted(found, key=lambda need: (-need.clips, -need.uncertainty)))
