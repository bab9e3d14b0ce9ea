"""From an old log to a run, so that it can be listed, shown and compared like any other."""

import datetime as dt
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core import places
from core.emitter import Emitter
from core.errors import DataError
from core.events import Epoch, Finished, RunStarted, Stopped
from core.experiment import Experiment
from core.rundir import About, RunDir
from mabe_tui.runs.old_logs.old_log import OldEpoch, OldLog, parse
from mabe_tui.runs.start import new_request

TAG = "imported"
UNKNOWN = "unknown"
SECONDS = 60.0
"""Of an epoch that does not say how long it took."""


def read_old_log(path: Path) -> OldLog:
    """Read a log file.

    Raises:
        DataError: it cannot be read, or names no epoch.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        return parse(lines)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def import_log(home: Path, path: Path, log: OldLog, experiment: Experiment) -> RunDir:
    """Make a run of a log: one attempt, an event an epoch, and an ending.

    The log gives no times of day: the run is taken to have ended when the file was last written. What
    it does not tell (gradient norm, frames a second) is NaN.
    """
    end = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    seconds = sum(_seconds(epoch) for epoch in log.epochs)
    request = new_request(experiment, "local", overrides=())
    run = RunDir(places.runs(home) / request.run)
    run.write_request(request)
    run.write_about(About(tags=(TAG,), note=f"imported from {path.name}"))
    attempt = run.claim_attempt()
    times = _times(end - dt.timedelta(seconds=seconds), log.epochs)
    with Emitter(attempt, run.events_path(attempt), io.StringIO(), lambda: next(times)) as emitter:
        _tell(emitter, run, log, request.experiment, seconds)
    run.log_path(attempt).write_bytes(path.read_bytes())
    return run


def _tell(
    emitter: Emitter, run: RunDir, log: OldLog, experiment: Experiment, seconds: float
) -> None:
    emitter.emit(
        RunStarted,
        run=run.id,
        experiment=experiment.name,
        device=log.device or UNKNOWN,
        device_name=log.device or UNKNOWN,
        torch=UNKNOWN,
        threads=0,
        code_version=UNKNOWN,
        pid=0,
        seed=experiment.training.seed,
    )
    for epoch in log.epochs:
        emitter.emit(Epoch, **_figures(epoch, log))
    last, best = log.epochs[-1], log.best
    if log.complete and best is not None:
        emitter.emit(
            Finished,
            epoch=last.epoch,
            step=last.epoch,
            reason="epochs",
            best_epoch=best.epoch,
            best_metric=best.f1_macro,
            monitor="f1_macro",
            seconds=seconds,
        )
    else:
        emitter.emit(Stopped, epoch=last.epoch, step=last.epoch, reason=UNKNOWN)


def _figures(epoch: OldEpoch, log: OldLog) -> dict[str, Any]:
    measured = {"loss": epoch.loss, "f1_macro": epoch.f1_macro, "accuracy": epoch.accuracy}
    rate = epoch.learning_rate if math.isfinite(epoch.learning_rate) else log.learning_rate
    return {
        "epoch": epoch.epoch,
        "step": epoch.epoch,
        "seconds": _seconds(epoch),
        "train_loss": epoch.loss,
        "learning_rate": math.nan if rate is None else rate,
        "gradient_norm": math.nan,
        "frames_per_second": math.nan,
        "metrics": {name: value for name, value in measured.items() if math.isfinite(value)},
    }


def _times(began: dt.datetime, epochs: list[OldEpoch]) -> Iterator[dt.datetime]:
    yield began
    for epoch in epochs:
        began += dt.timedelta(seconds=_seconds(epoch))
        yield began
    yield began


def _seconds(epoch: OldEpoch) -> float:
    return epoch.seconds if math.isfinite(epoch.seconds) else SECONDS
