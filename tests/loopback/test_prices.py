"""Fetching Modal's price list with the real client."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import UserError
from mabe_tui.launch.modal import client as modal_client
from mabe_tui.launch.modal.prices import GPU_RATES
from mabe_tui.launch.prices import fetched_path, packaged_prices, read_prices
from tests.loopback.account import RATES
from tests.loopback.conftest import Mabe
from tests.loopback.server import LoopbackServer

Refresh = Callable[[], str]


@pytest.fixture
def refresh(mabe: Mabe) -> Refresh:
    """Run ``mabe prices --refresh``; return what it printed."""
    return lambda: mabe("prices", "--refresh").stdout


def test_new_prices_are_kept_and_used(refresh: Refresh, mabe: Mabe) -> None:
    shown = refresh()
    assert "L4 0.7990 → 0.8000" in " ".join(shown.split())
    assert str(packaged_prices().as_of) in shown
    prices = read_prices()
    assert prices.as_of > packaged_prices().as_of
    assert prices.gpu_hour == {gpu: float(RATES[key]) for gpu, key in GPU_RATES.items()}
    assert prices.cpu_core_hour == 0.0473
    listed = json.loads(mabe("prices", "--json").stdout)
    assert listed["gpu_hour"]["H100"] == 3.95


@pytest.mark.parametrize(
    ("key", "price", "said"),
    [
        ("gpu_hour_cost_h100", None, "no price for H100"),
        ("cpu_hour_cost", None, "no cpu_hour_cost"),
        ("gpu_hour_cost_t4", "59", r"T4 at \$59 an hour, \$0.59 before, is not plausible"),
        ("gpu_hour_cost_t4", "0.0001", "T4 .* not plausible"),
        ("gpu_hour_cost_t4", "0", "T4 at 0.0 is no price"),
        ("gpu_hour_cost_t4", "NaN", "T4 at nan is no price"),
    ],
)
def test_a_list_that_cannot_be_right_changes_nothing(
    server: LoopbackServer, refresh: Refresh, key: str, price: str | None, said: str
) -> None:
    if price is None:
        del server.cloud.account.rates[key]
    else:
        server.cloud.account.rates[key] = price
    with pytest.raises(UserError, match=rf"{said}.*the prices of 2026-07-01 stay in use$"):
        refresh()
    assert not fetched_path().exists()
    assert read_prices() == packaged_prices()


def test_offline_the_table_stays(server: LoopbackServer, refresh: Refresh) -> None:
    refresh()
    kept = fetched_path().read_bytes()
    server.go_down()
    modal_client.forget_probe()
    with pytest.raises(UserError, match=r"cannot be reached .*; the prices of .* stay in use"):
        refresh()
    assert fetched_path().read_bytes() == kept


def test_a_damaged_table_is_named_and_replaced(refresh: Refresh) -> None:
    path: Path = fetched_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("as_of = 2026-")
    with pytest.raises(UserError, match=rf"{path}: cannot be read .* `mabe prices --refresh`"):
        read_prices()
    refresh()
    assert read_prices().gpu_hour["H100"] == 3.95
