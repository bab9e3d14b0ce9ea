"""Replacement for ``core/training/probe.py`` in a stand-in container, which has no GPU and no time."""

import os
from pathlib import Path

from core.run.request import RunRequest
from core.system.progress import Progress
from core.training.probe_report import ProbeReport, Reading

FITS = {"T4": 64, "H100": 512}
STEP_SECONDS = {"T4": 0.4, "H100": 0.05}


def probe_machine(
    request: RunRequest, _cache: Path, _progress: Progress, *, reserved: int, seconds: float
) -> ProbeReport:
    """Report made-up figures of the GPU that the container was asked for with.

    Raises:
        RuntimeError: it is none of :data:`FITS`.
    """
    name = os.environ["FAKE_DEVICE_NAME"].removeprefix("NVIDIA ")
    if name not in FITS:
        raise RuntimeError(f"CUDA driver says no\nto {name}")
    assert seconds > 0
    assert request.experiment.hardware.device == "cuda"
    training, largest = request.experiment.training, FITS[name]
    batch = min(training.batch_size, largest)
    return ProbeReport(
        version=request.experiment.name,
        device="cuda",
        device_name=f"NVIDIA {name}",
        torch=os.environ["FAKE_TORCH"],
        memory_bytes=2**34 - reserved,
        reserved_bytes=reserved,
        largest=largest,
        is_bound=False,
        batch_size=batch,
        accumulation_steps=training.batch_size // batch,
        step_seconds=STEP_SECONDS[name],
        seconds=20.0,
        readings=(Reading(size=8, fits=True),),
    )
