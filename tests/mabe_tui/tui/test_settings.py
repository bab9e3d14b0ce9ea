"""The settings file: keys and colours that somebody chose, and what is refused with the nearest spelling."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConfigError
from mabe_tui.tui.footer_keys import WHERE_ROOM
from mabe_tui.tui.keys import KEYS
from mabe_tui.tui.screens.dialogs.pick import PickScreen
from mabe_tui.tui.settings import DashboardSettings, coloured, read_settings, rebound
from mabe_tui.tui.themes import THEMES
from mabe_tui.tui.widgets.key_footer import KeyFooter
from mabe_tui.tui.widgets.table import RowTable
from tests.mabe_tui.tui.conftest import SMALL
from tests.mabe_tui.tui.test_compare import settle

BOUND = """
theme = "light"
[keys.run]
export = "^e f2"
"panel('loss')" = "!"
[colours]
primary = "orange"
curve-0 = "#123456"
"""


def read(folder: Path, text: str) -> DashboardSettings:
    path = folder / "dashboard.toml"
    path.write_text(text)
    return read_settings(path, KEYS)


def test_keys_and_colours_are_taken(tmp_path: Path) -> None:
    found = read(tmp_path, BOUND)
    assert found.theme == "light"
    (export,) = (key for key in rebound(KEYS, found.keys)["run"] if key.action == "export")
    assert (export.keys, export.spellings) == ("ctrl+e,f2", ["^e", "f2"])
    (loss,) = (key for key in rebound(KEYS, found.keys)["run"] if key.action == "panel('loss')")
    assert loss.keys == "exclamation_mark"
    theme = coloured(THEMES[0], found.colours)
    assert (theme.primary, theme.variables["curve-0"]) == ("orange", "#123456")
    assert theme.variables["curve-1"] == THEMES[0].variables["curve-1"]
    assert THEMES[0].primary != "orange"


def test_without_a_file_everything_is_as_it_was(tmp_path: Path) -> None:
    found = read_settings(tmp_path / "none.toml", KEYS)
    assert found == DashboardSettings()
    assert rebound(KEYS, found.keys) == KEYS
    assert coloured(THEMES[0], found.colours).primary == THEMES[0].primary


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[key]", "no setting 'key'; did you mean 'keys'"),
        ('theme = "lihgt"', "no theme 'lihgt'; did you mean 'light'"),
        ("[keys.rum]", "no place 'rum'; did you mean 'run'"),
        ('[keys.run]\nexprot = "x"', "keys.run.exprot: no action 'exprot'; did you mean 'export'"),
        ('[keys.run]\nexport = "entr"', "no key 'entr'; did you mean 'enter'"),
        ('[keys.run]\nexport = "hyper+e"', "no key 'hyper\\+e'"),
        ("[keys.run]\nexport = 3", "write a key"),
        ('[keys.run]\nexport = "x"', "axis and export are both 'x'"),
        ('[colours]\nprimray = "red"', "no colour 'primray'; did you mean 'primary'"),
        ('[colours]\nprimary = "rde"', "colours.primary = 'rde'"),
        ("keys = 3", r"keys: must be a table, \[keys\]"),
        ("[keys", "dashboard.toml: "),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read(tmp_path, text)


def test_the_command_binds_the_keys_before_the_screens_are_made(tmp_path: Path) -> None:
    (tmp_path / "dashboard.toml").write_text('[keys.compare]\nexport = "f9"')
    code = """
from mabe_tui.cli.dashboard import _settings
_settings()
from mabe_tui.tui.screens.compare.screen import CompareScreen
print([b.key for b in CompareScreen.BINDINGS if b.action == "export"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"MABE_CONFIG": str(tmp_path / "dashboard.toml"), "PATH": "", "HOME": str(tmp_path)},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['f9']"


# ── the footer, and copying ───────────────────────────────────────────────────────────────────


def test_the_footer_names_keys_that_exist() -> None:
    for place, actions in WHERE_ROOM.items():
        assert set(actions) <= {key.action for key in KEYS[place]}


async def test_the_footer_uses_its_width(make_app) -> None:
    shown = {}
    for width in (80, 160):
        async with make_app().run_test(size=(width, 24)) as pilot:
            await settle(pilot)
            footer = pilot.app.screen.query_one(KeyFooter)
            keys = [str(key.render()) for key in footer.query("FooterKey")]
            assert sum(key.region.width for key in footer.query("FooterKey")) <= width
            shown[width] = " ".join(keys)
    assert len(shown[160]) > len(shown[80])
    for word in ("Stop", "Resume", "Checkpoints", "Video", "Tables"):
        assert word in shown[160]


async def test_ids_values_and_commands_are_copied(make_app) -> None:
    async with make_app().run_test(size=SMALL, notifications=True) as pilot:
        await settle(pilot)
        pilot.app.open_comparison(["v5", "v6"])
        await settle(pilot)
        await pilot.press("Y", *"command", "enter")
        assert pilot.app.clipboard == "mabe compare v5 v6"
        pilot.app.pop_screen()
        pilot.app.open_run("v6-20261120T130000-cc42")
        await settle(pilot)
        await pilot.press("Y", "enter")
        assert pilot.app.clipboard == "v6-20261120T130000-cc42"


async def test_runs_are_put_together_by_a_key_and_a_group_is_a_filter(make_app) -> None:
    async with make_app().run_test(size=(140, 45)) as pilot:
        await settle(pilot)
        await pilot.press("a", "ctrl+g", *"training.learning_rate", "enter")
        await settle(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, PickScreen)
        lines = "\n".join(strip.text for strip in screen._compositor.render_strips())
        assert "by training.learning_rate" in lines
        assert "ee45" in lines  # the only one with another rate
        await pilot.press(*"ee45", "enter")
        await settle(pilot)
        table = pilot.app.screen.query_one("#runs", RowTable)
        assert [row.key[-4:] for row in table.rows] == ["ee45"]
