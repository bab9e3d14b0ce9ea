"""Hourly price of a rented machine, from the packaged price table or a newer one that was fetched."""

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
"""Used if a version does not say how much memory it needs."""
PLAUSIBLE_FACTOR = 5.0
"""Prices that differ from the last known ones by more than this factor are rejected as a mistake."""
BROAD_FACTOR, NARROW_FACTOR = 1.5, 1.75
"""Factors by which choosing a region multiplies all prices."""


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices in USD per hour, and the date on which they applied."""

    as_of: dt.date
    cpu_core_hour: float
    memory_gib_hour: float
    gpu_hour: dict[str, float]


def read_prices() -> Prices:
    """Read the last fetched table, or the packaged one if that is newer.

    Raises:
        ConfigError: the fetched table cannot be read; names the file.
    """
    packaged = packaged_prices()
    fetched = _read_fetched(fetched_path())
    return fetched if fetched is not None and fetched.as_of >= packaged.as_of else packaged


def packaged_prices() -> Prices:
    """Read the table packaged with this program."""
    table = files("mabe_tui.launch").joinpath(FILE).read_bytes()
    return msgspec.toml.decode(table, type=Prices)


def fetched_path() -> Path:
    """Return the path of the table that ``mabe prices --refresh`` writes; it need not exist."""
    return places.state() / FILE


def keep_prices(prices: Prices) -> Path:
    """Save a fetched table for later commands; return its path. The packaged table is left unchanged.

    If another process has saved a table with a later date meanwhile, that one is kept.

    Raises:
        UserError: the file cannot be written.
    """
    path = fetched_path()
    with locked(path):
        try:
            kept = _read_fetched(path)
        except ConfigError:  # an unreadable table is simply replaced
            kept = None
        if kept is None or kept.as_of <= prices.as_of:
            table = msgspec.to_builtins(prices, builtin_types=(dt.date,))
            write_bytes_atomically(path, tomli_w.dumps(table).encode())
    return path


def implausible(prices: Prices, known: Prices) -> str | None:
    """Return what is implausible about a fetched table; ``None`` if nothing is.

    Args:
        prices: the fetched table.
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
    """Return (name, old, new) for everything priced in either table; ``None`` marks a missing price."""
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
    """Return how many processor cores a run gets: one trains, one reports, the others prepare batches."""
    return 2 + hardware.loader_workers


def memory_mib(hardware: HardwareConfig) -> int:
    """Return how much memory a run gets, in MiB."""
    return hardware.memory_mib or DEFAULT_MEMORY_MIB


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Hourly price of a machine, for each GPU that it may get."""

    by_gpu: dict[str, float | None]
    """Price for each GPU as it was requested, with key "" for no GPU; ``None`` if the price is unknown."""

    @property
    def highest(self) -> float | None:
        """Price with the most expensive GPU; ``None`` if any price is unknown."""
        known = [price for price in self.by_gpu.values() if price is not None]
        return max(known) if len(known) == len(self.by_gpu) else None

    @property
    def unpriced(self) -> tuple[str, ...]:
        """GPUs without a known price."""
        return tuple(gpu for gpu, price in self.by_gpu.items() if price is None)

    def limits(self, limits: Limits) -> Limits:
        """Return the limits with these prices added, so that the job can enforce a budget."""
        several = len(self.by_gpu) > 1
        known = {gpu: price for gpu, price in self.by_gpu.items() if price is not None}
        return msgspec.structs.replace(
            limits,
            usd_per_hour=self.highest,
            gpu_usd_per_hour=known if several else {},
            unpriced=self.unpriced,
        )


def rate_of(hardware: HardwareConfig, prices: Prices | None = None) -> Rate:
    """Return the hourly price of a version's machine: GPUs, cores and memory, times the region's factor.

    Raises:
        ConfigError: there is no such GPU; names the existing ones.
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
    """Return the factor by which Modal multiplies prices for a chosen region; the highest of several.

    According to https://modal.com/docs/guide/region-selection in 2026: 1.5 for a broad region (``us``), 1.75
    for a narrow one (``us-west``).
    """
    regions = (region,) if isinstance(region, str) else region or ()
    return max((NARROW_FACTOR if "-" in each else BROAD_FACTOR for each in regions), default=1.0)
