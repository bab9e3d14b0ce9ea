"""How well every version does on a slice: from kept predictions, else by applying its checkpoint again."""

import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from core.config.registry import Registry
from core.errors import DataError, RunError, UserError
from core.evaluation.frames import confusion
from core.evaluation.predictions import FRAME
from core.evaluation.rows import counts_of
from core.evaluation.stored_predictions import StoredPredictions
from core.system.progress import Progress
from mabe_tui.runs.comparison.found import Found, find_side
from mabe_tui.runs.comparison.yardstick import Yardstick
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.tasks import lacking_view, spec_of
from mabe_tui.runs.videos.slices import Stretch, VideoSlice
from mabe_tui.runs.videos.video import open_video
from mabe_tui.runs.videos.video_prediction import VideoPredictor

if TYPE_CHECKING:
    from core.evaluation.frames import Counts

KEPT, AGAIN = "kept predictions", "its best checkpoint"
LABEL = "label"
"""Column of the true class in kept predictions of frames."""


class SliceScore(msgspec.Struct, frozen=True, kw_only=True):
    """One version on a slice: means over its runs, one per seed."""

    version: str
    metric: str | None = None
    """The metric of ``score``: that of the task for truths in which labels are absent."""
    score: float | None = None
    """``None`` where it cannot be measured."""
    score_std: float | None = None
    """Standard deviation over the seeds (n − 1)."""
    wrong: float | None = None
    """Share of the slice's frames with a wrong class."""
    runs: tuple[str, ...] = ()
    measured_by: str | None = None
    problem: str | None = None
    """Why it cannot be measured on this slice."""


def slice_scores(
    chosen: VideoSlice, store: RunStore, registry: Registry, progress: Progress | None = None
) -> Iterator[SliceScore]:
    """Measure every version that has runs, in the order of the registry.

    A version whose checkpoints have to be applied again takes seconds for each video the first time.

    Args:
        chosen: the slice.
        store: the runs.
        registry: the versions.
        progress: called with (done, total, what).
    """
    with_runs = dict.fromkeys(entry.version for entry in store.entries() if not entry.is_import)
    versions = [name for name in registry.versions if name in with_runs]
    versions += [name for name in with_runs if name not in versions and name]
    tell = progress or (lambda *_: None)
    for place, version in enumerate(versions):
        tell(place, len(versions), version)
        try:
            yield _score(version, chosen, find_side(version, store, registry, latest=False))
        except UserError as error:
            yield SliceScore(version=version, problem=str(error))


def _score(version: str, chosen: VideoSlice, found: Found) -> SliceScore:
    """Measure one version.

    Raises:
        UserError: it cannot be measured; says why.
    """
    if not found.entries:
        raise RunError("no run of it can be read")
    if (why := lacking_view("video", spec_of(found.experiment))) is not None:
        raise DataError(why)
    if not chosen.stretches:
        raise DataError("the slice has no frames")
    task = spec_of(found.experiment)
    metric = task.metric(task.primary_where_absent or task.primary) or task.primary_metric
    statistic = Yardstick(task, metric).statistic(task.labels(found.experiment))
    scores, wrong, by = [], [], set[str]()
    for entry in found.entries:
        counts, how = _counts(chosen.stretches, found.runs_of(entry))
        by.update(how)
        scores.append(float(statistic(counts_of(counts))))
        wrong.append(float(1 - np.trace(counts) / counts.sum()))
    return SliceScore(
        version=version,
        metric=metric.name,
        score=statistics.fmean(scores),
        score_std=statistics.stdev(scores) if len(scores) > 1 else None,
        wrong=statistics.fmean(wrong),
        runs=tuple(entry.id for entry in found.entries),
        measured_by=" and ".join(sorted(by, reverse=True)),
    )


def _counts(stretches: Sequence[Stretch], runs: Sequence[RunEntry]) -> "tuple[Counts, set[str]]":
    """Count the frames of all stretches by true and predicted class, with how they were predicted."""
    parts, by = [], set[str]()
    for stretch in stretches:
        entry = _validated_on(stretch.video, runs)
        kept = entry.run.predictions.exists()
        by.add(KEPT if kept else AGAIN)
        parts.append((_kept if kept else _again)(entry, stretch))
    return np.sum(parts, axis=0), by


def _validated_on(video: str, runs: Sequence[RunEntry]) -> RunEntry:
    """Return the run of a version, or of its folds, that did not learn from a video.

    Raises:
        RunError: none was validated on it.
    """
    trained = False
    for entry in runs:
        resolved = entry.require_request().resolved
        if resolved is None:
            continue
        if video in resolved.validation_units:
            return entry
        trained = trained or video in resolved.train_units
    if trained:
        raise RunError(f"it was trained on {video}, so a score there would say nothing")
    raise RunError(f"{video} is not among its validation videos")


def _kept(entry: RunEntry, stretch: Stretch) -> "Counts":
    """Count frames by the predictions that the run kept of its best epoch."""
    found = StoredPredictions([entry.run.predictions]).of_unit(stretch.video)
    if FRAME not in found.examples.column_names or LABEL not in found.examples.column_names:
        raise DataError(f"{entry.run.predictions}: holds no frames with a class")
    frames = found.examples[FRAME].to_numpy()
    inside = (frames >= stretch.start) & (frames < stretch.stop)
    _require_frames(int(inside.sum()), stretch, int(frames.max()) + 1)
    places = {label: place for place, label in enumerate(found.labels)}
    names = found.examples[LABEL].to_pylist()
    truth = np.array([places[names[at]] for at in np.flatnonzero(inside)])
    return confusion(truth, found.probabilities[inside].argmax(axis=1), len(found.labels))


def _again(entry: RunEntry, stretch: Stretch) -> "Counts":
    """Count frames by the predictions of the run's best checkpoint, cached after the first time."""
    predictor = VideoPredictor(entry)
    video = open_video(entry, stretch.video)
    watched = predictor.predict(video)
    inside = slice(stretch.start, min(stretch.stop, video.frames))
    _require_frames(inside.stop - inside.start, stretch, video.frames)
    return confusion(video.truth[inside], watched.prediction[inside], len(video.classes))


def _require_frames(found: int, stretch: Stretch, frames: int) -> None:
    if found < stretch.stop - stretch.start:
        raise DataError(
            f"{stretch.video} has the frames 0 to {frames - 1}, not {stretch.start} to"
            f" {stretch.stop - 1} with a label each"
        )


def describe_measure(chosen: VideoSlice) -> str:
    """Return what the figures of a slice are of."""
    videos = len({stretch.video for stretch in chosen.stretches})
    noun = "video" if videos == 1 else "videos"
    return f"{chosen.frames:,} frames of {videos} {noun}"
