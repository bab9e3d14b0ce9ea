"""What a rented machine costs."""

import pytest

from core.errors import ConfigError
from core.experiment import HardwareConfig
from core.gpus import GPUS
from mabe_tui.launch.prices import read_prices, usd_per_hour


def test_every_gpu_has_a_price() -> None:
    assert set(read_prices().gpu_hour) == set(GPUS)


def test_gpu_cores_and_memory_are_added_up() -> None:
    hardware = HardwareConfig(gpu="H100:2", memory_mib=65_536, loader_workers=2)
    assert usd_per_hour(hardware) == pytest.approx(2 * 3.949 + 4 * 0.0472 + 64 * 0.0080)
    assert usd_per_hour(HardwareConfig(memory_mib=1024)) == pytest.approx(2 * 0.0472 + 0.0080)


def test_what_modal_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="choose one of T4"):
        usd_per_hour(HardwareConfig(gpu="H900"))
