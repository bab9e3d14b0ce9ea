"""Costs of rented machines."""

import pytest

from core.config.experiment import HardwareConfig
from core.config.gpus import GPUS
from core.errors import ConfigError
from core.run.limits import Limits
from mabe_tui.launch.prices import rate_of, read_prices


def test_every_gpu_has_a_price() -> None:
    assert set(read_prices().gpu_hour) == set(GPUS)


def test_gpu_cores_and_memory_are_added_up() -> None:
    hardware = HardwareConfig(gpu="H100:2", memory_mib=65_536, loader_workers=2)
    assert rate_of(hardware).highest == pytest.approx(2 * 3.949 + 4 * 0.0472 + 64 * 0.0080)
    alone = HardwareConfig(memory_mib=1024)
    assert rate_of(alone).highest == pytest.approx(2 * 0.0472 + 0.0080)
    there = HardwareConfig(memory_mib=1024, region=("us", "eu-west"))
    assert rate_of(there).highest == pytest.approx(1.75 * (2 * 0.0472 + 0.0080))


def test_of_several_gpus_the_most_expensive_counts_until_one_is_known() -> None:
    rate = rate_of(HardwareConfig(gpu=("H100!", "A100-80GB")))
    rest = 2 * 0.0472 + 4 * 0.0080
    assert rate.by_gpu == pytest.approx({"H100!": 3.949 + rest, "A100-80GB": 2.498 + rest})
    limits = rate.limits(Limits(cost_usd=5))
    assert (limits.cost_usd, limits.usd_per_hour) == (5, rate.by_gpu["H100!"])
    assert limits.least_usd_per_hour == rate.by_gpu["A100-80GB"]


def test_a_gpu_without_a_price_is_said_not_guessed() -> None:
    rate = rate_of(HardwareConfig(gpu=("B400", "H100")))
    assert (rate.highest, rate.unpriced) == (None, ("B400",))
    limits = rate.limits(Limits())
    assert limits.is_rented
    assert (limits.price_on("NVIDIA B400"), limits.price_on(None)) == (None, None)
    assert limits.price_on("NVIDIA H100 80GB HBM3") == rate.by_gpu["H100"]
    assert (
        rate_of(HardwareConfig(gpu="A100")).highest
        == rate_of(HardwareConfig(gpu="A100-40GB")).highest
    )
    with pytest.raises(ConfigError, match="'h100' is spelled 'H100'"):
        rate_of(HardwareConfig(gpu="h100"))
