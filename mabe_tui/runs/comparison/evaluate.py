"""Evaluate checkpoints again: on other data, or those of several runs against each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from core.config.task_spec import TaskSpec
from core.errors import ConfigError, DataError, RunError
from core.run.places import cache_of_run
from core.system.progress import Progress
from mabe_tui.runs.comparison.judgement import Verdict
from mabe_tui.runs.comparison.verdict import (
    checkpoint_verdict,
    empty_verdict,
    no_verdict,
    require_same_source,
)
from mabe_tui.runs.comparison.version_tables import require_scored_alike
from mabe_tui.runs.comparison.yardstick import Yardstick, common_task, yardstick
from mabe_tui.runs.store import RunEntry, RunStore
from mabe_tui.runs.summary.checkpoints import checkpoint_here, pointer_name
from mabe_tui.runs.tasks import spec_of
from mabe_tui.runs.videos.video_prediction import Device

if TYPE_CHECKING:  # numpy, pyarrow and torch
    from core.data.competition import LeftOut
    from core.evaluation.table import Confusions
    from core.inference.evaluate import Evaluation
    from mabe_tui.runs.comparison.inspection import SideClasses

    Validated = tuple[Confusions, str | None]
    """Counts of the validation videos, and hashes that identify them."""

AT = "@"
"""Separator between a run and one of its checkpoints: ``v6@epoch-3``."""


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The document that ``mabe eval --json`` prints."""

    run: str
    checkpoint: str
    data: str
    videos: int
    trained_on: int | None
    """How many of these videos the run was trained on; ``None`` if it does not say.

    Identified by their tracking if known, else by their ids."""
    validated_on: int | None
    frames: int
    metrics: dict[str, float]
    unmapped: dict[str, int]
    """Bouts of actions missing from the run's action map, which count as its first class."""
    nan_frames: int = 0
    """Frames for which the checkpoint returns NaN, which count as predictions of its first class."""
    bad: dict[str, str] = {}
    """Damaged videos that were left out, and the problem of each."""


