"""What a rented machine costs an hour."""

import datetime as dt
from importlib.resources import files

import msgspec

from core.errors import ConfigError
from core.experiment import HardwareConfig, gpu_problem, split_gpu

FILE = "prices.toml"
GIB = 1024
"""MiB in a GiB."""
DEFAULT_MEMORY_MIB = 4096
"""Where a version does not say how much it needs."""


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars an hour, and the day on which they were those."""

    as_of: dt.date
    cpu_core_hour: float
    memory_gib_hour: float
    gpu_hour: dict[str, float]


def read_prices() -> Prices:
    """Read the table that comes with this package."""
    table = files("mabe_tui.launch").joinpath(FILE).read_bytes()
    return msgspec.toml.decode(table, type=Prices)


def cores(hardware: HardwareConfig) -> int:
    """Say how many processor cores a run is given: one trains, one talks, others prepare batches."""
    return 2 + hardware.loader_workers


def memory_mib(hardware: HardwareConfig) -> int:
    """Say how much memory a run is given."""
    return hardware.memory_mib or DEFAULT_MEMORY_MIB


def usd_per_hour(hardware: HardwareConfig, prices: Prices | None = None) -> float:
    """Add up what the machine of a version costs an hour: GPUs, cores and memory.

    Raises:
        ConfigError: there is no such GPU, or no price for it; names those there are.
    """
    prices = prices or read_prices()
    total = cores(hardware) * prices.cpu_core_hour
    total += memory_mib(hardware) / GIB * prices.memory_gib_hour
    if hardware.gpu is not None:
        if (problem := gpu_problem(hardware.gpu)) is not None:
            raise ConfigError(f"hardware.gpu: {problem}")
        name, count = split_gpu(hardware.gpu)
        if name not in prices.gpu_hour:
            raise ConfigError(
                f"hardware.gpu: no price is known for {name!r}; {', '.join(prices.gpu_hour)} have one"
            )
        total += count * prices.gpu_hour[name]
    return round(total, 4)
