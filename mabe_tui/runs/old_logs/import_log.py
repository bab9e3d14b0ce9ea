"""Import an old log as a run, so that it can be listed, shown and compared like any other."""

import datetime as dt
import io
import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from core.config.experiment import Experiment
from core.config.registry import Registry
from core.errors import ConfigError, DataError
from core.run import places
from core.run.emitter import Emitter
from core.run.events import Epoch, Finished, RunStarted, Stopped, Warned, decode
from core.run.records import About
from core.run.rundir import RunDir
from core.system.encoding import decode_text
from core.system.files import write_bytes_atomically
from mabe_tui.launch.line_buffer import TimedLine
from mabe_tui.runs.format.event_text import UNKNOWN
from mabe_tui.runs.format.untrusted_text import plain
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.old_logs.old_log import OldEpoch, OldLog, Told, parse
from mabe_tui.runs.store import RunStore

TAG = "imported"
GPU = "cuda"
ORIGINAL = "imported.txt"
SECONDS = 60.0
"""Seconds between the events of an epoch whose duration is unknown; shown nowhere."""


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """The output of an old training script."""

    name: str
    """Name of the file, or of the Modal app or call."""
    content: bytes
    log: OldLog
    told: Sequence[Told]
    """Its epochs and other lines, in the order of the log."""
    ended: dt.datetime
    """Time of its last line."""
    began: dt.datetime | None = None
    """Time of its first line, if known."""


def read_old_log(path: Path) -> Printed:
    """Read a log file. It has no times: the run is assumed to have ended when the file was last written.

    Raises:
        DataError: it cannot be read, or contains no epoch.
    """
    try:
        content = path.read_bytes()
        ended = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    lines = decode_text(content, "replace").splitlines()
    log, told = _parsed(str(path), [(line, None) for line in lines])
    return Printed(name=path.name, content=content, log=log, told=told, ended=ended)


def of_lines(name: str, lines: Sequence[TimedLine], now: dt.datetime) -> Printed:
    """Parse the lines of a log that was fetched from elsewhere.

    Args:
        name: name of the log.
        lines: all of them.
        now: when it was fetched: the assumed end if no time is known.

    Raises:
        DataError: it contains no epoch.
    """
    log, told = _parsed(name, lines)
    content = "".join(f"{line}\n" for line, _ in lines).encode()
    times = [time for _, time in lines if time is not None]
    began, ended = (times[0], times[-1]) if times else (None, now)
    return Printed(name=name, content=content, log=log, told=told, began=began, ended=ended)


def import_log(home: Path, printed: Printed, experiment: Experiment) -> RunDir:
    """Create a run from a log: one attempt, an event in place of each epoch's lines, and an ending.

    Values that the log lacks (gradient norm, frames per second, duration) are NaN. The original log is kept
    as :data:`ORIGINAL` beside the attempt's log.

    Raises:
        UserError: the folder cannot be written.
    """
    asked = new_request(experiment, "local", overrides=())
    request = msgspec.structs.replace(asked, imported=True)
    run = RunDir(places.runs(home) / request.run)
    run.write_request(request)
    run.write_about(About(tags=(TAG,), note=f"imported from {printed.name}"))
    attempt = run.claim_attempt()
    write_bytes_atomically(run.attempt_folder(attempt) / ORIGINAL, printed.content)
    moments, log = _moments(printed), io.StringIO()
    times = itertools.chain(moments, itertools.repeat(moments[-1]))
    with Emitter(attempt, run.events_path(attempt), log, lambda: next(times)) as emitter:
        _tell(emitter, run, request.experiment, printed, log)
    write_bytes_atomically(run.log_path(attempt), log.getvalue().encode())
    return run


def imported_before(home: Path, printed: Printed, version: str) -> RunDir | None:
    """Return the run of a version that was imported from this very log, or ``None``."""
    for entry in RunStore(home).entries():
        if not entry.is_import or entry.version != version:
            continue
        for attempt in entry.run.attempts():
            if _is_same(entry.run.attempt_folder(attempt) / ORIGINAL, printed.content):
                return entry.run
    return None


def experiment_of(registry: Registry, printed: Printed, version: str) -> Experiment:
    """Resolve a version with the settings stated in a log.

    A warm-up that the log does not state is shortened to the number of epochs.

    Raises:
        ConfigError: there is no such version, or its other settings contradict the log.
    """
    log = printed.log
    registered = registry.experiment(version)
    epochs = max(log.asked_epochs or 1, log.epochs[-1].epoch)
    warmup = log.warmup_epochs
    if warmup is None:
        warmup = registered.training.warmup_epochs
    settings = [f"training.epochs={epochs}", f"training.warmup_epochs={min(warmup, epochs)}"]
    if log.batch_size is not None:
        settings.append(f"training.batch_size={log.batch_size}")
    if log.learning_rate is not None:
        settings.append(f"training.learning_rate={log.learning_rate}")
    try:
        return registry.experiment(version, settings)
    except ConfigError as error:
        why = str(error).replace("--set ", "").partition("; give it too")[0]
        raise ConfigError(
            f"{printed.name}: its settings ({', '.join(settings)}) do not fit {version},"
            f" whose other settings would count as well ({why});"
            " name the version that it is a run of with --version"
        ) from error


