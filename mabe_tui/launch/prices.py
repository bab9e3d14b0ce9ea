"""What a rented machine costs an hour: the table of this package, or a newer one that was fetched."""

import datetime as dt
import math
from importlib.resources import files
from pathlib import Path

import msgspec
import tomli_w

from core.config.experiment import HardwareConfig
from core.config.gpus import GPUS, choices_of, gpu_problem, priced_name, split_gpu
from core.config.toml_text import read_toml
from core.errors import ConfigError
from core.run import places
from core.run.limits import Limits
from core.system.files import write_bytes_atomically
from core.system.lock import locked

FILE = "prices.toml"
GIB = 1024
"""MiB in a GiB."""
DEFAULT_MEMORY_MIB = 4096
"""Where a version does not say how much it needs."""
PLAUSIBLE_FACTOR = 5.0
"""A price that is so many times higher or lower than the last known one is taken for a mistake."""
BROAD_FACTOR, NARROW_FACTOR = 1.5, 1.75
"""What a chosen region multiplies all prices by."""


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars an hour, and the day on which they were those."""

    as_of: dt.date
    cpu_core_hour: float
    memory_gib_hour: float
    gpu_hour: dict[str, float]


def read_prices() -> Prices:
    """Read the table that was fetched last, or the one of this package where that is newer.

    Raises:
        ConfigError: the fetched table cannot be read; names the file.
    """
    packaged = packaged_prices()
    fetched = _read_fetched(fetched_path())
    return fetched if fetched is not None and fetched.as_of >= packaged.as_of else packaged


def packaged_prices() -> Prices:
    """Read the table that comes with this package."""
    table = files("mabe_tui.launch").joinpath(FILE).read_bytes()
    return msgspec.toml.decode(table, type=Prices)


def fetched_path() -> Path:
    """Name the file of the table that ``mabe prices --refresh`` fetched; it need not exist."""
    return places.state() / FILE


def keep_prices(prices: Prices) -> Path:
    """Write a fetched table for later commands; return its file. The package's own stays as it is.

    A table of a later day, which another process wrote meanwhile, stays.

    Raises:
        UserError: it cannot be written.
    """
    path = fetched_path()
    with locked(path):
        try:
            kept = _read_fetched(path)
        except ConfigError:  # a damaged table is what this one replaces
            kept = None
        if kept is None or kept.as_of <= prices.as_of:
            table = msgspec.to_builtins(prices, builtin_types=(dt.date,))
            write_bytes_atomically(path, tomli_w.dumps(table).encode())
    return path


def implausible(prices: Prices, known: Prices) -> str | None:
    """Say what is wrong with a fetched table, or ``None``.

    Args:
        prices: what was fetched.
        known: the table in use so far.
    """
    missing = [name for name in GPUS if name not in prices.gpu_hour]
    if missing:
        return f"it has no price for {', '.join(missing)}"
    before = _flat(known)
    for name, price in _flat(prices).items():
        if not (math.isfinite(price) and price > 0):
            return f"{name} at {price} is no price"
        factor = price / before.get(name, price)
        if not 1 / PLAUSIBLE_FACTOR <= factor <= PLAUSIBLE_FACTOR:
            return f"{name} at ${price:.4g} an hour, ${before[name]:.4g} before, is not plausible"
    return None


def price_changes(old: Prices, new: Prices) -> list[tuple[str, float | None, float | None]]:
    """Give (what, old, new) of all that has a price in either table; ``None``: it has none."""
    before, after = _flat(old), _flat(new)
    return [(name, before.get(name), after.get(name)) for name in before | after]


def _flat(prices: Prices) -> dict[str, float]:
    return prices.gpu_hour | {
        "a core": prices.cpu_core_hour,
        "a GiB": prices.memory_gib_hour,
    }


def _read_fetched(path: Path) -> Prices | None:
    try:
        return msgspec.convert(read_toml(path)[1], type=Prices)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors, and so is TomlError
        raise ConfigError(
            f"{path}: cannot be read ({error}); remove it, or `mabe prices --refresh` replaces it"
        ) from error


def cores(hardware: HardwareConfig) -> int:
    """Say how many processor cores a run is given: one trains, one talks, others prepare batches."""
    return 2 + hardware.loader_workers


def memory_mib(hardware: HardwareConfig) -> int:
    """Say how much memory a run is given."""
    return hardware.memory_mib or DEFAULT_MEMORY_MIB


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine costs an hour, whichever of its GPUs it gets."""

    by_gpu: dict[str, float | None]
    """By the GPU as it was asked for, "" for none; ``None``: no price is known for it."""

    @property
    def highest(self) -> float | None:
        """With the most expensive GPU; ``None`` where a price is not known."""
        known = [price for price in self.by_gpu.values() if price is not None]
        return max(known) if len(known) == len(self.by_gpu) else None

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The GPUs without a known price."""
        return tuple(gpu for gpu, price in self.by_gpu.items() if price is None)

    def limits(self, limits: Limits) -> Limits:
        """Return limits with these prices, for the job to keep a budget by."""
        several = len(self.by_gpu) > 1
        known = {gpu: price for gpu, price in self.by_gpu.items() if price is not None}
        return msgspec.structs.replace(
            limits,
            usd_per_hour=self.highest,
            gpu_usd_per_hour=known if several else {},
            unpriced=self.unpriced,
        )


def rate_of(hardware: HardwareConfig, prices: Prices | None = None) -> Rate:
    """Add up what the machine of a version costs an hour: GPUs, cores and memory, times the region's factor.

    Raises:
        ConfigError: there is no such GPU; names those there are.
    """
    prices = prices or read_prices()
    if (problem := gpu_problem(hardware.gpu)) is not None:
        raise ConfigError(f"hardware.gpu: {problem}")
    rest = cores(hardware) * prices.cpu_core_hour
    rest += memory_mib(hardware) / GIB * prices.memory_gib_hour
    factor = region_factor(hardware.region)
    found: dict[str, float | None] = {}
    for gpu in choices_of(hardware.gpu):
        price = prices.gpu_hour.get(priced_name(gpu))
        count = split_gpu(gpu)[1]
        found[gpu] = None if price is None else round(factor * (rest + count * price), 4)
    return Rate(by_gpu=found or {"": round(factor * rest, 4)})


def region_factor(region: str | tuple[str, ...] | None) -> float:
    """Return what Modal multiplies its prices by for a chosen region; the highest of several.

    As https://modal.com/docs/guide/region-selection had it in 2026: 1.5 for a broad region (``us``), 1.75
    for a narrow one (``us-west``).
    """
    regions = (region,) if isinstance(region, str) else region or ()
    return max((NARROW_FACTOR if "-" in each else BROAD_FACTOR for each in regions), default=1.0)
