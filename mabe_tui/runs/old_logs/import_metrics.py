"""Make a run of the metrics that another tool logged, as :mod:`import_log` makes one of a printed log."""

import bisect
import datetime as dt
import io
import itertools
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from core.config.experiment import Experiment
from core.config.registry import Registry
from core.errors import DataError
from core.run import places
from core.run.emitter import Emitter
from core.run.events import READINGS, Epoch, Event, FreeMetrics, RunStarted, Step, Stopped, System
from core.run.records import About
from core.run.rundir import RunDir
from core.system.files import write_bytes_atomically
from mabe_tui.runs.curves.curves import TRAIN_LOSS
from mabe_tui.runs.format.event_text import UNKNOWN
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.old_logs.import_log import ORIGINAL, TAG
from mabe_tui.runs.old_logs.metric_tables import SUFFIXES, read_metric_table
from mabe_tui.runs.old_logs.named_metrics import NamedMetrics, named
from mabe_tui.runs.old_logs.series import LoggedMetrics, MetricSeries
from mabe_tui.runs.old_logs.tfevents import MARK, read_tfevents
from mabe_tui.runs.old_logs.wandb_log import SUFFIX, read_wandb
from mabe_tui.runs.store import RunStore
from mabe_tui.runs.tasks import spec_of

RATES = ("learning_rate", "gradient_norm", "frames_per_second")


class Told(NamedTuple):
    """An event to emit, with its time in seconds since 1970."""

    time: float
    order: int
    """Among events of the same time."""
    kind: type[Event]
    fields: dict[str, Any]


def read_metrics(path: Path) -> LoggedMetrics | None:
    """Read what another tool logged; ``None`` if the path does not look like that of its files.

    Raises:
        DataError: it does and cannot be read, or a folder holds nothing of that kind.
        RunError: a package that reads it is not installed.
    """
    if MARK in path.name and path.is_file():
        series = read_tfevents(path)
    elif path.suffix == SUFFIX:
        series = read_wandb(path)
    elif path.is_file() and path.suffix in SUFFIXES:
        series = read_metric_table(path)
    elif path.is_dir():
        series = read_wandb(path) if any(path.glob(f"*{SUFFIX}")) else read_tfevents(path)
    else:
        return None
    return LoggedMetrics(path.name, series, path.stat().st_mtime)


class ImportedRun(NamedTuple):
    """A run that was made, or was made before."""

    run: RunDir
    was_here: bool
    epochs: int
    free: tuple[str, ...]
    """Names of metrics that mean nothing to the task."""


def import_metrics(
    home: Path,
    registry: Registry,
    logged: LoggedMetrics,
    version: str,
    names: Mapping[str, str] | None = None,
) -> ImportedRun:
    """Create a run of a version, tagged ``imported``, or return the one that was made of the same.

    Metrics of the task become epochs, numbered as the source says, else from 1; losses and rates inside
    epochs become steps, and everything else free metrics.

    Args:
        home: the home folder.
        registry: has the version.
        logged: the metrics.
        version: the version that it is a run of.
        names: their name → ours; see :func:`~mabe_tui.runs.old_logs.named_metrics.named`.

    Raises:
        ConfigError: there is no such version, or a name is in neither.
        UserError: the folder cannot be written.
    """
    spec = spec_of(registry.experiment(version))
    found = named(logged.series, spec, names)
    numbers = _epoch_numbers(found)
    kept = {"source": logged.name, "sha256": logged.digest(), "names": dict(names or {})}
    content = msgspec.json.encode(kept)
    free = tuple(found.free)
    if (before := _made_before(home, content, version)) is not None:
        return ImportedRun(before, True, len(numbers), free)
    experiment = _experiment(registry, version, numbers)
    asked = new_request(experiment, "local", overrides=())
    request = msgspec.structs.replace(asked, imported=True)
    run = RunDir(places.runs(home) / request.run)
    try:
        run.write_request(request)
        run.write_about(About(tags=(TAG,), note=f"imported from {logged.name}"))
        attempt = run.claim_attempt()
        write_bytes_atomically(run.attempt_folder(attempt) / ORIGINAL, content)
        _write_events(run, attempt, experiment, [*_told(found, numbers)], logged.ended)
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return ImportedRun(run, False, len(numbers), free)


def _experiment(registry: Registry, version: str, numbers: Mapping[int, int]) -> Experiment:
    epochs = max(numbers.values(), default=1)
    warmup = min(registry.experiment(version).training.warmup_epochs, epochs)
    settings = [f"training.epochs={epochs}", f"training.warmup_epochs={warmup}"]
    return registry.experiment(version, settings)


def _made_before(home: Path, content: bytes, version: str) -> RunDir | None:
    for entry in RunStore(home).entries():
        if not entry.is_import or entry.version != version:
            continue
        for attempt in entry.run.attempts():
            path = entry.run.attempt_folder(attempt) / ORIGINAL
            if path.is_file() and path.read_bytes() == content:
                return entry.run
    return None


# ── from series to events ─────────────────────────────────────────────────────────────────────


