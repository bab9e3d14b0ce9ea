"""``mabe batch-size``: measure how many samples fit in memory, and suggest settings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from core.config.experiment import Experiment
from core.config.gpus import gpu_text
from core.config.task_spec import Noun
from core.errors import ConfigError
from core.run.request import RunRequest
from mabe_tui.cli.options import SetOption, Version, finite
from mabe_tui.cli.session import session_of
from mabe_tui.cli.terminal.output import JsonOption, print_json, progress, say
from mabe_tui.runs.launching.run_requests import new_request

if TYPE_CHECKING:  # torch takes seconds to import
    from core.training.batch_size import CudaProbe, Reading
    from core.training.memory_probe import SubprocessProbe

GIB = 2**30
MOST = 4096


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("batch-size")(batch_size)


class BatchSizeReport(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of ``mabe batch-size --json``."""

    version: str
    device: str
    device_name: str
    memory_bytes: int
    """Memory that a step may use."""
    largest: int
    """Windows that fit at once."""
    effective: int
    """Windows per update, according to the registry and the overrides."""
    batch_size: int
    """The largest divisor of ``effective`` that fits."""
    accumulation_steps: int
    settings: tuple[str, ...]
    """The overrides to ``--set``; empty if the version fits as it is."""
    readings: tuple["Reading", ...]


def batch_size(
    context: typer.Context,
    version: Version,
    data: Annotated[
        Path | None,
        typer.Option(help="A data folder whose frames count too, as they occupy GPU memory."),
    ] = None,
    overrides: SetOption = None,
    preset: Annotated[str | None, typer.Option(help="Apply a preset from the registry.")] = None,
    memory_gib: Annotated[
        float | None,
        typer.Option(
            help="Memory that training may use; default: most of what is free.",
            min=0.01,
            max=100_000,
            callback=finite,
        ),
    ] = None,
    most: Annotated[
        int, typer.Option(help="The largest batch to try.", min=8, max=1_000_000)
    ] = MOST,
    as_json: JsonOption = False,
) -> None:
    """Find the largest batch that fits, with training steps of the real model on repeated real samples.

    Measured on this computer, on the version's device. The last line is the accumulation that keeps
    the version's effective batch.
    """
    from core.system.machine import choose_device, device_name
    from core.training.batch_size import largest_batch

    session = session_of(context)
    spec = session.registry.spec(version)
    implied = spec.with_data if data is not None else ()
    experiment = session.registry.experiment(version, [*(overrides or []), *implied], preset)
    device = choose_device(experiment.hardware.device)
    request = new_request(experiment, "local", data=data)
    memory = None if memory_gib is None else int(memory_gib * GIB)
    probe = _probe(request, session.cache, memory)
    name, limit = device_name(device), f"{probe.memory / GIB:.1f} GiB"
    say(f"{version} on {name}, within {limit}" + _asked_for(experiment))
    readings: list[Reading] = []

    def fits(size: int) -> bool:
        readings.append(probe(size))
        say(_line_of(readings[-1]))
        return readings[-1].fits

    largest = largest_batch(fits, most)
    if not largest:
        raise ConfigError(
            f"{version}: not even a batch of 8 fits in {limit}; try smaller inputs or a smaller model"
        )
    report = _report(experiment, device.type, name, probe.memory, largest, readings)
    if as_json:
        print_json(report)
    else:
        _show(report, most, spec.sample)


def _probe(request: RunRequest, cache: Path, memory: int | None) -> "CudaProbe | SubprocessProbe":
    from core.training.probe import open_probe

    with progress("preparing") as tell:
        return open_probe(request, cache, tell, memory)


def _asked_for(experiment: Experiment) -> str:
    hardware = experiment.hardware
    if hardware.gpu is None:
        return ""
    size = f" with {hardware.gpu_memory_gib} GB" if hardware.gpu_memory_gib else ""
    return f" (its own hardware is {gpu_text(hardware.gpu)}{size})"


def _line_of(reading: "Reading") -> str:
    peak = "–" if reading.peak_bytes is None else f"{reading.peak_bytes / GIB:.2f} GiB"
    if not reading.fits:
        return f"{reading.size:>6}  does not fit: {reading.problem}"
    return f"{reading.size:>6}  fits: {peak}, {1000 * (reading.seconds or 0.0):.0f} ms a step"


def _report(
    experiment: Experiment,
    device: str,
    name: str,
    memory: int,
    largest: int,
    readings: "list[Reading]",
) -> BatchSizeReport:
    from core.training.batch_size import accumulation

    training = experiment.training
    effective = training.batch_size * training.accumulation_steps
    batch, steps = accumulation(effective, largest)
    wanted = {"training.batch_size": batch, "training.accumulation_steps": steps}
    as_it_is = (batch, steps) == (training.batch_size, training.accumulation_steps)
    return BatchSizeReport(
        version=experiment.name,
        device=device,
        device_name=name,
        memory_bytes=memory,
        largest=largest,
        effective=effective,
        batch_size=batch,
        accumulation_steps=steps,
        settings=() if as_it_is else tuple(f"{key}={value}" for key, value in wanted.items()),
        readings=tuple(readings),
    )


def _show(report: BatchSizeReport, most: int, sample: Noun) -> None:
    reached = report.largest + 8 > most
    print(
        f"largest batch: {report.largest}" + (" (the most that was to be tried)" if reached else "")
    )
    whole = f"{report.version} updates on {sample.count(report.effective)}"
    if not report.settings:
        print(f"{whole}, and that fits as it is")
        return
    print(f"{whole}: {report.accumulation_steps} × {report.batch_size}")
    print(" ".join(f"--set {setting}" for setting in report.settings))
