"""Results of trying batch sizes on a machine; readable without torch."""

import msgspec


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Measurement of one batch size."""

    size: int
    fits: bool
    peak_bytes: int | None = None
    seconds: float | None = None
    """Median over the steps after the first."""
    problem: str | None = None


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """Capacity of one machine for one version."""

    version: str
    device: str
    device_name: str
    torch: str
    memory_bytes: int
    """Bytes that a step may use."""
    reserved_bytes: int = 0
    """Bytes left free for the data, which training keeps in a GPU's memory."""
    largest: int
    """Samples that fit at once; 0 if not even 8 fit."""
    is_bound: bool
    """Whether more may fit than were tried."""
    batch_size: int
    """The largest part of the version's effective batch that fits."""
    accumulation_steps: int
    step_seconds: float | None
    """Median over steps with ``batch_size`` samples, including the optimiser."""
    seconds: float
    """Duration of the probe."""
    readings: tuple[Reading, ...]
