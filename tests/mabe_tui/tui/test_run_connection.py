"""The run screen of a remote run reports a lost connection and the next retry."""

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from core.run.rundir import RunDir
from mabe_tui.launch.launcher import CONNECTED, Connection, Tell
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.tui.widgets.run_header import RunHeader
from tests.mabe_tui.tui.conftest import SMALL, MakeApp
from tests.mabe_tui.tui.run_screen import Going, opened, until


async def test_lost_connection_is_told_until_it_is_back(
    make_app: MakeApp, recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells: list[Tell] = []

    def following(_: LocalLauncher, run: RunDir, tell: Tell) -> AbstractContextManager[object]:
        tells.append(tell)
        return nullcontext()

    monkeypatch.setattr(LocalLauncher, "following", following)
    Going(RunDir(next((recorded / "runs").glob("*-cc42")))).begin()
    async with make_app().run_test(size=SMALL) as pilot:
        standing = (await opened(pilot)).query_one(RunHeader)
        await until(pilot, lambda: tells)
        assert "log:" not in standing.text
        tells[-1](Connection("Modal cannot be reached", time.monotonic() + 3600))
        await until(pilot, lambda: "Modal cannot be reached" in standing.text)
        (line,) = [line for line in standing.text.splitlines() if line.startswith("log:")]
        assert line.startswith("log: again in 3")
        tells[-1](CONNECTED)
        await until(pilot, lambda: "log:" not in standing.text)
        tells[-1](Connection("the disk is full"))
        await until(pilot, lambda: "log: no longer followed: the disk is full" in standing.text)
