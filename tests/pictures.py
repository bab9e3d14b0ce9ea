"""Write the README's pictures of the dashboard: ``python -m tests.pictures`` (``make pictures``).

They show recorded runs (:mod:`tests.recorded`), whose numbers are invented and are not results.
"""

import asyncio
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from unittest.mock import patch

from textual.pilot import Pilot

from core.config import registry
from mabe_tui.launch import local_launcher
from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.screens.video import loader as video_loader
from tests.mabe_tui.tui.made_video import made_answer, made_video
from tests.recorded import BEGAN, write_all
from tests.terminal_svg import portable

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
SIZE = (124, 36)
SIZES = {
    "home": (140, 45),
    "home-small": (80, 24),
    "home-large": (200, 50),
    "history": (140, 40),
    "run": (124, 46),
}
"""Terminal size for pictures that need more room."""
HOURS_LATER = 10
PYTHON = "~/poses/.venv/bin/python"
"""The command that starts a job in the pictures, instead of this machine's own path."""
Scene = Callable[[Pilot[None]], Awaitable[None]]


async def _settle(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause(1.5)  # charts follow a selection that rests


async def _home(pilot: Pilot[None]) -> None:
    await pilot.press("home", *["down"] * 4, "b", "down", "tab")


async def _overlaid(pilot: Pilot[None]) -> None:
    await pilot.press("home", *["down"] * 4, "b", "down", "tab", "tab")
    await _settle(pilot)
    await pilot.press("left", *["left"] * 12)


async def _history(pilot: Pilot[None]) -> None:
    await pilot.press("home", *["down"] * 5, "H")


async def _run(pilot: Pilot[None]) -> None:
    await pilot.press("home", *["down"] * 5, "tab", "enter")
    await _settle(pilot)
    await pilot.press("left", *["left"] * 20)


async def _compare(pilot: Pilot[None]) -> None:
    await pilot.press("home", *["down"] * 4, "b", "down", "c")


async def _launch(pilot: Pilot[None]) -> None:
    with patch.object(local_launcher, "JOB_COMMAND", (PYTHON, *local_launcher.JOB_COMMAND[1:])):
        await pilot.press("l")
        await _settle(pilot)


async def _video(pilot: Pilot[None]) -> None:
    made = {
        "open_video": lambda _, video_id, *__: made_video(video_id),
        "predict_video": lambda _, video, *__, **___: made_answer(video),
    }
    with patch.multiple(video_loader, **made):
        await pilot.press("home", *["down"] * 5, "tab", "V")
        await _settle(pilot)
        await pilot.press("n")
        await _settle(pilot)


SCENES: dict[str, Scene] = {
    "home": _home,
    "home-small": _home,
    "home-large": _overlaid,
    "history": _history,
    "run": _run,
    "compare": _compare,
    "launch": _launch,
    "video": _video,
}


async def _take(name: str, scene: Scene) -> None:
    now = BEGAN + dt.timedelta(hours=HOURS_LATER)
    app = MabeApp(Session(), clock=lambda: now)
    async with app.run_test(size=SIZES.get(name, SIZE)) as pilot:
        await _settle(pilot)
        await scene(pilot)
        await _settle(pilot)
        svg = app.export_screenshot(title=f"mabe-tui: {name}")
    (FOLDER / f"{name}.svg").write_text(portable(svg), encoding="utf-8")
    print(FOLDER / f"{name}.svg")


def main(names: list[str]) -> None:
    """Take the named pictures, or all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or SCENES:
        with tempfile.TemporaryDirectory() as folder:
            os.environ |= {
                "MABE_HOME": f"{folder}/home",
                "MABE_STATE": f"{folder}/state",
                "MABE_REGISTRY": str(registry.default_path()),
                "COLORTERM": "truecolor",
            }
            write_all(Path(folder) / "home")
            asyncio.run(_take(name, SCENES[name]))


if __name__ == "__main__":
    main(sys.argv[1:])
