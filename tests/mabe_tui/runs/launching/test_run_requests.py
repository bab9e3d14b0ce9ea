"""Creating run requests from launch options."""

from pathlib import Path

import msgspec
import pytest

from core.config import registry
from core.errors import ConfigError, DataError
from core.run.limits import Limits
from mabe_tui.runs.launching.forecast import above_budget, described, dry_run, limits_line, spending
from mabe_tui.runs.launching.run_requests import (
    LaunchOptions,
    check_data,
    parse_seeds,
    requests_for,
)
from mabe_tui.runs.store import RunStore
from tests.recorded import Recording, write

REGISTRY = registry.load(registry.default_path())


def test_a_run_a_seed() -> None:
    options = LaunchOptions(
        version="v1", seeds=(3, 1), overrides=("training.epochs=2",), preset="demo"
    )
    requests = requests_for(REGISTRY, options)
    assert [(r.seed, r.experiment.training.seed) for r in requests] == [(3, 3), (1, 1)]
    assert {(r.launcher, r.preset, r.overrides) for r in requests} == {
        ("local", "demo", ("training.epochs=2",))
    }
    (as_registered,) = requests_for(REGISTRY, LaunchOptions(version="v1"))
    assert as_registered.seed == REGISTRY.experiment("v1").training.seed


def test_a_data_folder_makes_a_version_learn_from_it(tmp_path: Path) -> None:
    (request,) = requests_for(REGISTRY, LaunchOptions(version="v1", data=tmp_path))
    assert request.experiment.data.source == "competition"
    assert request.data == str(tmp_path)


def test_a_version_without_its_data_is_refused() -> None:
    overrides = ("training.epochs=5",)
    options = LaunchOptions(version="v6", launcher="local", preset="demo", overrides=overrides)
    (request,) = requests_for(REGISTRY, options)
    again = r"`mabe run v6 --data DIR --preset demo --set training\.epochs=5`"
    with pytest.raises(ConfigError, match=again):
        check_data(request)


def test_validation_videos_that_the_run_will_not_make_are_refused() -> None:
    options = LaunchOptions(version="v1", overrides=('data.validation_videos=["x"]',))
    (request,) = requests_for(REGISTRY, options)
    with pytest.raises(DataError, match="no labelled video x"):
        check_data(request)


@pytest.mark.parametrize("text", ["1,x", "", "1,,2", "-1"])
def test_seeds_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match=r"seeds .*write whole numbers from 0"):
        parse_seeds(text, "seeds")


def test_what_a_run_may_cost_goes_by_an_earlier_one(tmp_path: Path) -> None:
    earlier = write(tmp_path, Recording(version="v1", name="aa11", epochs=6))
    store = RunStore(tmp_path)
    (request,) = requests_for(
        REGISTRY, LaunchOptions(version="v1", overrides=("training.epochs=72",))
    )
    assert spending(store, [request]) is None
    limits = Limits(usd_per_hour=4.0, cost_usd=3.0)
    rented = msgspec.structs.replace(request, limits=limits)
    foreseen = dry_run(REGISTRY, store, rented, "data")
    assert foreseen.cost_usd == pytest.approx((4 + 72 * 50) / 3600 * 4)  # 4 s to start
    assert foreseen.estimate is not None
    assert foreseen.estimate.from_run == earlier.id
    assert [each.key for each in foreseen.changed] == ["training.epochs"]
    assert "about $4.00 for 1h 00m" in described(foreseen)["cost"]
    spent = spending(store, [rented, rented])
    assert spent is not None
    assert "2 runs, about $8.01 in all: each $4.00 an hour" in spent.line
    assert spent.above_budget == above_budget(rented, foreseen.cost_usd, runs=2)
    alone = above_budget(rented, foreseen.cost_usd)
    assert alone is not None
    assert alone.startswith("the estimate, $4.00, is above the budget of $3.00")
    assert above_budget(rented, 3.0) is None


def test_limits_are_spelled() -> None:
    assert limits_line(Limits()) == "–"
    both = Limits(cost_usd=12.5, seconds=5400, attempt_seconds=60)
    assert (
        limits_line(both) == "$12.50 over all attempts, 1h 30m over all attempts, 1m 00s an attempt"
    )
