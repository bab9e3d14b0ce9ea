"""Compare rentable GPUs for a version: batch size, time and dollars on each, with their source."""

import math
from typing import Literal

import msgspec

from core.config.experiment import Experiment
from core.config.gpus import GPUS, choices_of, match_device, split_gpu
from core.config.task_modules import load_attribute
from core.config.task_spec import DataSizes, task_spec
from core.run.history import History
from core.run.limits import HOUR
from core.run.request import RunRequest
from mabe_tui.launch.prices import Prices, rate_of, read_prices
from mabe_tui.runs.launching.estimate import EPOCHS_AVERAGED, RUNS_LOOKED_AT
from mabe_tui.runs.launching.probes import HERE, KeptProbe, kept_probes, step_digest
from mabe_tui.runs.reading.thin_history import thin_history
from mabe_tui.runs.store import RunStore

OWN_DATA = "its own made-up data"
Source = Literal["measured", "probed", "reported"]


class Figure(msgspec.Struct, frozen=True):
    """A number and its source."""

    value: float
    source: Source
    """``measured``: a run on that GPU; ``probed``: a few steps on it; ``reported``: original documents."""
    by: str
    """The run, or the day of the probe."""


class GpuRow(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU. ``None`` means unknown."""

    gpu: str
    usd_per_hour: float | None
    """Hourly price of the version's whole machine."""
    largest_batch: Figure | None = None
    """Windows that fit in memory at once."""
    more_may_fit: bool = False
    """Whether the probe ended before it reached a batch that does not fit."""
    seconds_per_epoch: Figure | None = None
    hours: Figure | None = None
    """Hours of all epochs."""
    usd: Figure | None = None


class GpuTable(msgspec.Struct, frozen=True, kw_only=True):
    """The document that ``mabe gpus --json`` prints."""

    version: str
    epochs: int
    effective_batch: int
    windows: int | None
    """Training windows of an epoch, used to scale probes; ``None`` if unknown."""
    windows_by: str | None
    """Source of that count: a run, or the version's own settings."""
    rows: tuple[GpuRow, ...]
    cheapest: str | None
    fastest: str | None


class _Ran(msgspec.Struct, frozen=True):
    """A run of the version, with its timing."""

    run: str
    place: str | None
    """The GPU that it had, if a single one; ``None`` if it had several, or it is unknown."""
    windows: int
    examples: int
    """Training and validation examples together."""
    seconds_per_epoch: float


def data_bytes(store: RunStore, experiment: Experiment) -> tuple[int, str] | None:
    """Return the bytes of data that training keeps on a GPU, and their source.

    Returns:
        ``None`` if no run here has read the version's data and the data are not synthetic.
    """
    if (sizes := _sizes(experiment)) is None:
        return None
    examples, by = sizes.examples, OWN_DATA
    if ran := _ran(store, experiment):
        examples, by = ran[0].examples, ran[0].run
    return None if examples is None else (examples * sizes.bytes_per_example, by)


def gpu_table(store: RunStore, experiment: Experiment, epochs: int | None = None) -> GpuTable:
    """Collect what is known about each GPU. Starts nothing and contacts no service.

    Args:
        store: runs to take times from: those with the same settings, except hardware, seed and length.
        experiment: the version.
        epochs: overrides the version's own number.
    """
    ran = _ran(store, experiment)
    windows, by = (ran[0].windows, ran[0].run) if ran else _own_samples(experiment)
    measured: dict[str, _Ran] = {}
    for run in ran:  # newest first
        if run.place is not None and run.windows == windows:
            measured.setdefault(run.place, run)
    probes, prices = kept_probes(experiment), read_prices()
    count = epochs or experiment.training.epochs
    names = [*GPUS, *(name for name in (*measured, *probes) if name not in GPUS)]
    rows = tuple(
        _row(experiment, name, measured.get(name), probes.get(name), windows, count, prices)
        for name in dict.fromkeys(names)
    )
    training = experiment.training
    return GpuTable(
        version=experiment.name,
        epochs=count,
        effective_batch=training.batch_size * training.accumulation_steps,
        windows=windows,
        windows_by=by,
        rows=rows,
        cheapest=_least(rows, "usd"),
        fastest=_least(rows, "hours"),
    )


def _row(
    experiment: Experiment,
    gpu: str,
    ran: _Ran | None,
    probe: KeptProbe | None,
    windows: int | None,
    epochs: int,
    prices: Prices,
) -> GpuRow:
    price = None
    if gpu != HERE:
        hardware = msgspec.structs.replace(experiment.hardware, gpu=gpu)
        price = rate_of(hardware, prices).highest
    seconds = _seconds(experiment, gpu, ran, probe, windows)
    hours = usd = None
    if seconds is not None:
        hours = Figure(seconds.value * epochs / HOUR, seconds.source, seconds.by)
        usd = None if price is None else Figure(hours.value * price, seconds.source, seconds.by)
    largest = None
    if probe is not None:
        largest = Figure(probe.report.largest, "probed", f"{probe.time:%Y-%m-%d}")
    return GpuRow(
        gpu=gpu,
        usd_per_hour=price,
        largest_batch=largest,
        more_may_fit=probe is not None and probe.report.is_bound,
        seconds_per_epoch=seconds,
        hours=hours,
        usd=usd,
    )


def _seconds(
    experiment: Experiment,
    gpu: str,
    ran: _Ran | None,
    probe: KeptProbe | None,
    windows: int | None,
) -> Figure | None:
    """Return the seconds of an epoch from the best source: a run, a probe, the documents."""
    if ran is not None:
        return Figure(ran.seconds_per_epoch, "measured", ran.run)
    if probe is not None and probe.report.step_seconds is not None and windows is not None:
        report = probe.report
        updates = math.ceil(windows / (report.batch_size * report.accumulation_steps))
        seconds = updates * report.accumulation_steps * probe.report.step_seconds
        return Figure(seconds, "probed", f"{probe.time:%Y-%m-%d}")
    reported = experiment.reported
    if reported is None or choices_of(experiment.hardware.gpu) != (gpu,):
        return None
    if reported.seconds_per_epoch is not None:
        return Figure(reported.seconds_per_epoch, "reported", "its documents")
    if reported.hours is not None and reported.epochs is not None:
        return Figure(reported.hours * HOUR / reported.epochs, "reported", "its documents")
    return None


def _ran(store: RunStore, experiment: Experiment) -> list[_Ran]:
    """Return the runs that show how long an epoch of this version takes, newest first."""
    wanted, found = step_digest(experiment), []
    for entry in store.entries()[:RUNS_LOOKED_AT]:
        request = entry.request
        if entry.version != experiment.name or request is None or entry.is_import:
            continue
        if step_digest(request.experiment) != wanted:
            continue
        history = thin_history(entry.run)
        recent = history.epochs[-EPOCHS_AVERAGED:]
        if recent and history.data is not None:
            each = math.fsum(epoch.seconds for epoch in recent) / len(recent)
            place = _place(request, history)
            examples = history.data.train_examples + history.data.validation_examples
            found.append(_Ran(entry.id, place, history.data.train_samples, examples, each))
    return found


def _place(request: RunRequest, history: History) -> str | None:
    """Return the GPU that a run had; ``None`` if it had several, or it is unknown."""
    started = history.started
    if started is None or (request.resolved is not None and request.resolved.processes > 1):
        return None
    asked = choices_of(request.experiment.hardware.gpu)
    if request.launcher == "local":
        return match_device(started.device_name, GPUS) or HERE
    if any(split_gpu(gpu)[1] > 1 for gpu in asked):
        return None
    return match_device(started.device_name, GPUS)


def _sizes(experiment: Experiment) -> DataSizes | None:
    """Return the task's description of its data; ``None`` if it has none."""
    where = task_spec(experiment.task).data_sizes
    sizes: DataSizes | None = None if where is None else load_attribute(where)(experiment)
    return sizes


def _own_samples(experiment: Experiment) -> tuple[int | None, str | None]:
    """Count the training samples of synthetic data, which follow from the settings."""
    sizes = _sizes(experiment)
    return (None, None) if sizes is None or sizes.samples is None else (sizes.samples, OWN_DATA)


def _least(rows: tuple[GpuRow, ...], what: Literal["usd", "hours"]) -> str | None:
    """Return the rentable GPU with the lowest dollars or hours; ``None`` if none is known."""
    known = {row.gpu: figure.value for row in rows if (figure := getattr(row, what)) and row.usd}
    return min(known, key=lambda gpu: known[gpu], default=None)
