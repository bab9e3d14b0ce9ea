"""The checkpoints screen, driven by keys over a recorded run and a trained one."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static
from textual.worker import WorkerCancelled

from core.config import registry
from core.run.rundir import RunDir
from mabe_tui.tui.screens.checkpoints.screen import CheckpointsScreen
from mabe_tui.tui.screens.compare.screen import CompareScreen
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.widgets.side_table import SideTable
from mabe_tui.tui.widgets.table import RowTable
from tests.mabe_tui.tiny_run import synthetic_folder, train
from tests.mabe_tui.tui.conftest import LARGE, SMALL
from tests.mabe_tui.tui.run_screen import workers_done

RUN = "v6-20261120T130000-cc42"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A run with a checkpoint an epoch, and ``mice`` beside its home."""
    place = tmp_path_factory.mktemp("trained")
    return train(place / "home", synthetic_folder(place / "mice"))


@pytest.fixture
def over_trained(trained: RunDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDir:
    """The same, where the app finds it, with nothing marked and nothing remembered."""
    monkeypatch.setenv("MABE_HOME", str(trained.path.parents[1]))
    monkeypatch.setenv("MABE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("MABE_REGISTRY", str(registry.default_path()))
    (trained.checkpoints / "marked.json").unlink(missing_ok=True)
    return trained


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until what was asked in threads, also by what came of it, is shown."""
    for _ in range(3):
        with suppress(WorkerCancelled):  # a newer one took its place
            await workers_done(pilot)
        await pilot.pause()


async def opened(pilot: Pilot[Any], run: str) -> CheckpointsScreen:
    await settle(pilot)
    screen = CheckpointsScreen(run)
    await pilot.app.push_screen(screen)
    await settle(pilot)
    return screen


def column(screen: CheckpointsScreen, key: str) -> list[str]:
    table = screen.query_one("#list", RowTable)
    number = [c.key for c in table.columns].index(key)
    return [row.cells[number] for row in table.rows]


def measured(screen: CheckpointsScreen) -> dict[str, tuple[str, ...]]:
    table = screen.query_one("#measured", SideTable)
    return {row.cells[0]: row.cells[1:] for row in table.rows}


def told(pilot: Pilot[Any]) -> list[str]:
    return [notice.message for notice in pilot.app._notifications]


async def test_each_checkpoint_with_epoch_metric_size_and_pointers(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, RUN)
        assert column(screen, "names") == ["last", "best"]
        assert column(screen, "epoch") == ["30", "29"]
        assert column(screen, "metric") == ["0.8217", "0.8222"]
        assert column(screen, "bytes") == ["46 B", "46 B"]
        assert column(screen, "state") == ["here, not verified"] * 2


async def test_metrics_below_are_those_of_the_selected_checkpoints_epoch(make_app) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, RUN)
        assert measured(screen)["f1_macro"] == ("0.8217",)
        await pilot.press("down")
        assert measured(screen)["f1_macro"] == ("0.8222",)
        assert measured(screen)["support/social"] == ("4080",)
        assert str(screen.query_one("#measured-pane").border_title) == "best, epoch 29"


async def test_verify_finds_damage_of_the_same_size(make_app, recorded: Path) -> None:
    run = RunDir(recorded / "runs" / RUN)
    best = run.read_pointer("best")
    assert best is not None
    (run.checkpoints / best.file).write_bytes(b"x" * best.bytes)
    async with make_app().run_test(size=LARGE, notifications=True) as pilot:
        screen = await opened(pilot, RUN)
        await pilot.press("v")
        await settle(pilot)
        last_state, best_state = column(screen, "state")
        assert last_state == "whole, sha256 checked"
        assert best_state == "its sha256 is not the one its pointer names"
        assert told(pilot) == [f"1 of 2 whole; {best.file}: {best_state}"]
        # read again, a damage that only reading whole can find is not forgotten
        screen.on_run_changed()
        await settle(pilot)
        assert column(screen, "state") == [last_state, best_state]


async def test_marking_keeps_a_checkpoint_and_again_lets_it_go(make_app, recorded: Path) -> None:
    run = RunDir(recorded / "runs" / RUN)
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, RUN)
        await pilot.press("m")
        await settle(pilot)
        assert column(screen, "names") == ["last marked", "best"]
        assert run.read_pointer("marked") == run.read_pointer("last")
        await pilot.press("m")
        await settle(pilot)
        assert column(screen, "names") == ["last", "best"]


async def test_readonly_marks_and_fetches_nothing(make_app, recorded: Path) -> None:
    async with make_app(readonly=True).run_test(size=LARGE) as pilot:
        screen = await opened(pilot, RUN)
        await pilot.press("m", "p")
        await settle(pilot)
        assert pilot.app.screen is screen
        assert column(screen, "names") == ["last", "best"]


async def test_fetching_offers_the_selected_checkpoint(make_app) -> None:
    async with make_app().run_test(size=LARGE, notifications=True) as pilot:
        screen = await opened(pilot, RUN)
        await pilot.press("down", "p")
        assert isinstance(pilot.app.screen, EntryScreen)
        await pilot.press("enter")
        await settle(pilot)
        assert pilot.app.screen is screen
        assert "step-0000232.pt in" in told(pilot)[0]


async def test_a_run_without_checkpoints_says_so(make_app, recorded: Path) -> None:
    for pointer in (recorded / "runs" / RUN / "checkpoints").glob("*.json"):
        pointer.unlink()
    async with make_app().run_test(size=SMALL) as pilot:
        screen = await opened(pilot, RUN)
        await pilot.press("m", "e", "space", "c")
        assert screen.query_one("#list", RowTable).rows == ()
        assert pilot.app.screen is screen


async def test_two_marked_checkpoints_are_compared_measured_anew(
    make_app, over_trained: RunDir
) -> None:
    async with make_app().run_test(size=LARGE) as pilot:
        await opened(pilot, over_trained.id)
        await pilot.press("space", "space", "c")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, CompareScreen)
        names = [f"{over_trained.id}@epoch-000{epoch}" for epoch in (3, 2)]
        assert screen.names == (*names,)
        letters = over_trained.id[-4:]
        sentence = str(screen.query_one("#sentence", Static).render())
        assert sentence.startswith(f"v6-{letters}@epoch-0002 − v6-{letters}@epoch-0003 = ")


async def test_a_checkpoint_is_measured_on_other_data_and_that_is_remembered(
    make_app, over_trained: RunDir
) -> None:
    mice = over_trained.path.parents[2] / "mice"
    async with make_app().run_test(size=LARGE, notifications=True) as pilot:
        screen = await opened(pilot, over_trained.id)
        assert len(measured(screen)["f1_macro"]) == 1
        await pilot.press("e")
        assert isinstance(pilot.app.screen, EntryScreen)
        await pilot.press(*str(mice), "enter")
        await settle(pilot)
        own, other = measured(screen)["f1_macro"]
        assert 0 < float(other) < 1
        assert own == column(screen, "metric")[0]
        assert measured(screen)["of these trained on"] == ("–", "2")
        assert f"@epoch-0003: f1_macro {other} on {mice}" in told(pilot)[-1]
    async with make_app().run_test(size=LARGE) as pilot:
        screen = await opened(pilot, over_trained.id)
        assert measured(screen)["f1_macro"] == (own, other)
        await pilot.press("down")
        assert len(measured(screen)["f1_macro"]) == 1


async def test_a_folder_without_data_is_a_notice(make_app, over_trained: RunDir) -> None:
    async with make_app().run_test(size=LARGE, notifications=True) as pilot:
        await opened(pilot, over_trained.id)
        await pilot.press("e", *"/nowhere", "enter")
        await settle(pilot)
        assert "/nowhere" in told(pilot)[0]


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x45"])
def test_how_it_looks(snap_compare, make_app, size) -> None:
    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(pilot, RUN)
        await pilot.press("v")
        await settle(pilot)
        await pilot.press("m")
        await settle(pilot)
        await pilot.press("space")
        await settle(pilot)
        pilot.app.clear_notifications()
        await pilot.pause()

    assert snap_compare(make_app(), terminal_size=size, run_before=prepare)
