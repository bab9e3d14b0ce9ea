"""Random key presses, faster than typing, crash no screen."""

import random
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.errors import RunError
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.tui.keys import KEYS
from tests.fuzz.conftest import EXAMPLES
from tests.mabe_tui.tui.conftest import (
    MakeApp,
    few_versions,
    make_app,
    recorded,
    recordings,
    stylesheets_parsed_once,
)
from tests.mabe_tui.tui.run_screen import workers_done

__all__ = [  # fixtures
    "few_versions",
    "make_app",
    "recorded",
    "recordings",
    "stylesheets_parsed_once",
]

ROUNDS = max(1, EXAMPLES // 20)
BURSTS, BURST = 3, 8
SIZES = ((80, 24), (200, 50), (40, 10))
QUITS = {"q", "ctrl+q", "ctrl+c"}
EVERY_KEY = sorted(
    {name for keys in KEYS.values() for key in keys for name in key.keys.split(",")} - QUITS
)
TYPED = [
    "a",
    "0",
    "1",
    ".",
    "space",
    "tab",
    "shift+tab",
    "backspace",
    "enter",
    "escape",
    "up",
    "down",
]
WAYS = {
    "home": (),
    "launch": ("l",),
    "run": ("a", "tab", "enter"),
    "compare": ("a", "tab", "space", "down", "space", "c"),
    "checkpoints": ("a", "tab", "K"),
    "video": ("a", "tab", "V"),
    "filter": ("slash",),
    "help": ("question_mark",),
    "palette": ("ctrl+p",),
}
"""Keys that lead from the home screen to each of the others."""


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("screen", WAYS)
async def test_keys_at_random(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, screen: str, number: int
) -> None:
    def refuse(self: LocalLauncher, *_: Any) -> None:
        raise RunError("nothing is launched here")

    monkeypatch.chdir(tmp_path)  # pictures and pages are saved here
    monkeypatch.setattr(LocalLauncher, "launch", refuse)
    random_keys = random.Random(f"{screen} {number}")
    app = make_app()
    async with app.run_test(size=random_keys.choice(SIZES)) as pilot:
        await settle(pilot)
        await pilot.press(*WAYS[screen])
        await settle(pilot)
        for _ in range(BURSTS):
            await pilot.press(*random_keys.choices(EVERY_KEY + TYPED * 2, k=BURST))
            if random_keys.random() < 0.3:
                await settle(pilot)
        await settle(pilot)
        assert app.is_running


async def settle(pilot: Pilot[Any]) -> None:
    await workers_done(pilot)
    await pilot.pause()
