"""Bursts of keys have the same effect as the presses of a patient typist."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from mabe_tui.launch import local_launcher
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.runs.store import RunStore
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.key_queue import at_rest
from mabe_tui.tui.screens.dialogs.help import HelpScreen
from mabe_tui.tui.screens.home.screen import HomeScreen
from mabe_tui.tui.screens.launch.screen import LaunchScreen
from mabe_tui.tui.screens.run.screen import RunScreen
from mabe_tui.tui.widgets.filter_line import FilterLine
from mabe_tui.tui.widgets.form import Field, FormLines
from tests.mabe_tui.tui.conftest import SMALL
from tests.mabe_tui.tui.run_screen import until


def burst(app: MabeApp, *presses: str) -> None:
    """Send keys all at once; a text of several words or characters with ``=`` before it as it is."""
    for press in presses:
        for key in press[1:] if press.startswith("=") else [press]:
            character = key if len(key) == 1 else None
            name = {" ": "space", "/": "slash", "?": "question_mark"}.get(key, key)
            app.post_message(events.Key(name, character))


async def come_to_rest(pilot: Pilot[Any]) -> None:
    app = pilot.app
    assert isinstance(app, MabeApp)
    await until(pilot, lambda: app.typed.is_empty and at_rest(app))


def fields(screen: LaunchScreen, *names: str) -> list[str]:
    return [screen.query_one(f"#field-{name}", Field).text for name in names]


async def test_each_word_reaches_its_line_of_the_form(make_app) -> None:
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        burst(
            app,
            "l",
            "=demo",
            "enter",
            "=local",
            "enter",
            "=1,2",
            "enter",
            "enter",
            "enter",
            "=5",
            "up",
        )
        burst(app, "=3", *["down"] * 5, "=training.epochs=7", "enter", "=seed")
        await come_to_rest(pilot)
        screen = app.screen
        assert isinstance(screen, LaunchScreen)
        said = fields(screen, "preset", "on", "seeds", "at-a-time", "budget")
        assert said == ["demo", "local", "1,2", "3", "5"]
        assert screen.query_one(FormLines).texts == ("training.epochs=7", "seed")


async def test_all_of_a_filter_reaches_it_and_a_dialog_its_text(make_app) -> None:
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        burst(app, "a", "/", "=state == finished", "enter", "s", "=best.f1", "enter", "/")
        await come_to_rest(pilot)
        assert app.screen.query_one(FilterLine).value == "state == finished"
        assert app.screen.query_one(FilterLine).has_focus
        burst(app, "escape", "t", "=one two", "enter")
        await come_to_rest(pilot)
        await pilot.app.workers.wait_for_complete()
        assert isinstance(app.screen, HomeScreen)
        run = app.screen.selected_run
        assert {"one", "two"} <= set(app.store.find(run).run.read_about().tags)


async def test_what_opens_late_gets_what_was_typed_for_it(make_app) -> None:
    """A run's screen reads the run in a thread; its search is typed before it is there."""
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        burst(app, "a", "tab", "enter", "/", "=epoch 2", "enter")
        await come_to_rest(pilot)
        screen = app.screen
        assert isinstance(screen, RunScreen)
        assert screen.log_panel.query_one(Input).value == "epoch 2"
        assert screen.log_panel.view.pattern is not None
        assert screen.panels.panel_of_focus() == "log"


async def test_closing_fast_closes_one_screen_a_press(make_app) -> None:
    """The footer of a screen that is gone is not written."""
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await come_to_rest(pilot)
        for _ in range(3):
            app.push_screen(RunScreen(app.store.find("cc42").id))
            burst(app, "?", "q", "q")
            await come_to_rest(pilot)
            assert isinstance(app.screen, HomeScreen)


async def test_a_deferred_call_of_a_closed_screen_is_dropped(make_app) -> None:
    app = make_app()
    called: list[str] = []
    async with app.run_test(size=SMALL) as pilot:
        help_screen = HelpScreen(())
        await app.push_screen(help_screen)
        await app.pop_screen()
        app.screen._invoke_later(lambda: called.append("gone"), help_screen)
        app.screen._invoke_later(lambda: called.append("here"), app.screen)
        await until(pilot, lambda: called)
    assert called == ["here"]


@pytest.mark.parametrize(
    ("keys", "launched"),
    [
        (["=demo", "ctrl+l", "ctrl+l", "ctrl+l"], 1),
        (["=no such preset", "ctrl+l"], 0),
        (["=demo", "enter", "=nowhere", "ctrl+l"], 0),
    ],
)
async def test_a_burst_launches_what_a_slow_typist_would(
    make_app,
    recorded: Path,
    launcher: LocalLauncher,
    monkeypatch: pytest.MonkeyPatch,
    keys: Sequence[str],
    launched: int,
) -> None:
    monkeypatch.setattr(local_launcher, "JOB_COMMAND", launcher._command)
    before = {entry.id for entry in RunStore(recorded).entries()}
    app = make_app()
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        app.push_screen(LaunchScreen("v1"))
        burst(app, *keys)
        await come_to_rest(pilot)
        await until(pilot, lambda: isinstance(app.screen, RunScreen) or not launched)
        new = [entry for entry in RunStore(recorded).entries() if entry.id not in before]
        assert len(new) == launched
        for entry in new:
            assert msgspec.to_builtins(entry.require_request().preset) == "demo"


async def test_a_key_waits_no_longer_than_the_app_has_patience(
    make_app, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mabe_tui.tui.key_queue.PATIENCE_SECONDS", 0.05)
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await come_to_rest(pilot)
        app.screen.is_open = False
        burst(app, "l")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))


async def test_quitting_waits_for_nothing(make_app) -> None:
    app = make_app()
    async with app.run_test(size=SMALL):
        app.screen.is_open = False
        burst(app, "l", "ctrl+q")
        async with asyncio.timeout(60):
            while not app._exit:
                await asyncio.sleep(0.01)
