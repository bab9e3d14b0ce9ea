"""The CPU share of playing a video in the dashboard.

Headless, so the terminal's own work is not included. Two mice of seven keypoints at 30 frames a second.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path

from textual.pilot import Pilot

from core.config import registry
from mabe_tui.runs.session import Session
from mabe_tui.tui.app import MabeApp
from mabe_tui.tui.dashboard import Options
from mabe_tui.tui.screens.video.screen import VideoScreen
from mabe_tui.tui.screens.video.screen import loader as video_loader
from tests.mabe_tui.tui.made_video import made_answer, made_video
from tests.recorded import write_all

SIZES = ((80, 24), (200, 50))
SECONDS = 8.0


async def play(size: tuple[int, int]) -> None:
    """Print the share of a core while a video plays, and while it stands still."""
    app = MabeApp(Session(), Options())
    async with app.run_test(size=size) as pilot:
        app.push_screen(VideoScreen(app.store.entries()[-1].id))
        await _settle(pilot)
        await pilot.press("enter")
        await _settle(pilot)
        still = await _share()
        await pilot.press("n", "space")
        playing = await _share()
    print(f"{size[0]} x {size[1]}: playing {playing:.1%} of a core, standing still {still:.1%}")


async def _share() -> float:
    cpu, wall = time.process_time(), time.monotonic()
    await asyncio.sleep(SECONDS)
    return (time.process_time() - cpu) / (time.monotonic() - wall)


async def _settle(pilot: Pilot[None]) -> None:
    for _ in range(4):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        write_all(home)
        os.environ["MABE_HOME"], os.environ["MABE_STATE"] = str(home), str(home / "state")
        os.environ["MABE_REGISTRY"] = str(registry.default_path())
        video_loader.open_video = lambda _, video_id, *__: made_video(video_id)  # type: ignore[assignment]
        video_loader.predict_video = lambda _, video, *__, **___: made_answer(video)  # type: ignore[assignment]
        for size in SIZES:
            asyncio.run(play(size))


if __name__ == "__main__":
    main()
