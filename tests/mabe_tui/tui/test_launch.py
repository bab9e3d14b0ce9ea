"""The launch form: its live preview, its errors, and the runs it starts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static
from textual.widgets._footer import FooterKey

from core.config import registry
from core.run.request import RunRequest
from mabe_tui.launch import local_launcher
from mabe_tui.launch.launcher import Quote, RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.runs.store import RunStore
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.screens.dialogs.confirm import ConfirmScreen
from mabe_tui.tui.screens.home import reader
from mabe_tui.tui.screens.launch.screen import LaunchScreen
from mabe_tui.tui.screens.run.screen import RunScreen
from mabe_tui.tui.widgets.form import WRONG, Field, FormLines
from tests.mabe_tui.tui.conftest import LARGE, SMALL, text_of
from tests.mabe_tui.tui.run_screen import workers_done
from tests.waiting import wait_for


@asynccontextmanager
async def opened(
    app: MabeApp, version: str = "v1"
) -> AsyncIterator[tuple[Pilot[Any], LaunchScreen]]:
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        screen = LaunchScreen(version)
        await app.push_screen(screen)
        await settled(pilot)
        yield pilot, screen


async def settled(pilot: Pilot[Any]) -> None:
    """Wait for a check, and for the one that follows what was typed meanwhile."""
    for _ in range(3):
        await workers_done(pilot)
        await pilot.pause()


async def fill(pilot: Pilot[Any], screen: LaunchScreen, **texts: str) -> None:
    for name, text in texts.items():
        line = screen.query_one(f"#field-{name.replace('_', '-')}", Field).line
        line.focus()
        line.value = text
    await settled(pilot)


def facts(screen: LaunchScreen) -> str:
    return str(screen.query_one("#facts", Static).render())


def told(app: MabeApp) -> str:
    return " / ".join(notice.message for notice in app._notifications)


@pytest.fixture
def fake_jobs(launcher: LocalLauncher, monkeypatch: pytest.MonkeyPatch) -> LocalLauncher:
    """Launch fake jobs."""
    monkeypatch.setattr(local_launcher, "JOB_COMMAND", launcher._command)
    return launcher


@pytest.fixture
def rented(monkeypatch: pytest.MonkeyPatch) -> None:
    """This computer is another one, at four dollars an hour."""

    def prepare(self: LocalLauncher, request: RunRequest) -> RunRequest:
        limits = msgspec.structs.replace(request.limits, usd_per_hour=4.0)
        return msgspec.structs.replace(request, limits=limits)

    def quote(self: LocalLauncher, request: RunRequest) -> Quote:
        command = ("python", "-m", "core.job", request.run)
        return Quote(launcher="local", machine="H100, 8 cores", usd_per_hour=4.0, command=command)

    monkeypatch.setattr(LocalLauncher, "prepare", prepare)
    monkeypatch.setattr(LocalLauncher, "quote", quote)


async def test_the_dry_run_follows_what_is_typed(make_app) -> None:
    async with opened(make_app()) as (pilot, screen):
        assert "one, seed 42" in facts(screen)
        assert "this computer" in facts(screen)
        await fill(pilot, screen, seeds="1,2", at_a_time="2", max_time="1h30m", preset="demo")
        assert "2, one a seed: 1, 2, 2 at a time" in facts(screen)
        assert "1h 30m over all attempts" in facts(screen)
        assert "training.epochs" in facts(screen)


async def test_folds_are_runs_too(make_app) -> None:
    async with opened(make_app()) as (pilot, screen):
        await fill(pilot, screen, folds="3")
        assert "3, one for each of 3 folds" in facts(screen)
        await fill(pilot, screen, seeds="1,2")
        assert "6, one a seed: 1, 2; one for each of 3 folds" in facts(screen)
        await fill(pilot, screen, folds="1")
        assert "folds 1: write a whole number from 2 to 1000" in facts(screen)


async def test_the_estimate_goes_by_an_earlier_run(make_app) -> None:
    async with opened(make_app(), "v4") as (pilot, screen):
        await fill(pilot, screen, on="local")
        assert "at 50s an epoch as in v4-20261120T090000-aa4k" in facts(screen)


async def test_a_slip_marks_its_line(make_app) -> None:
    async with opened(make_app()) as (pilot, screen):
        for field, text, why in (
            ("seeds", "1,x", "seeds 1,x: write whole numbers"),
            ("budget", "much", "budget much: write dollars"),
            ("max_time", "2", "max time 2: write it as 2h"),
            ("at_a_time", "0", "at a time 0: write a whole number from 1"),
        ):
            await fill(pilot, screen, **{field: text})
            assert why in facts(screen)
            line = screen.query_one(f"#field-{field.replace('_', '-')}", Field).line
            assert line.has_class(WRONG)
            await fill(pilot, screen, **{field: ""})
            assert not line.has_class(WRONG)
            assert "one, seed 42" in facts(screen)


async def test_what_cannot_be_had_is_said(make_app) -> None:
    async with opened(make_app()) as (pilot, screen):
        for field, text, why in (
            ("version", "v99", "no version 'v99'"),
            ("preset", "dmeo", "did you mean 'demo'"),
            ("on", "locl", "did you mean 'local'"),
            ("data", "/nowhere", "no such folder"),
        ):
            before = screen.query_one(f"#field-{field}", Field).text
            await fill(pilot, screen, **{field: text})
            assert why in facts(screen)
            assert why not in told(pilot.app)
            await pilot.press("ctrl+l")
            await settled(pilot)
            assert why in told(pilot.app)
            assert pilot.app.screen is screen
            await fill(pilot, screen, **{field: before})
            assert why not in facts(screen)


async def test_only_presets_of_the_versions_task_are_offered(make_app) -> None:
    async with opened(make_app(), "v8") as (pilot, screen):
        preset = screen.query_one("#field-preset", Field).line
        assert preset.suggester is not None
        for version, typed, offered in (
            ("v8", "d", None),
            ("v8", "s", "small-actions"),
            ("v1", "s", None),
            ("v1", "d", "demo"),
            ("v99", "d", "demo"),
        ):
            await fill(pilot, screen, version=version)
            assert await preset.suggester.get_suggestion(typed) == offered
        await fill(pilot, screen, version="v8", preset="demo")
        assert "not for v8" in facts(screen)
        screen.query_one(FormLines).query_one(Input).focus()
        await pilot.press(*"epochs")
        assert "training.epochs" in str(screen.query_one("#hint", Static).render())


async def test_the_price_is_shown_before_the_data_are_named(make_app, rented: None) -> None:
    async with opened(make_app(), "v6") as (pilot, screen):
        await fill(pilot, screen, on="local")
        assert "v6 learns from a data folder" in facts(screen)
        assert "$4.00 an hour" in facts(screen)
        assert screen.query_one("#field-data", Field).line.has_class(WRONG)
        await fill(pilot, screen, version="v1")
        assert not screen.query_one("#field-data", Field).line.has_class(WRONG)


async def test_settings_are_completed_and_checked_line_by_line(make_app) -> None:
    async with opened(make_app()) as (pilot, screen):
        lines = screen.query_one(FormLines)
        lines.query_one(Input).focus()
        await pilot.press(*"epochs", "enter")
        await settled(pilot)
        assert lines.texts == ("training.epochs=10",)
        await pilot.press("enter", *"training.batchsize=4")
        await settled(pilot)
        assert "did you mean 'batch_size'" in facts(screen)
        assert [line.has_class(WRONG) for line in lines.query(Input)] == [False, True]
        await pilot.press("ctrl+u", *"data.phase=")
        await settled(pilot)
        assert "one of fixed, random" in str(screen.query_one("#hint", Static).render())
        await pilot.press("r")
        await settled(pilot)
        await pilot.press("right")
        await settled(pilot)
        assert lines.texts[1] == "data.phase=random"
        assert "fixed → random" in facts(screen)


async def test_launching_opens_the_run(make_app, recorded: Path, fake_jobs: LocalLauncher) -> None:
    async with opened(make_app()) as (pilot, screen):
        await fill(pilot, screen, seeds="3", tags="try it")
        await pilot.press("ctrl+l")
        await settled(pilot)
        assert isinstance(pilot.app.screen, RunScreen)
    started = RunStore(recorded).find("v1")
    assert started.require_request().seed == 3
    assert started.run.read_about().tags == ("try", "it")
    wait_for(lambda: fake_jobs.state(started.run) is RunState.FINISHED)


async def test_what_costs_is_asked_for(
    make_app, recorded: Path, fake_jobs: LocalLauncher, rented: None
) -> None:
    async with opened(make_app()) as (pilot, screen):
        await fill(pilot, screen, budget="0.50")
        assert "$4.00 an hour" in facts(screen)
        await pilot.press("ctrl+l")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ConfirmScreen)
        assert "limit: $0.50 over all attempts" in str(pilot.app.screen.query_one(Static).render())
        await pilot.press("n")
        await settled(pilot)
        assert pilot.app.screen is screen
    assert not [entry for entry in RunStore(recorded).entries() if entry.version == "v1"]


async def test_an_estimate_above_the_budget_is_said_before(make_app, rented: None) -> None:
    async with opened(make_app(), "v4") as (pilot, screen):
        await fill(pilot, screen, on="local", budget="1.25")
        assert "above the budget of $1.25: it would stop there" in facts(screen)
        await fill(pilot, screen, budget="50")
        assert "above the budget" not in facts(screen)


async def test_the_data_folder_is_offered_again(
    make_app, fake_jobs: LocalLauncher, tmp_path: Path
) -> None:
    app = make_app()
    app.view_state.keep("launch", data=str(tmp_path))
    async with opened(app, "v6") as (_, screen):
        assert screen.query_one("#field-data", Field).text == str(tmp_path)
    async with opened(make_app(), "v1") as (_, screen):
        assert screen.query_one("#field-data", Field).text == ""


async def test_the_key_shown_for_help_is_one_that_no_line_takes(make_app) -> None:
    async with opened(make_app()) as (pilot, screen):
        shown = {str(key.key_display) for key in screen.query(FooterKey) if key.action == "help"}
        assert shown == {"f1"}
        await pilot.press("f1")
        text = text_of(pilot.app.screen.query_one(Static))
        assert text.count("everywhere") == 1
        assert "Accept the suggestion" in text


async def test_readonly_starts_nothing(make_app, recorded: Path) -> None:
    before = len(RunStore(recorded).entries())
    async with opened(make_app(readonly=True)) as (pilot, screen):
        await pilot.press("ctrl+l")
        await settled(pilot)
        assert pilot.app.screen is screen
    assert len(RunStore(recorded).entries()) == before


async def test_an_ensemble_is_made_by_the_command_that_is_named(
    make_app, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MABE_REGISTRY", str(registry.default_path()))
    before = len(RunStore(recorded).entries())
    async with opened(make_app(), "v8-blend") as (pilot, screen):
        words = "`mabe run v8-blend` makes it of runs of v8, v8-boost"
        assert words in facts(screen)
        await pilot.press("ctrl+l")
        await settled(pilot)
        assert words in told(pilot.app)
        assert pilot.app.screen is screen
    assert len(RunStore(recorded).entries()) == before


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_looks(
    make_app, rented: None, snap_compare: Callable[..., bool], size: tuple[int, int]
) -> None:
    async def open_form(pilot: Pilot[Any]) -> None:
        screen = LaunchScreen("v4")
        await pilot.app.push_screen(screen)
        await fill(pilot, screen, on="local", seeds="1,2", budget="0.10")
        await fill(pilot, screen, tags="wider")
        line = screen.query_one(FormLines).query_one(Input)
        line.cursor_blink = False
        line.focus()
        await pilot.press(*"training.epochs=50", "enter", *"model.hidden_size=64")
        await settled(pilot)
        screen.query_one(FormLines).query(Input).last().cursor_blink = False

    assert snap_compare(make_app(), terminal_size=size, run_before=open_form)


async def test_the_form_knows_what_was_edited_while_it_is_open(
    make_app, tmp_path, monkeypatch
) -> None:
    path = tmp_path / "experiments.toml"
    path.write_bytes(registry.default_path().read_bytes())
    monkeypatch.setenv("MABE_REGISTRY", str(path))
    monkeypatch.setattr(reader, "FASTEST_SECONDS", 1e6)  # the home screen behind it sleeps
    app = make_app()
    async with opened(app) as (pilot, screen):
        path.write_text(path.read_text() + '\n[experiments.v99]\nextends = "v1"\n')
        await fill(pilot, screen, version="v99")
        assert "one, seed 42" in facts(screen)
        path.write_text(path.read_text() + "\nbroken")
        await fill(pilot, screen, seeds="1,2")
        assert "2, one a seed: 1, 2" in facts(screen)
        assert "the registry stays as it was" in told(app)
