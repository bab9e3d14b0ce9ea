"""Features common to all screens: help, palette, themes, read-only mode."""

import re

import pytest
from rich.console import Console
from textual.pilot import Pilot

from mabe_tui.tui.keys import KEYS, bindings, changing
from mabe_tui.tui.screens.dialogs.help import HelpScreen, help_view


async def test_the_question_mark_shows_the_keys_of_the_screen(make_app) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        assert not isinstance(app.screen, HelpScreen)


async def test_themes_go_round(make_app) -> None:
    app = make_app(theme="mabe-light")
    async with app.run_test(size=(80, 24)) as pilot:
        seen = [app.theme]
        for _ in range(3):
            await pilot.press("ctrl+t")
            seen.append(app.theme)
    assert seen[0] == seen[3]
    assert len(set(seen)) == 3


def test_no_place_names_a_key_twice() -> None:
    for place, keys in KEYS.items():
        names = [name for key in keys for name in key.keys.split(",")]
        assert len(names) == len(set(names)), place


def test_the_help_has_every_key_of_its_places() -> None:
    text = help_at(200, "app", "chart")
    for place in ("app", "chart"):
        for key in KEYS[place]:
            assert key.help in text


def test_long_help_is_indented_below_its_beginning() -> None:
    lines = help_at(40, "log").splitlines()
    assert any(line.startswith(" " * 18) for line in lines)
    assert not any(line[:1].isalpha() for line in lines[1:])


def help_at(width: int, *places: str) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(help_view(places))
    return capture.get()


def test_every_key_of_the_table_becomes_a_binding() -> None:
    for place, keys in KEYS.items():
        assert len(bindings(place)) == len(keys)


@pytest.mark.parametrize("readonly", [False, True])
async def test_readonly_takes_away_what_changes_anything(make_app, readonly: bool) -> None:
    app = make_app(readonly=readonly)
    async with app.run_test(size=(80, 24)) as pilot:
        assert isinstance(pilot, Pilot)
        screen = app.screen
        for action in changing(screen.PLACES):
            assert screen.check_action(action, ()) is not readonly


@pytest.mark.parametrize("asked", [False, True])
async def test_no_color_leaves_shades_of_grey(
    make_app, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    if asked:
        monkeypatch.setenv("NO_COLOR", "1")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        drawn = set(re.findall(r"-r\d+ \{ fill: #(\w{6})", app.export_screenshot()))
    drawn.discard("c5c8c6")  # what rich calls a picture's own colour; nothing is drawn in it
    assert len(drawn) > 2
    assert all(colour[:2] == colour[2:4] == colour[4:] for colour in drawn) is asked
