"""The forecast of costs, for one run and for several."""

from pathlib import Path

import pytest

from core.config.registry import default_path, load
from core.run.limits import Limits
from core.run.request import RunRequest
from mabe_tui.runs.launching.forecast import Spending, spending
from mabe_tui.runs.launching.run_requests import new_request
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.recorded import record


def requests(count: int, budget: float | None = None) -> list[RunRequest]:
    """Ask for v6, whose documents claim 1.383 hours, at $10 an hour."""
    limits = Limits(cost_usd=budget, usd_per_hour=10.0)
    return [new_request(load(default_path()).experiment("v6"), "modal", limits=limits)] * count


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def spent(store: RunStore, count: int, budget: float | None = None) -> Spending:
    found = spending(store, requests(count, budget))
    assert found is not None
    return found


def test_one_run(store: RunStore) -> None:
    line = spent(store, 1, budget=20).line
    assert line.startswith("$10.00 an hour; about $13.83 for 1h 22m, as its documents claim")
    assert line.endswith("; limit: $20.00 over all attempts")


def test_of_many_the_sum_is_said_and_then_each(store: RunStore) -> None:
    line = spent(store, 4).line
    assert line.startswith("4 runs, about $55.32 in all: each $10.00 an hour; about $13.83 for")


def test_an_estimate_goes_by_the_same_gpu_or_names_the_other(
    store: RunStore, tmp_path: Path
) -> None:
    v6 = load(default_path()).experiment("v6")
    on_t4 = load(default_path()).experiment("v6", ["hardware.gpu=T4"])
    earlier = record(tmp_path, on_t4, launcher="modal")
    assert f"as {earlier.id} on T4 did" in spent(store, 1).line
    same = record(tmp_path, v6, launcher="modal")
    record(tmp_path, on_t4, launcher="modal")
    assert f"as {same.id} did" in spent(store, 1).line


@pytest.mark.parametrize(
    ("count", "budget", "said"),
    [
        (1, 13.82, "the estimate, $13.83, is above the budget of $13.82: it would stop there"),
        (1, 13.84, None),
        (
            4,
            55.0,
            "for all 4 runs, $55.32, is above the budget of $55.00, which is a limit of each",
        ),
        (4, 56.0, None),
        (4, None, None),
    ],
)
def test_the_budget_is_held_against_the_sum(
    store: RunStore, count: int, budget: float | None, said: str | None
) -> None:
    above = spent(store, count, budget).above_budget
    assert above is None if said is None else said in str(above)


def test_where_nobody_charges_nothing_is_said(store: RunStore) -> None:
    request = new_request(load(default_path()).experiment("v6"), "local")
    assert spending(store, [request]) is None
