"""Build the task of a run that also learns from another run's predictions."""

import dataclasses
import hashlib
from pathlib import Path

import torch

from core.data.manifest import Remark
from core.errors import CheckpointError, ConfigError, RunError
from core.inference.checkpoints import load_checkpoint
from core.inference.predictor import predictor_of
from core.run.request import Input, RunRequest
from core.run.rundir import RunDir
from core.system.progress import Progress
from core.tasks.build import build_task
from core.tasks.pseudo_labels import LearnsPseudoLabels
from core.tasks.task import Task


def build_with_pseudo_labels(
    runs: Path, request: RunRequest, cache: Path, device: torch.device, progress: Progress
) -> Task:
    """Build a run's task, and let it learn pseudo-labels; see :func:`core.tasks.build.build_task`.

    Args:
        runs: folder of the runs, that of ``training.pseudo_labels`` among them.
        request: names that run's checkpoints.
        cache: where prepared data and predictions are kept.
        device: where batches are to be, and predictions are computed.
        progress: called with (done, total, what).

    Raises:
        UserError: the task cannot learn so, or a checkpoint is gone, damaged or has changed.
    """
    if not request.pseudo:
        raise RunError(
            "training.pseudo_labels: run.toml has no [[pseudo]], which `mabe run` writes"
        )
    task = build_task(request, cache, device, progress)
    if not isinstance(task, LearnsPseudoLabels):
        raise ConfigError(
            f"training.pseudo_labels: task {task.spec.name!r} ({task.spec.title}) cannot learn from"
            " predictions; leave it out"
        )
    progress(0, 0, "loading what predicts the labels")
    try:
        members = [
            load_checkpoint(RunDir(runs / each.run).checkpoints / each.file, sha256=each.sha256)
            for each in request.pseudo
        ]
    except CheckpointError as error:
        raise RunError(f"training.pseudo_labels: {error}") from error
    predictor = predictor_of(members, "cuda" if device.type == "cuda" else "cpu")
    task.learn_pseudo_labels(predictor, _key(request.pseudo), request, cache, progress)
    if seen := _seen(runs, request.pseudo, task):
        task.summary = dataclasses.replace(
            task.summary, warnings=(*task.summary.warnings, _leak(seen, task))
        )
    return task


def _key(members: tuple[Input, ...]) -> str:
    return hashlib.sha256(" ".join(each.sha256 for each in members).encode()).hexdigest()[:16]


def _seen(runs: Path, members: tuple[Input, ...], task: Task) -> set[str]:
    """Return the validation units that what predicts the labels has learned from."""
    learned: set[str] = set()
    for each in members:
        resolved = RunDir(runs / each.run).read_request().resolved
        learned |= {*resolved.train_units} if resolved is not None else set()
    return learned & {*task.summary.validation_units}


def _leak(seen: set[str], task: Task) -> Remark:
    units = task.spec.unit.count(len(seen))
    return Remark(
        "pseudo_labels_leak",
        f"the run that predicts the pseudo-labels has learned from {units} of this run's validation, which"
        " is thereby flattered; take a run with the same split or fold",
    )
