"""Data kept between commands are found again: prepared data, view state, a user's own registry."""

import json
from pathlib import Path

from mabe_tui.runs.listing.view_state import ViewState
from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.screens.compare.view import CompareView
from mabe_tui.tui.screens.run.view import RunView
from tests.records.asking import ask
from tests.records.matching import differences
from tests.records.store import HOME_VIEWS, MODIFIED, NAMES, PLACE, STORE

IDS = json.loads(NAMES.read_text())
KEPT = json.loads((STORE / "state" / "views" / HOME_VIEWS).read_text())


def test_prepared_data_are_found_and_not_made_again(store: Path) -> None:
    cache = store / "home" / "cache"
    before = {path for path in cache.rglob("*") if path.is_file()}
    answer = ask(["data", "prepare", f"{PLACE}/data", "--version", "v7", "--json"], store)
    assert answer["exit_code"] == 0
    after = {
        path for path in cache.rglob("*") if path.is_file() and not path.name.endswith(".lock")
    }
    assert after == before
    assert {path.stat().st_mtime for path in after} == {MODIFIED}


def test_how_each_screen_was_looked_at_is_read(store: Path) -> None:
    state = ViewState(store / "home")
    for name, values in KEPT["screens"].items():
        assert differences(values, state.screen(name)) == [], name
    run = RunView.read(state, IDS["v7"])
    seen = KEPT["screens"]["run"]
    assert (run.axis, run.log_y, run.smooth) == (seen["axis"], seen["log_y"], seen["smooth"])
    assert (run.panel, run.lines) == (seen["panels"][IDS["v7"]], seen["lines"])
    compare, seen = CompareView.read(state), KEPT["screens"]["compare"]
    assert (compare.metric, compare.axis, compare.smooth, compare.cells) == (
        seen["metric"], seen["axis"], seen["smooth"], seen["cells"],
    )  # fmt: skip


async def test_the_dashboard_opens_as_it_was_left(store: Path) -> None:
    async with MabeApp(Session()).run_test(size=(140, 45)) as pilot:
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    kept = ViewState(store / "home").read()
    assert differences(KEPT["screens"], kept.screens) == []


def test_a_version_is_added_to_a_users_registry_and_the_rest_is_left(store: Path) -> None:
    registry = store / "experiments.toml"
    before = registry.read_text()
    settings = ["--set", "model.dropout=0.2", "--json"]
    answer = ask(["new", "v9", "--extends", "v8", *settings[:2]], store)
    assert answer["exit_code"] == 0
    after = registry.read_text()
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert added == [
        "[experiments.v9]",
        'extends = "v8"',
        "[experiments.v9.model]",
        "dropout = 0.2",
    ]
    assert "# What `mabe tune` may change" in after