class CheckpointSide(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint, measured on the validation videos of its run."""

    name: str
    run: str
    version: str
    epoch: int
    step: int
    metrics: dict[str, float]
    """Metrics, as :func:`core.evaluation.frames.frame_metrics` returns them."""
    classes: "SideClasses"


class CheckpointComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Checkpoints of one run or of several; the others are compared with the first."""

    sides: tuple[CheckpointSide, ...]
    verdicts: tuple[Verdict, ...]


class NamedCheckpoint(NamedTuple):
    """One checkpoint of a run, by the name of its pointer."""

    name: str
    entry: RunEntry
    which: str


def evaluate_run(
    entry: RunEntry,
    data: Path,
    which: str = "best",
    device: Device = "auto",
    progress: Progress | None = None,
    skip_bad: bool = False,
) -> "tuple[EvaluationReport, Evaluation]":
    """Evaluate a checkpoint on the labelled videos of any data folder; ``skip_bad`` skips damaged ones.

    Raises:
        UserError: no such checkpoint, or the folder holds nothing to evaluate on.
    """
    from core.inference.ensemble import load_predictor
    from core.inference.evaluate import evaluate_folder

    _require_videos(spec_of(entry.require_request().experiment))
    predictor = load_predictor(entry.run, pointer_name(which), device)
    bad: list[LeftOut] = []
    found = evaluate_folder(predictor, data, progress=progress, bad=bad if skip_bad else None)
    videos = _known_videos(entry, data, {*found.confusions.videos})
    resolved = entry.require_request().resolved
    report = EvaluationReport(
        run=entry.id,
        checkpoint=which,
        data=str(data),
        videos=len(found.confusions.videos),
        trained_on=len(videos & {*resolved.train_units}) if resolved else None,
        validated_on=len(videos & {*resolved.validation_units}) if resolved else None,
        frames=found.frames,
        metrics=found.metrics,
        unmapped=dict(found.unmapped),
        nan_frames=found.nan_frames,
        bad={each.video.video_id: each.reason for each in bad},
    )
    return report, found


def _require_videos(task: TaskSpec) -> None:
    """Reject the checkpoints of a task that does not predict videos.

    Raises:
        ConfigError: says what can be compared instead.
    """
    if "video" not in task.views:
        raise ConfigError(
            f"checkpoints of task {task.name!r} ({task.title}) cannot be measured again: it predicts no"
            " videos; compare its runs or versions instead"
        )


def _known_videos(entry: RunEntry, data: Path, ids: set[str]) -> set[str]:
    """Leave out videos that only share their id with one of the run's own.

    Videos are identified by their tracking: with other labels, the run has still seen the video. The
    contents are known if the data prepared for the run still exist.
    """
    from core.data.competition import labelled, read_videos
    from core.data.manifest import file_content
    from mabe_tui.runs.videos.video import kept_data

    resolved = entry.require_request().resolved
    kept = kept_data(cache_of_run(entry.run.path), resolved.data_fingerprint) if resolved else None
    if kept is None:
        return ids
    tracking = {video.video_id: video.source[0] for video in kept.videos if video.source}
    here, _ = labelled(read_videos(data))
    return ids - {
        video.video_id
        for video in here
        if video.video_id in ids & tracking.keys()
        and file_content(video.tracking_path) != tracking[video.video_id]
    }


def named_checkpoints(names: Sequence[str], store: RunStore) -> list[NamedCheckpoint]:
    """Find ``RUN@best``, ``RUN@epoch-3`` and so on; a run alone stands for its best checkpoint.

    Raises:
        RunError: no such run, or one checkpoint is named twice.
    """
    found = []
    for name in names:
        run, _, which = name.partition(AT)
        found.append(NamedCheckpoint(name, store.find(run), which or "best"))
    files = [(c.entry.id, checkpoint_here(c.entry.run, c.which).file) for c in found]
    for place, file in enumerate(files):
        if file in files[:place]:
            first = names[files.index(file)]
            raise RunError(f"{first} and {names[place]} are the same checkpoint ({file[1]})")
    return found


def compare_checkpoints(
    checkpoints: Sequence[NamedCheckpoint],
    data: Path | None = None,
    device: Device = "auto",
    progress: Progress | None = None,
) -> CheckpointComparison:
    """Evaluate checkpoints on their runs' validation videos and compare them with the first.

    Every frame is predicted as by ``mabe predict``, from whole videos. The run's own table counts training
    windows, which have less context at their edges, so its figures differ slightly.

    Args:
        checkpoints: two or more.
        data: where the data are now; by default, where each run found them.
        device: where to compute.
        progress: called with (done, total, what).

    Raises:
        UserError: a checkpoint or the data are not available.
    """
    task = common_task([each.entry.require_request().experiment for each in checkpoints])
    _require_videos(task)
    measured = [_validated(each, data, device, progress) for each in checkpoints]
    sides = tuple(
        _side(each, table) for each, (table, _) in zip(checkpoints, measured, strict=True)
    )
    by = yardstick(task, (side.metrics for side in sides))
    verdicts = tuple(
        _verdict(sides[0], measured[0], side, other, by)
        for side, other in zip(sides[1:], measured[1:], strict=True)
    )
    return CheckpointComparison(sides=sides, verdicts=verdicts)


def _validated(
    checkpoint: NamedCheckpoint, data: Path | None, device: Device, progress: Progress | None
) -> "Validated":
    """Predict the validation videos of a run; earlier predictions come from the cache."""
    import numpy as np

    from core.config.task_spec import labels_of
    from core.data.manifest import source_fingerprint
    from core.evaluation.frames import confusion
    from core.evaluation.table import Confusions
    from mabe_tui.runs.videos.video import open_run_data, tracked_video
    from mabe_tui.runs.videos.video_prediction import VideoPredictor

    entry = checkpoint.entry
    prepared = open_run_data(entry, data, progress)
    resolved = entry.require_request().resolved
    videos = resolved.validation_units if resolved else ()
    predictor = VideoPredictor(entry, checkpoint.which, device)
    counts = []
    for done, video_id in enumerate(videos):
        if progress is not None:
            progress(done, len(videos), f"videos by {checkpoint.name}")
        seen = predictor.predict(tracked_video(entry, prepared, video_id))
        counts.append(confusion(seen.video.truth, seen.prediction, len(seen.video.classes)))
    table = Confusions(videos, labels_of(entry.require_request().experiment), np.stack(counts))
    ours = {*videos}
    return table, source_fingerprint(v for v in prepared.videos if v.video_id in ours)


def _side(checkpoint: NamedCheckpoint, table: "Confusions") -> CheckpointSide:
    from core.evaluation.frames import frame_metrics
    from mabe_tui.runs.comparison.inspection import classes_of_counts

    pointer = checkpoint_here(checkpoint.entry.run, checkpoint.which)
    pooled = table.counts.sum(axis=0)
    examples = spec_of(checkpoint.entry.require_request().experiment).example.many
    return CheckpointSide(
        name=checkpoint.name,
        run=checkpoint.entry.id,
        version=checkpoint.entry.version,
        epoch=pointer.epoch,
        step=pointer.step,
        metrics=frame_metrics(pooled, table.classes),
        classes=classes_of_counts(checkpoint.name, table.classes, pooled, examples),
    )


def _verdict(
    first: CheckpointSide,
    measured: "Validated",
    second: CheckpointSide,
    against: "Validated",
    by: Yardstick,
) -> Verdict:
    (one, source), (other, other_source) = measured, against
    empty = empty_verdict(by, (first.name, second.name), (1, 1))
    try:
        require_scored_alike(one.rows, other.rows, (first.name, second.name), by)
        require_same_source(source, other_source, by)
        return checkpoint_verdict(empty, one.rows, other.rows, by, (first.version, second.version))
    except DataError as error:
        return no_verdict(empty, str(error))
