"""The dashboard's command line, and dialogs over what they ask about."""

from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import OptionList

from core.config.registry import default_path, load
from core.errors import ConfigError, RunError
from mabe_tui.runs.store import RunStore
from mabe_tui.tui.jumps import complete_jump, read_jump
from mabe_tui.tui.screens.compare.screen import CompareScreen
from mabe_tui.tui.screens.dialogs.entry import EntryScreen
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.screens.run.screen import RunScreen
from tests.mabe_tui.tui.conftest import SMALL
from tests.mabe_tui.tui.run_screen import until, workers_done
from tests.mabe_tui.tui.test_compare import settle

V6 = "v6-20261120T130000-cc42"


def read(home: Path, text: str) -> tuple[str, list[str]]:
    return read_jump(text, RunStore(home), load(default_path()))


def test_a_command_names_runs_by_their_letters_and_versions(recorded: Path) -> None:
    assert read(recorded, ":run cc42") == ("run", [V6])
    assert read(recorded, "cmp v5 cc42@best") == ("cmp", ["v5", f"{V6}@best"])
    assert read(recorded, "launch v7") == ("launch", ["v7"])
    assert read(recorded, "q") == ("q", [])


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", ConfigError, "type a command: run, cmp"),
        ("rum cc42", ConfigError, "no command 'rum'; did you mean 'run'"),
        ("cmp v5", ConfigError, "write :cmp A B"),
        ("run 'cc42", ConfigError, "quotation mark"),
        ("run cc4", RunError, "no run 'cc4'"),
        ("cmp v5 v66", RunError, "versions are v1, v2"),
        ("launch v77", ConfigError, "no version 'v77'; did you mean 'v7'"),
    ],
)
def test_a_slip_is_said(recorded: Path, text: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        read(recorded, text)


def test_words_are_completed_one_by_one() -> None:
    names = ["v5", "v6", "cc42"]
    assert complete_jump("r", names) == "run"
    assert complete_jump("cmp v5 c", names) == "cmp v5 cc42"
    assert complete_jump("cmp v5", names) is None
    assert complete_jump("", names) is None
    assert complete_jump("run z", names) is None


def lines(pilot: Pilot) -> list[str]:
    return [strip.text for strip in pilot.app.screen._compositor.render_strips()]


async def test_the_command_line_opens_a_comparison_over_a_dimmed_screen(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"cmp v5 v66", "enter")
        assert isinstance(pilot.app.screen, EntryScreen)
        await until(pilot, lambda: "experiments" in lines(pilot)[1])  # dimmed, not hidden
        assert any("no run 'v66'" in line for line in lines(pilot))
        await pilot.press("backspace", "enter")
        await settle(pilot)
        assert isinstance(pilot.app.screen, CompareScreen)
        assert pilot.app.screen.names == ("v5", "v6")


async def test_the_palette_jumps_to_a_run(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+p", *"run v6-20261120T130000")
        assert isinstance(pilot.app.screen, CommandPalette)
        await workers_done(pilot)
        found = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: found.option_count and found.highlighted is not None)
        await pilot.press("enter")
        await settle(pilot)
        if isinstance(pilot.app.screen, CommandPalette):
            await pilot.press("enter")
            await settle(pilot)
        assert isinstance(pilot.app.screen, RunScreen)
        assert pilot.app.screen.run_id == V6


async def test_a_picker_shows_score_seed_state_and_time_and_finds_by_them(make_app) -> None:
    async with make_app().run_test(size=SMALL) as pilot:
        await settle(pilot)
        await pilot.app.push_screen(CompareScreen(["v4", "v5"]))
        await settle(pilot)
        await pilot.press("a", *"seed 2023 v6")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, PickScreen)
        lines = [strip.text for strip in screen._compositor.render_strips()]
        (line,) = (line for line in lines if "v6-20261120T140000-cc43" in line)
        assert all(word in line for word in ("0.8", "seed 2023", "finished"))
        await pilot.press("enter")
        await settle(pilot)
        assert "v6-20261120T140000-cc43" in pilot.app.screen.names


async def test_the_focused_answer_is_the_loud_one(make_app) -> None:
    from mabe_tui.tui.screens.dialogs.confirm import ConfirmScreen

    async with make_app().run_test(size=SMALL) as pilot:
        screen = ConfirmScreen("stop?", "It ends.")
        await pilot.app.push_screen(screen)
        no, yes = screen.query_one("#no"), screen.query_one("#yes")
        assert no.has_focus
        assert no.styles.background.a == 1
        assert yes.styles.background.a == 0
        await pilot.press("right")
        assert no.styles.background.a == 0
        assert yes.styles.background.a == 1
