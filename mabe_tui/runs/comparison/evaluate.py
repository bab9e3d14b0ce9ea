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
from mabe_tui.runs.videos.video import data_folder
from mabe_tui.runs.videos.video_prediction import Device

if TYPE_CHECKING:  # numpy, pyarrow and torch
    from core.tasks.predictor import Evaluation, PredictionOptions
    from mabe_tui.runs.comparison.inspection import SideClasses

AT = "@"
"""Separator between a run and one of its checkpoints: ``v6@epoch-3``."""


class EvaluationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The document that ``mabe eval --json`` prints; its keys name videos and frames whatever the task."""

    run: str
    checkpoint: str
    data: str
    videos: int
    """Number of units, whatever ``unit`` says they are."""
    trained_on: int | None
    """How many of these units the run was trained on; ``None`` if it does not say.

    Videos are identified by their tracking if known, else by their ids."""
    validated_on: int | None
    """The same of the units on which its best epoch was chosen, or an ensemble's second level fitted."""
    frames: int
    """Number of examples, whatever ``example`` says they are."""
    metrics: dict[str, float]
    unmapped: dict[str, int]
    """Labels of the data that the run does not know, such as actions missing from its action map, and how
    often they occur."""
    nan_frames: int = 0
    """Examples for which the checkpoint returns NaN."""
    bad: dict[str, str] = {}
    """Damaged units that were left out, and the problem of each."""
    fitted: bool = False
    """Whether the run is an ensemble with a fitted second level."""
    unit: str = "video"
    example: str = "frame"


