"""What trying batch sizes on a machine gives; readable without torch."""

import msgspec


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one batch size took."""

    size: int
    fits: bool
    peak_bytes: int | None = None
    seconds: float | None = None
    """Median over the steps after the first."""
    problem: str | None = None


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one machine can do for one version."""

    version: str
    device: str
    device_name: str
    torch: str
    memory_bytes: int
    """That a step may take."""
    reserved_bytes: int = 0
    """Left free for the data, which training keeps in a GPU's memory."""
    largest: int
    """Samples that fit at once; 0: not even 8 do."""
    is_bound: bool
    """Whether more may fit than were tried."""
    batch_size: int
    """The largest part of the version's effective batch that fits."""
    accumulation_steps: int
    step_seconds: float | None
    """Median over steps with ``batch_size`` samples, the optimiser's part included."""
    seconds: float
    """That the probe took."""
    readings: tuple[Reading, ...]