def _epoch_numbers(found: NamedMetrics) -> dict[int, int]:
    """Return the number of the epoch that ends at each step at which the task's metrics were measured.

    Raises:
        DataError: there are more than a run can have.
    """
    steps = sorted({step for each in found.measured.values() for step in each.step})
    stated = [found.epochs.get(step, math.nan) for step in steps]
    rounded = [round(each) if math.isfinite(each) else 0 for each in stated]
    ascend = all(1 <= one < other for one, other in itertools.pairwise(rounded))
    if steps and ascend and rounded[0] >= 1 and rounded[-1] < 10**6:
        return dict(zip(steps, rounded, strict=True))
    return {step: number for number, step in enumerate(steps, start=1)}


def _told(found: NamedMetrics, numbers: Mapping[int, int]) -> Iterator[Told]:
    steps = [*numbers]
    per_epoch = max(1, round(steps[0] / numbers[steps[0]])) if steps else 0
    losses = found.training.get(TRAIN_LOSS)
    inside = losses is not None and len(losses.step) > len(numbers)
    if losses is not None and inside:
        yield from _steps(losses, found, per_epoch or max(1, max(losses.step)))
    yield from _epochs(found, numbers)
    yield from _readings(found)
    for name, series in found.free.items():
        for step, time, value in zip(series.step, series.time, series.value, strict=True):
            yield Told(time, 1, FreeMetrics, {"step": step, "values": {name: value}})


def _steps(losses: MetricSeries, found: NamedMetrics, per_epoch: int) -> Iterator[Told]:
    rates = {name: _Held(found.training.get(name)) for name in RATES}
    for step, time, loss in zip(losses.step, losses.time, losses.value, strict=True):
        done = max(0, step - 1) // per_epoch
        fields = {
            "epoch": done + 1,
            "step": step,
            "epoch_step": step - done * per_epoch,
            "epoch_steps": per_epoch,
            "loss": loss,
            **{name: held.at(step) for name, held in rates.items()},
        }
        yield Told(time, 0, Step, fields)


def _epochs(found: NamedMetrics, numbers: Mapping[int, int]) -> Iterator[Told]:
    values: dict[int, dict[str, float]] = {step: {} for step in numbers}
    times: dict[int, float] = {}
    for name, series in found.measured.items():
        for step, time, value in zip(series.step, series.time, series.value, strict=True):
            values[step][name] = value
            times[step] = max(time, times.get(step, time))
    losses = _Held(found.training.get(TRAIN_LOSS))
    rates = {name: _Held(found.training.get(name)) for name in RATES[:2]}
    before = math.nan
    for step, number in numbers.items():
        fields = {
            "epoch": number,
            "step": step,
            "seconds": times[step] - before,
            "train_loss": losses.at(step),
            **{name: held.at(step) for name, held in rates.items()},
            "frames_per_second": math.nan,
            "metrics": values[step],
        }
        before = times[step]
        yield Told(times[step], 2, Epoch, fields)


def _readings(found: NamedMetrics) -> Iterator[Told]:
    by_time: dict[float, dict[str, float]] = {}
    for name, series in found.readings.items():
        for time, value in zip(series.time, series.value, strict=True):
            by_time.setdefault(time, dict.fromkeys(READINGS[:2], math.nan))[name] = value
    for time, values in by_time.items():
        yield Told(time, 1, System, values)


class _Held:
    """A series whose value holds until the next."""

    def __init__(self, series: MetricSeries | None) -> None:
        points = [] if series is None else zip(series.step, series.value, strict=True)
        self._points = sorted(points, key=lambda point: point[0])
        self._steps = [step for step, _ in self._points]

    def at(self, step: int) -> float:
        """Return the last value up to a step; NaN before the first."""
        count = bisect.bisect_right(self._steps, step)
        return self._points[count - 1][1] if count else math.nan


def _write_events(
    run: RunDir, attempt: str, experiment: Experiment, told: Sequence[Told], ended: float
) -> None:
    """Write the events in the order of their times."""
    if not told:
        raise DataError(f"{run.id}: nothing to import")
    timed = _with_times(told, ended)
    moments = [dt.datetime.fromtimestamp(each.time, dt.UTC) for each in timed]
    times = iter([moments[0], *moments, moments[-1]])
    log = io.StringIO()
    with Emitter(attempt, run.events_path(attempt), log, lambda: next(times)) as emitter:
        emitter.emit(
            RunStarted,
            run=run.id,
            experiment=experiment.name,
            device=UNKNOWN,
            device_name=UNKNOWN,
            torch=UNKNOWN,
            threads=0,
            code_version=UNKNOWN,
            pid=0,
            seed=experiment.training.seed,
        )
        for each in timed:
            emitter.emit(each.kind, **each.fields)
        epochs = [each.fields for each in timed if each.kind is Epoch]
        last = epochs[-1] if epochs else {"epoch": 0, "step": 0}
        emitter.emit(Stopped, epoch=last["epoch"], step=last["step"], reason=UNKNOWN)
    write_bytes_atomically(run.log_path(attempt), log.getvalue().encode())


def _with_times(told: Sequence[Told], ended: float) -> list[Told]:
    """Sort events by time; where no time is known, by step, a second apart, up to the source's end."""
    if any(math.isfinite(each.time) for each in told):
        kept = (each for each in told if math.isfinite(each.time))
        return sorted(kept, key=lambda each: (each.time, each.fields.get("step", 0), each.order))
    ordered = sorted(told, key=lambda each: (each.fields.get("step", 0), each.order))
    count = len(ordered)
    return [each._replace(time=ended - count + n) for n, each in enumerate(ordered)]
