"""Profile a few training steps with torch's profiler, and summarise the result."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import torch
from torch.profiler import ProfilerActivity, profile

HOST_CALLS = frozenset(
    {
        "aten::_local_scalar_dense",
        "aten::_to_copy",
        "aten::item",
        "cudaDeviceSynchronize",
        "cudaEventSynchronize",
        "cudaLaunchKernel",
        "cudaLaunchKernelExC",
        "cudaMemcpyAsync",
        "cudaMemsetAsync",
        "cudaStreamSynchronize",
        "cuLaunchKernel",
        "cuLaunchKernelEx",
    }
)
"""Where the host waits for the device, copies to it, reads from it, or hands it work."""
TOP = 14


class Line(msgspec.Struct, frozen=True):
    """One kernel or call, by the step."""

    name: str
    calls: float
    ms: float


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a step is made of."""

    of: str
    device_ms: float | None
    """Of all kernels and copies on the GPU; none where there is no GPU."""
    kernels: list[Line]
    """The longest, of the GPU or, without one, of the CPU's operations."""
    host: list[Line]
    """Of :data:`HOST_CALLS`; the time is the host's."""


def profiled(step: Callable[[], None], steps: int, device: torch.device, of: str) -> Profile:
    """Profile some steps that have been warmed up."""
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as recorded:
        for _ in range(steps):
            step()
        if on_gpu:
            torch.cuda.synchronize(device)
    events = [event for event in recorded.key_averages() if not event.is_user_annotation]
    kind = "CUDA" if on_gpu else "CPU"
    kernels = _lines((event for event in events if event.device_type.name == kind), steps, on_gpu)
    calls = (e for e in events if e.device_type.name == "CPU" and e.key in HOST_CALLS)
    return Profile(
        of=of,
        device_ms=sum(line.ms for line in kernels) if on_gpu else None,
        kernels=kernels[:TOP],
        host=_lines(calls, steps, on_gpu=False),
    )


def _lines(events: Iterable[Any], steps: int, on_gpu: bool) -> list[Line]:
    """Return them by the step, the longest first."""
    lines = [
        Line(
            event.key,
            event.count / steps,
            (event.self_device_time_total if on_gpu else event.self_cpu_time_total) / 1000 / steps,
        )
        for event in events
    ]
    return sorted(lines, key=lambda line: -line.ms)


def as_text(found: Profile, step_ms: float) -> str:
    """Lay a profile out; ``step_ms`` is what a step takes when nobody watches."""
    lines = [f"profile of {found.of}, by the step:"]
    if found.device_ms is not None:
        busy = found.device_ms / step_ms
        lines.append(f"  the GPU works {found.device_ms:.2f} of {step_ms:.2f} ms ({busy:.0%})")
    for title, rows in (("longest", found.kernels), ("host waits and calls", found.host)):
        lines.append(f"  {title}:")
        lines += [f"    {row.ms:9.3f} ms {row.calls:7.1f} ×  {row.name[:90]}" for row in rows]
    return "\n".join(lines)
