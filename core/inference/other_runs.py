"""Build the task of a run that also learns from what other runs predict: pseudo-labels, or a teacher."""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import torch

from core.data.manifest import Remark
from core.errors import CheckpointError, ConfigError, RunError
from core.evaluation.stored_predictions import StoredPredictions
from core.inference.predictor import load_inputs, predictor_of
from core.run.events import LEAK
from core.run.request import Input, RunRequest
from core.run.rundir import RunDir
from core.system.files import sha256_of
from core.system.progress import Progress
from core.tasks.build import build_task
from core.tasks.predictor import Predictor
from core.tasks.pseudo_labels import LearnsPseudoLabels
from core.tasks.task import Task
from core.tasks.teacher import LearnsFromTeacher, Teacher

PSEUDO, TEACHER = "training.pseudo_labels", "training.teacher"


def build_with_others(
    runs: Path, request: RunRequest, cache: Path, device: torch.device, progress: Progress
) -> Task:
    """Build a run's task, and let it learn pseudo-labels, from a teacher, or both.

    See :func:`core.tasks.build.build_task`.

    Args:
        runs: folder of the runs, the named ones among them.
        request: names the checkpoints of the named runs.
        cache: where prepared data and predictions are kept.
        device: where batches are to be, and predictions are computed.
        progress: called with (done, total, what).

    Raises:
        UserError: the task cannot learn so, or a checkpoint is gone, damaged or has changed.
    """
    task = build_task(request, cache, device, progress)
    if request.experiment.training.pseudo_labels is not None:
        _learn_pseudo_labels(task, runs, request, cache, device, progress)
    if _is_taught(request):
        _learn_from_teacher(task, runs, request, cache, device, progress)
    return task


def _is_taught(request: RunRequest) -> bool:
    training = request.experiment.training
    return training.teacher is not None and training.teacher_share > 0


def _learn_pseudo_labels(
    task: Task,
    runs: Path,
    request: RunRequest,
    cache: Path,
    device: torch.device,
    progress: Progress,
) -> None:
    if not request.pseudo:
        raise RunError(f"{PSEUDO}: run.toml has no [[pseudo]], which `mabe run` writes")
    if not isinstance(task, LearnsPseudoLabels):
        raise ConfigError(
            f"{PSEUDO}: task {task.spec.name!r} ({task.spec.title}) cannot learn from predictions; leave it"
            " out"
        )
    progress(0, 0, "loading what predicts the labels")
    predictor = _predictor(runs, request.pseudo, device, PSEUDO)
    task.learn_pseudo_labels(predictor, _key(request.pseudo), request, cache, progress)
    _warn_of_leak(task, runs, request.pseudo, "the run that predicts the pseudo-labels", PSEUDO)


def _learn_from_teacher(
    task: Task,
    runs: Path,
    request: RunRequest,
    cache: Path,
    device: torch.device,
    progress: Progress,
) -> None:
    if not request.teacher:
        raise RunError(f"{TEACHER}: run.toml has no [[teacher]], which `mabe run` writes")
    if not isinstance(task, LearnsFromTeacher):
        raise ConfigError(
            f"{TEACHER}: task {task.spec.name!r} ({task.spec.title}) cannot learn from a teacher; leave it"
            " out"
        )
    kept = request.teacher_kept
    teacher = Teacher(
        name=str(request.experiment.training.teacher),
        key=_key([*request.teacher, *([kept] if kept else [])]),
        load=partial(_predictor, runs, request.teacher, device, TEACHER),
        kept=None if kept is None else _kept(runs, kept),
    )
    task.learn_from(teacher, request, cache, progress)
    _warn_of_leak(task, runs, request.teacher, "the teacher", TEACHER)


def _predictor(
    runs: Path, members: Sequence[Input], device: torch.device, setting: str
) -> Predictor:
    try:
        loaded = load_inputs(runs, members)
    except CheckpointError as error:
        raise RunError(f"{setting}: {error}") from error
    return predictor_of(loaded, "cuda" if device.type == "cuda" else "cpu")


def _kept(runs: Path, kept: Input) -> StoredPredictions:
    path = RunDir(runs / kept.run).predictions
    if not path.is_file() or sha256_of(path) != kept.sha256:
        raise RunError(
            f"{TEACHER}: {path}: gone, or not what it was when this run was started; start it anew"
        )
    return StoredPredictions([path])


def _key(members: Iterable[Input]) -> str:
    return hashlib.sha256(" ".join(each.sha256 for each in members).encode()).hexdigest()[:16]


def _warn_of_leak(task: Task, runs: Path, members: Iterable[Input], who: str, setting: str) -> None:
    """Add a warning if what predicts has learned from units that this run is validated on."""
    learned: set[str] = set()
    for each in members:
        folder = RunDir(runs / each.run)
        resolved = folder.read_request().resolved if folder.path.is_dir() else None
        learned |= {*resolved.train_units} if resolved is not None else set()
    seen = learned & {*task.summary.validation_units}
    if not seen:
        return
    said = Remark(
        setting.partition(".")[2] + LEAK,
        f"{who} has learned from {task.spec.unit.count(len(seen))} of this run's validation, which is thereby"
        " flattered; take a run with the same split or fold",
    )
    task.summary = dataclasses.replace(task.summary, warnings=(*task.summary.warnings, said))
