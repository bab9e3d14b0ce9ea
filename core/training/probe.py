"""Measure a version on this machine: the largest batch that fits, and the seconds per step."""

import time
from collections.abc import Callable
from pathlib import Path

import torch

from core.run.request import RunRequest
from core.system.machine import choose_device, device_name
from core.system.progress import Progress
from core.training.batch_size import GRANULE, STEPS, CudaProbe, accumulation, largest_batch
from core.training.memory_probe import SubprocessProbe, default_memory
from core.training.probe_report import ProbeReport, Reading

MOST = 4096
"""Upper limit of the search unless a larger batch is requested."""
TIMED_STEPS = 6


def open_probe(
    request: RunRequest,
    cache: Path,
    progress: Progress,
    memory: int | None = None,
    reserved: int = 0,
) -> CudaProbe | SubprocessProbe:
    """Return a trial of batch sizes for the device that a request asks for.

    Args:
        request: what would be trained.
        cache: folder of prepared data.
        progress: progress callback while data are prepared.
        memory: bytes that a step may use; ``None`` means most of what is free.
        reserved: bytes of the data that training will keep on a GPU.
    """
    if choose_device(request.experiment.hardware.device).type == "cuda":
        return CudaProbe(request, cache, progress, memory, reserved)
    return SubprocessProbe(request, cache, progress, memory or default_memory())


def probe_machine(
    request: RunRequest,
    cache: Path,
    progress: Progress,
    *,
    reserved: int = 0,
    most: int = MOST,
    seconds: float | None = None,
    tell: Callable[[Reading], object] = lambda _: None,
) -> ProbeReport:
    """Time steps with the version's own batch, and find the largest batch that fits.

    The version's own batch is tried first, whole: if it fits, the search starts above it.

    Args:
        request: what would be trained.
        cache: folder of prepared data.
        progress: progress callback while data are prepared.
        reserved: bytes of the data that training will keep on a GPU; the probe's own data are small.
        most: upper limit of the batch size.
        seconds: time limit; batch sizes that would likely exceed it are not tried. ``None`` means no limit.
        tell: called with each reading.

    Raises:
        UserError: the device does not exist, or a step failed for a reason other than lack of memory.
    """
    began = time.perf_counter()
    device = choose_device(request.experiment.hardware.device)
    probe = open_probe(request, cache, progress, reserved=reserved)
    training = request.experiment.training
    effective = training.batch_size * training.accumulation_steps
    readings: list[Reading] = []
    last, out_of_time = 0.0, False

    def read(size: int, steps: int) -> Reading:
        nonlocal last
        start = time.perf_counter()
        readings.append(probe(size, steps))
        tell(readings[-1])
        last = time.perf_counter() - start
        return readings[-1]

    own = read(effective, TIMED_STEPS)

    def fits(size: int) -> bool:
        nonlocal out_of_time
        if size <= effective if own.fits else size >= effective:
            return own.fits
        if seconds is not None and time.perf_counter() - began + 2 * last > seconds:
            out_of_time = True
            return False
        return read(size, STEPS).fits

    largest = max(largest_batch(fits, most), effective if own.fits else 0)
    batch, steps = accumulation(effective, largest) if largest else (0, 0)
    timed = own if own.fits else read(batch, TIMED_STEPS) if batch else None
    return ProbeReport(
        version=request.experiment.name,
        device=device.type,
        device_name=device_name(device),
        torch=str(torch.__version__).partition("+")[0],
        memory_bytes=probe.memory,
        reserved_bytes=probe.reserved,
        largest=largest,
        is_bound=out_of_time or largest + GRANULE > most,
        batch_size=batch,
        accumulation_steps=steps,
        step_seconds=timed.seconds if timed is not None and timed.fits else None,
        seconds=time.perf_counter() - began,
        readings=tuple(readings),
    )