class CheckpointSide(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint, measured on the validation units of its run."""

    name: str
    run: str
    version: str
    epoch: int
    step: int
    metrics: dict[str, float]
    """Metrics, as the task measures them."""
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
    options: "PredictionOptions | None" = None,
) -> "tuple[EvaluationReport, Evaluation]":
    """Evaluate a checkpoint on the labelled units of any data folder.

    Raises:
        UserError: no such checkpoint, or the folder holds nothing to evaluate on.
    """
    return evaluate_together([entry], data, which, device, progress, options)


def evaluate_together(
    entries: Sequence[RunEntry],
    data: Path,
    which: str = "best",
    device: Device = "auto",
    progress: Progress | None = None,
    options: "PredictionOptions | None" = None,
) -> "tuple[EvaluationReport, Evaluation]":
    """Evaluate the mean of several runs' answers, such as those of all folds; the report names the first.

    Raises:
        UserError: no such checkpoint, or the folder holds nothing to evaluate on.
    """
    from core.inference.predictor import load_members, predictor_of, require_known
    from core.tasks.predictor import PredictionOptions

    entry = entries[0]
    task = spec_of(entry.require_request().experiment)
    _require_predictor(task)
    name = pointer_name(which)
    members = [member for each in entries for member in load_members(each.run, name)]
    predictor = predictor_of(members, device)
    options = options or PredictionOptions()
    require_known(options, predictor, task)
    found = predictor.evaluate(data, options, progress)
    units = {*found.rows.units}
    if "video" in task.views:
        units = _known_videos(entry, data, units)
    requests = [each.require_request().resolved for each in entries]
    resolved = [each for each in requests if each is not None]
    report = EvaluationReport(
        run=entry.id,
        checkpoint=which,
        data=str(data),
        videos=len(found.rows.units),
        trained_on=_seen(units, [each.train_units for each in resolved]),
        validated_on=_seen(units, [each.validation_units for each in resolved]),
        frames=found.examples,
        metrics=dict(found.metrics),
        unmapped=dict(found.unmapped),
        nan_frames=found.nan_examples,
        bad=dict(found.bad),
        fitted=_is_fitted(entry),
        unit=task.unit.one,
        example=task.example.one,
    )
    return report, found


def _is_fitted(entry: RunEntry) -> bool:
    """Return whether a run is an ensemble whose second level learned from its validation units."""
    ensemble = entry.require_request().experiment.ensemble
    return ensemble is not None and ensemble.how != "mean"


def _seen(units: set[str], parts: Sequence[Sequence[str]]) -> int | None:
    """Return how many units are in any part; ``None`` if there is no part."""
    return len(units & {unit for part in parts for unit in part}) if parts else None


def _require_predictor(task: TaskSpec) -> None:
    """Reject the checkpoints of a task that does not predict.

    Raises:
        ConfigError: says what can be compared instead.
    """
    if task.predictor is None:
        raise ConfigError(
            f"checkpoints of task {task.name!r} ({task.title}) cannot be measured again: its TaskSpec names"
            " no predictor; compare its runs or versions instead"
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
    """Evaluate checkpoints on their runs' validation units and compare them with the first.

    Where the task shows videos, every frame is predicted as by ``mabe predict``, from whole videos. The run's
    own table counts training windows, which have less context at their edges, so its figures differ slightly.
    Other tasks measure as in training.

    Args:
        checkpoints: two or more.
        data: where the data are now; by default, where each run found them.
        device: where to compute.
        progress: called with (done, total, what).

    Raises:
        UserError: a checkpoint or the data are not available.
    """
    task = common_task([each.entry.require_request().experiment for each in checkpoints])
    _require_predictor(task)
    validated = _validated_videos if "video" in task.views else _validated
    measured = [validated(each, data, device, progress) for each in checkpoints]
    sides = tuple(_side(each, found) for each, found in zip(checkpoints, measured, strict=True))
    by = yardstick(task, (side.metrics for side in sides))
    verdicts = tuple(
        _verdict(sides[0], measured[0], side, other, by)
        for side, other in zip(sides[1:], measured[1:], strict=True)
    )
    return CheckpointComparison(sides=sides, verdicts=verdicts)


def _validated(
    checkpoint: NamedCheckpoint, data: Path | None, device: Device, progress: Progress | None
) -> "Evaluation":
    """Measure a checkpoint on the validation units of its run, as the task does in training."""
    from core.inference.checkpoints import load_checkpoint
    from core.inference.predictor import predictor_of

    entry, request = checkpoint.entry, checkpoint.entry.require_request()
    path = entry.run.checkpoints / checkpoint_here(entry.run, checkpoint.which).file
    root = data or data_folder(entry)
    predictor = predictor_of([load_checkpoint(path)], device)
    asked = msgspec.structs.replace(request, data=None if root is None else str(root))
    return predictor.validate(asked, cache_of_run(entry.run.path), progress or (lambda *_: None))


def _validated_videos(
    checkpoint: NamedCheckpoint, data: Path | None, device: Device, progress: Progress | None
) -> "Evaluation":
    """Predict the validation videos of a run; earlier predictions come from the cache."""
    import numpy as np

    from core.config.task_spec import labels_of
    from core.data.manifest import source_fingerprint
    from core.evaluation.frames import confusion, frame_metrics
    from core.evaluation.table import Confusions
    from core.tasks.predictor import Evaluation
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
    ours, pooled = {*videos}, table.counts.sum(axis=0)
    return Evaluation(
        metrics=frame_metrics(pooled, table.classes),
        rows=table.rows,
        examples=int(pooled.sum()),
        confusions=table,
        source=source_fingerprint(v for v in prepared.videos if v.video_id in ours),
    )


def _side(checkpoint: NamedCheckpoint, found: "Evaluation") -> CheckpointSide:
    from mabe_tui.runs.comparison.inspection import classes_of_evaluation

    pointer = checkpoint_here(checkpoint.entry.run, checkpoint.which)
    task = spec_of(checkpoint.entry.require_request().experiment)
    return CheckpointSide(
        name=checkpoint.name,
        run=checkpoint.entry.id,
        version=checkpoint.entry.version,
        epoch=pointer.epoch,
        step=pointer.step,
        metrics=dict(found.metrics),
        classes=classes_of_evaluation(checkpoint.name, found, task),
    )


def _verdict(
    first: CheckpointSide,
    measured: "Evaluation",
    second: CheckpointSide,
    against: "Evaluation",
    by: Yardstick,
) -> Verdict:
    one, other = measured.rows, against.rows
    empty = empty_verdict(by, (first.name, second.name), (1, 1))
    try:
        require_scored_alike(one, other, (first.name, second.name), by)
        require_same_source(measured.source, against.source, by)
        return checkpoint_verdict(empty, one, other, by, (first.version, second.version))
    except DataError as error:
        return no_verdict(empty, str(error))
