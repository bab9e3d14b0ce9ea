"""Start runs: create their folders and launch them."""

import datetime as dt
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.config.experiment import Experiment
from core.config.gpus import choices_of, split_gpu
from core.config.task_spec import task_source
from core.errors import RunError, UserError
from core.run import places
from core.run.events import Epoch, began
from core.run.history import History
from core.run.limits import Limits
from core.run.records import About
from core.run.request import RunRequest
from core.run.rundir import RunDir, new_run_id
from mabe_tui.launch.launcher import Launcher, Say, say_nothing
from mabe_tui.runs.actions.manage import require_tag
from mabe_tui.runs.listing.record import rented_gpu
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunStore

RUNS_LOOKED_AT = 50
EPOCHS_AVERAGED = 5


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Estimated duration of a run, from an earlier one of the same version."""

    seconds: float
    """From its start to its last epoch."""
    seconds_per_epoch: float
    from_run: str
    other_gpu: str | None = None
    """GPU of the earlier run, if it is not among those requested now."""


def new_request(
    experiment: Experiment,
    launcher: str,
    *,
    overrides: Sequence[str] = (),
    preset: str | None = None,
    data: Path | None = None,
    limits: Limits | None = None,
) -> RunRequest:
    """Build a request under a new run id. Touches no file."""
    now = dt.datetime.now(dt.UTC)
    return RunRequest(
        run=new_run_id(experiment.name, now),
        created=now,
        launcher=launcher,
        seed=experiment.training.seed,
        experiment=experiment,
        overrides=tuple(overrides),
        preset=preset,
        data=str(data.resolve()) if data is not None else None,
        limits=limits or Limits(),
        task_source=task_source(experiment.task),
    )


def start_run(
    home: Path,
    request: RunRequest,
    launcher: Launcher,
    tags: Sequence[str] = (),
    say: Say = say_nothing,
) -> RunDir:
    """Create the run's folder and launch it; if that fails, leave no folder behind.

    Raises:
        UserError: the folder cannot be written, or the launcher cannot start the run; says why.
    """
    (run,) = start_runs(home, [request], launcher, tags, say=say)
    return run


def start_runs(
    home: Path,
    requests: Sequence[RunRequest],
    launcher: Launcher,
    tags: Sequence[str] = (),
    parallel: int | None = None,
    say: Say = say_nothing,
) -> list[RunDir]:
    """Create the runs' folders and launch them all, with at most ``parallel`` running at a time.

    If that fails or is interrupted, no folder of an unlaunched run is left behind. ``say`` is called with
    a message before each slow step.

    Raises:
        UserError: a tag is invalid, a folder cannot be written, or the launcher cannot start a run; says
            why, and which runs were started before that.
    """
    about = About(tags=tuple(dict.fromkeys(require_tag(tag) for tag in tags)))
    runs = [RunDir(places.runs(home) / request.run) for request in requests]
    try:
        for run, request in zip(runs, requests, strict=True):
            run.write_request(request)
            if tags:
                run.write_about(about)
        launcher.launch_all(runs, parallel, say)
    except BaseException as error:
        for run in runs:
            if not run.attempts():  # a launcher reverts a run that it claimed and cannot start
                shutil.rmtree(run.path, ignore_errors=True)
        started = [run.id for run in runs if run.attempts()]
        if started and isinstance(error, UserError):
            raise RunError(f"{error}; started before that: {' '.join(started)}") from error
        raise
    return runs


def _seconds_before_training(history: History) -> float:
    """Return how long the first attempt took to start and to read its data."""
    first = next(event for event in history.events if isinstance(event, Epoch))
    began_at = next((began(e) for e in history.events if e.attempt == first.attempt), first.time)
    return max(0.0, (first.time - began_at).total_seconds() - first.seconds)


def estimate(store: RunStore, request: RunRequest) -> Estimate | None:
    """Estimate the duration from the latest run of the same version, preset and launcher.

    Runs on one of the requested GPUs take precedence over runs on others.

    Returns:
        ``None`` if there is no such run with a completed epoch.
    """
    asked = choices_of(request.experiment.hardware.gpu) if request.launcher != "local" else ()
    wanted, other = {split_gpu(gpu) for gpu in asked}, None
    for entry in store.entries()[:RUNS_LOOKED_AT]:
        if entry.version != request.experiment.name or entry.request is None or entry.is_import:
            continue
        if (entry.request.preset, entry.request.launcher) != (request.preset, request.launcher):
            continue
        history = thin_history(entry.run)
        recent = [epoch.seconds for epoch in history.epochs[-EPOCHS_AVERAGED:]]
        if recent:
            each = math.fsum(recent) / len(recent)
            started = history.started
            gpu = rented_gpu(entry.request, started.device_name if started else None)
            is_other = bool(wanted) and gpu is not None and split_gpu(gpu) not in wanted
            found = Estimate(
                seconds=_seconds_before_training(history)
                + each * request.experiment.training.epochs,
                seconds_per_epoch=each,
                from_run=entry.id,
                other_gpu=gpu if is_other else None,
            )
            if not is_other:
                return found
            other = other or found
    return other
