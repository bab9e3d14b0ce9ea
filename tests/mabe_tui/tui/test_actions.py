"""Stopping, resuming, fetching, tagging, annotating and removing a run from its screens."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.pilot import Pilot
from textual.widgets import Input, Static

from core.run.limits import Limits
from core.run.rundir import RunDir
from mabe_tui.launch import local_launcher
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.tui.actions import ACTING, RunActions
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.keys import bindings
from mabe_tui.tui.messages import Progressed, RunChanged
from mabe_tui.tui.screens.dialogs.confirm import ConfirmScreen
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.widgets.activity import Activity
from tests.mabe_tui.tui.conftest import SMALL
from tests.mabe_tui.tui.run_screen import workers_done
from tests.waiting import LONG, wait_for

FINISHED, STOPPED = "v6-20261120T130000-cc42", "v4-20261120T090000-aa4k"


class OneRun(RunActions):
    """A screen that is about one run, and nothing else."""

    PLACES: ClassVar[tuple[str, ...]] = (ACTING, "screen")
    BINDINGS: ClassVar[list[BindingType]] = bindings(*PLACES)

    def __init__(self, run: str | None) -> None:
        super().__init__()
        self.run, self.changed = run, list[str]()

    def body(self) -> ComposeResult:
        yield Static("a run")

    @property
    def selected_run(self) -> str | None:
        return self.run

    def on_run_changed(self, message: RunChanged) -> None:
        self.changed.append(message.run)


@asynccontextmanager
async def opened(app: MabeApp, run: str | None) -> AsyncIterator[tuple[Pilot[Any], OneRun]]:
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        screen = OneRun(run)
        await app.push_screen(screen)
        yield pilot, screen


async def settled(pilot: Pilot[Any]) -> None:
    await workers_done(pilot)
    await pilot.pause()


def told(app: MabeApp) -> str:
    return "\n".join(notice.message for notice in app._notifications)


def dialog_text(app: MabeApp) -> str:
    assert isinstance(app.screen, ConfirmScreen)
    return str(app.screen.query_one(Static).render())


@pytest.fixture
def run(
    recorded: Path, launcher: LocalLauncher, make_run: Callable[..., RunDir],
    monkeypatch: pytest.MonkeyPatch,
) -> RunDir:  # fmt: skip
    """A run that is under way until it is told to stop."""
    monkeypatch.setattr(local_launcher, "JOB_COMMAND", launcher._command)
    run = make_run(epochs=1, then="wait")
    launcher.launch(run)
    wait_for(lambda: launcher.state(run) is RunState.RUNNING)
    return run


async def test_stop_asks_and_no_is_the_default(
    make_app, run: RunDir, launcher: LocalLauncher
) -> None:
    async with opened(make_app(), run.id) as (pilot, _):
        for answer in ("n", "escape", "enter"):
            await pilot.press("S")
            await settled(pilot)
            assert isinstance(pilot.app.screen, ConfirmScreen)
            assert f"stop v1-{run.id[-4:]}?" in str(
                pilot.app.screen.query_one(".dialog").border_title
            )
            await pilot.press(answer)
            await settled(pilot)
        assert launcher.state(run) is RunState.RUNNING
        await pilot.press("S")
        await settled(pilot)
        await pilot.press("y")
        await settled(pilot)
        assert launcher.state(run) is RunState.STOPPED
        assert "its last checkpoint is saved" in told(pilot.app)


async def test_a_stopped_run_goes_on(make_app, run: RunDir, launcher: LocalLauncher) -> None:
    launcher.stop(run, LONG)
    (run.path / "fake.json").write_text(json.dumps({"epochs": 2}))
    async with opened(make_app(), run.id) as (pilot, screen):
        await pilot.press("r")
        await settled(pilot)
        asked = dialog_text(pilot.app)
        assert "A new attempt on local goes on from its last checkpoint (epoch 1, step 2)" in asked
        assert "no charge" in asked
        await pilot.press("y")
        await settled(pilot)
        assert "attempt 0002-" in told(pilot.app)
        assert screen.changed == [run.id]
    assert len(run.attempts()) == 2
    wait_for(lambda: launcher.state(run) is RunState.FINISHED)


async def test_an_imported_run_does_not_go_on(
    make_app, run: RunDir, launcher: LocalLauncher
) -> None:
    launcher.stop(run, LONG)
    run.write_request(msgspec.structs.replace(run.read_request(), imported=True))
    async with opened(make_app(), run.id) as (pilot, screen):
        await pilot.press("S")
        await settled(pilot)
        assert "there is nothing to stop" in told(pilot.app)
        assert "goes on" not in told(pilot.app)
        await pilot.press("r")
        await settled(pilot)
        assert "was imported from a log" in told(pilot.app)
        assert pilot.app.screen is screen


async def test_a_run_that_a_limit_stopped_asks_for_a_larger_one(
    make_app, run: RunDir, launcher: LocalLauncher
) -> None:
    launcher.stop(run, LONG)
    (attempt,) = run.attempts()
    path = run.events_path(attempt)
    path.write_text(path.read_text().replace('"reason":"user"', '"reason":"time_limit"'))
    limited = msgspec.structs.replace(run.read_request(), limits=Limits(seconds=50.0))
    run.write_request(limited)
    (run.path / "fake.json").write_text(json.dumps({"epochs": 2}))
    async with opened(make_app(), run.id) as (pilot, _):
        await pilot.press("r")
        await settled(pilot)
        dialog = pilot.app.screen
        assert isinstance(dialog, EntryScreen)
        words = str(dialog.query_one("#words", Static).render())
        assert "its time limit of 50s is used up" in words
        assert "no charge" in words
        assert "more than 50s" in dialog.query_one(Input).placeholder
        await pilot.press(*"40s", "enter")
        assert pilot.app.screen is dialog
        refused = str(dialog.query_one("#refused", Static).render())
        assert "40s: name more than 50s" in refused
        assert len(run.attempts()) == 1
        await pilot.press(*["backspace"] * 3, *"2h", "enter")
        await settled(pilot)
        assert "attempt 0002-" in told(pilot.app)
    assert run.read_request().limits.seconds == 7200
    wait_for(lambda: launcher.state(run) is RunState.FINISHED)


async def test_what_cannot_be_done_is_said_without_asking(make_app) -> None:
    async with opened(make_app(), FINISHED) as (pilot, screen):
        await pilot.press("r")
        await settled(pilot)
        assert "is finished; to train longer" in told(pilot.app)
        await pilot.press("S")
        await settled(pilot)
        assert "v6-cc42 is finished: there is nothing to stop" in told(pilot.app)
        assert pilot.app.screen is screen


async def test_tags_and_notes(make_app, recorded: Path) -> None:
    run = RunDir(recorded / "runs" / FINISHED)
    async with opened(make_app(), FINISHED) as (pilot, _):
        for key, before, after in (("t", "keep", " twice"), ("n", "", "[bold]")):
            await pilot.press(key)
            await settled(pilot)
            assert isinstance(pilot.app.screen, EntryScreen)
            line = pilot.app.screen.query_one(Input)
            assert line.value == before
            await pilot.press(*after, "enter")
            await settled(pilot)
    assert run.read_about().tags == ("keep", "twice")
    assert run.read_about().note == "[bold]"


async def test_removing_keeps_what_compare_needs(make_app, recorded: Path) -> None:
    run = RunDir(recorded / "runs" / FINISHED)
    async with opened(make_app(), FINISHED) as (pilot, _):
        await pilot.press("X")
        await settled(pilot)
        assert f"mabe rm --all {FINISHED}" in dialog_text(pilot.app)
        await pilot.press("y")
        await settled(pilot)
        assert not run.checkpoints.exists()
        assert run.evaluation_table.exists()
        assert "to the trash, which keeps it for 14 days; u brings it back" in told(pilot.app)
        await pilot.press("u")
        await settled(pilot)
        assert run.checkpoints.exists()
        await pilot.press("u")
        await settled(pilot)
        assert "the trash is empty" in told(pilot.app)


async def test_fetching_offers_best_and_names_what_there_is(make_app, recorded: Path) -> None:
    async with opened(make_app(), FINISHED) as (pilot, _):
        await pilot.press("p", "enter")
        await settled(pilot)
        assert str(recorded / "runs" / FINISHED / "checkpoints") in told(pilot.app)
        await pilot.press("p")
        pilot.app.screen.query_one(Input).value = "bset"
        await pilot.press("enter")
        await settled(pilot)
        assert "has no checkpoint 'bset'; there is last, best, all" in told(pilot.app)


async def test_work_shows_how_far_it_is_on_any_screen(make_app) -> None:
    async with opened(make_app(), STOPPED) as (pilot, screen):
        pilot.app.post_message(Progressed(STOPPED, "fetching v4-aa4k: 34% of 12.0 MiB"))
        await pilot.pause()
        line = screen.query_one(Activity)
        assert line.display
        assert "34%" in str(line.render())
        pilot.app.do(lambda: "here", STOPPED)
        await settled(pilot)
        assert not line.display


async def test_without_a_run_it_says_so(make_app) -> None:
    async with opened(make_app(), None) as (pilot, _):
        await pilot.press("S")
        assert "no run is selected" in told(pilot.app)


@pytest.mark.parametrize("readonly", [False, True])
async def test_the_palette_has_the_same(make_app, readonly: bool) -> None:
    async with opened(make_app(readonly=readonly), FINISHED) as (pilot, screen):
        offered = {command.title: command for command in pilot.app.get_system_commands(screen)}
        acting = {"Stop", "Resume", "Fetch", "Tag", "Note", "Remove"}
        assert acting & set(offered) == (set() if readonly else acting)
        if not readonly:
            await offered["Tag"].callback()
            await settled(pilot)
            assert isinstance(pilot.app.screen, EntryScreen)


async def test_readonly_has_none_of_it(make_app) -> None:
    async with opened(make_app(readonly=True), FINISHED) as (pilot, screen):
        await pilot.press("S", "r", "p", "t", "n", "X", "u")
        await settled(pilot)
        assert pilot.app.screen is screen
        assert set(told(pilot.app).splitlines()) == {
            "nothing can be changed here: the dashboard was started with --readonly"
        }