def epoch_fields(epoch: OldEpoch, log: OldLog) -> dict[str, Any]:
    """Return the fields of the event for an epoch; values that it lacks are NaN."""
    rate = log.learning_rate if epoch.learning_rate is None else epoch.learning_rate
    return {
        "epoch": epoch.epoch,
        "step": epoch.epoch,
        "seconds": _or_nan(epoch.seconds),
        "train_loss": _or_nan(epoch.loss),
        "learning_rate": _or_nan(rate),
        "gradient_norm": math.nan,
        "frames_per_second": math.nan,
        "metrics": epoch.measured,
    }


def _parsed(name: str, lines: Sequence[TimedLine]) -> tuple[OldLog, list[Told]]:
    try:
        return parse([(plain(line.encode()), time) for line, time in lines])
    except DataError as error:
        events = (decode(line) for line, _ in lines)
        if ours := next((event for event in events if isinstance(event, RunStarted)), None):
            raise DataError(f"{name}: it is the log of {ours.run}, a run of mabe itself") from None
        raise DataError(f"{name}: {error}") from error


def _tell(
    emitter: Emitter, run: RunDir, experiment: Experiment, printed: Printed, log: IO[str]
) -> None:
    """Emit the run's events, and write the other lines between them to its log."""
    emitter.emit(
        RunStarted,
        run=run.id,
        experiment=experiment.name,
        device=GPU if printed.log.device else UNKNOWN,
        device_name=printed.log.device or UNKNOWN,
        torch=UNKNOWN,
        threads=0,
        code_version=UNKNOWN,
        pid=0,
        seed=experiment.training.seed,
    )
    for told in printed.told:
        if isinstance(told, str):
            log.write(f"{told}\n")
        elif any(told is epoch for epoch in printed.log.epochs):  # the others are superseded
            emitter.emit(Epoch, **epoch_fields(told, printed.log))
    _tell_ending(emitter, printed)


def _tell_ending(emitter: Emitter, printed: Printed) -> None:
    log = printed.log
    last, best = log.epochs[-1], log.best
    if log.claimed_best is not None and (
        best is None or log.claimed_best[0] > (best.f1_macro or 0)
    ):
        emitter.emit(
            Warned,
            code="best_not_listed",
            message="the log names a best F1 of {:.4f} at epoch {}, and does not list that epoch".format(
                *log.claimed_best
            ),
        )
    if (log.complete or _has_all_epochs(log)) and best is not None:
        emitter.emit(
            Finished,
            epoch=last.epoch,
            step=last.epoch,
            reason=_reason(log),
            best_epoch=best.epoch,
            best_metric=best.f1_macro,
            monitor="f1_macro",
            seconds=_total_seconds(printed) if _tells_time(printed) else math.nan,
        )
    else:
        emitter.emit(Stopped, epoch=last.epoch, step=last.epoch, reason=UNKNOWN)


def _reason(log: OldLog) -> str:
    """Return why a complete run ended: early stopping only if the log says so."""
    if log.stopped_early:
        return "early_stopping"
    return "epochs" if _has_all_epochs(log) else UNKNOWN


def _has_all_epochs(log: OldLog) -> bool:
    first, last = log.epochs[0].epoch, log.epochs[-1].epoch
    done = last + (first == 0)  # some count from 0
    return log.asked_epochs is not None and done >= log.asked_epochs


def _total_seconds(printed: Printed) -> float:
    first, *_, last = _moments(printed)
    return (last - first).total_seconds()


def _moments(printed: Printed) -> list[dt.datetime]:
    """Return the time of each event: of its line, else estimated from the durations of epochs and run."""
    epochs, total = printed.log.epochs, printed.log.total_seconds
    told = [epoch.time for epoch in epochs if epoch.time is not None]
    if printed.began is not None and len(told) == len(epochs):
        return [printed.began, *told, printed.ended]
    seconds = list(itertools.accumulate(_seconds(epoch) for epoch in epochs))
    whole = seconds[-1] if total is None else total
    if whole < seconds[-1]:
        seconds = [each * whole / seconds[-1] for each in seconds]
    began = printed.ended - dt.timedelta(seconds=whole)
    return [began + dt.timedelta(seconds=each) for each in (0.0, *seconds, whole)]


def _tells_time(printed: Printed) -> bool:
    """Return whether the duration of the training is known."""
    log = printed.log
    if log.total_seconds is not None or printed.began is not None:
        return True
    is_gapless = [epoch.epoch for epoch in log.epochs] == list(range(1, len(log.epochs) + 1))
    return is_gapless and all(epoch.seconds is not None for epoch in log.epochs)


def _seconds(epoch: OldEpoch) -> float:
    return SECONDS if epoch.seconds is None else epoch.seconds


def _is_same(file: Path, content: bytes) -> bool:
    try:
        return file.stat().st_size == len(content) and file.read_bytes() == content
    except OSError:
        return False


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
