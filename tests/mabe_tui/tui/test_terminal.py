"""The dashboard in a real terminal over real training: tmux types and reads the screen."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core.config import registry
from core.run.rundir import RunDir
from mabe_tui.cli.dashboard import SELF
from mabe_tui.launch.launcher import RunState
from mabe_tui.launch.local_launcher import LocalLauncher
from mabe_tui.runs.store import RunStore
from tests.mabe_tui.tui.conftest import SMALL
from tests.waiting import LONG, wait_for

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed: there is no terminal to hold"
)
QUICK = """
[presets.quick]
title = "so small that an epoch takes no time, and so many that it does not end by itself"
[presets.quick.data]
synthetic_videos = 4
synthetic_frames = 400
[presets.quick.training]
epochs = 9999
"""
EPOCH = re.compile(r"epoch (\d+)/9999")


class Terminal:
    """A tmux of its own with one window, which runs the dashboard."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._tmux = ["tmux", "-u", "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._environment = environment

    def open(self, *arguments: str) -> None:
        """Open the dashboard."""
        width, height = map(str, SMALL)
        size = ["-x", width, "-y", height]
        command = [sys.executable, "-c", SELF, *arguments]
        subprocess.run(
            [*self._tmux, "new-session", "-d", *size, *command], env=self._environment, check=True
        )

    def _ask(self, *arguments: str) -> str:
        done = subprocess.run([*self._tmux, *arguments], capture_output=True, text=True)
        return done.stdout

    def press(self, *keys: str) -> None:
        """Send keys by tmux's names, or text."""
        self._ask("send-keys", *keys)

    def screen(self) -> str:
        """Return what is shown; nothing where the dashboard has ended."""
        return self._ask("capture-pane", "-p")

    def expect(self, shown: Callable[[str], bool] | str) -> str:
        """Wait until something is shown; return the screen."""
        asked = (lambda screen: shown in screen) if isinstance(shown, str) else shown
        screens: list[str] = []

        def is_shown() -> bool:
            screens.append(self.screen())
            return asked(screens[-1])

        wait_for(is_shown, problem=lambda: f"{shown} is not shown:\n{screens[-1]}")
        return screens[-1]

    def dashboard(self) -> psutil.Process:
        """Return the process of the dashboard."""
        return psutil.Process(int(self._ask("display-message", "-p", "#{pane_pid}")))

    def close(self) -> None:
        """End whatever is left."""
        self._ask("kill-server")


@pytest.fixture
def terminal(recorded: Path, launcher: LocalLauncher, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal over recorded runs, and a registry with a preset for impatient people."""
    file = tmp_path / registry.FILE_NAME
    file.write_text(registry.default_path().read_text() + QUICK)
    changed = {"MABE_REGISTRY": str(file), "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
    terminal = Terminal(tmp_path, {**os.environ, **changed})
    yield terminal
    terminal.close()


def launch_v1(terminal: Terminal, home: Path) -> RunDir:
    """Launch v1 from the form, all keys sent at once, and wait until its run is open."""
    terminal.expect("v7")
    terminal.press("Home", "lquick", "C-l")
    terminal.expect(lambda screen: EPOCH.search(screen) is not None)
    return RunStore(home).find("v1").run


def epoch(screen: str) -> int:
    """Return the epoch that a screen says."""
    found = EPOCH.search(screen)
    return int(found[1]) if found else -1


def test_launched_watched_stopped_compared(
    terminal: Terminal, recorded: Path, launcher: LocalLauncher
) -> None:
    terminal.open()
    run = launch_v1(terminal, recorded)
    early = terminal.expect(lambda screen: epoch(screen) >= 3)
    later = terminal.expect(lambda screen: epoch(screen) >= epoch(early) + 5)
    assert curve(early) != curve(later)
    terminal.press("S")
    terminal.expect(f"stop v1-{run.id[-4:]}?")
    terminal.press("y")
    terminal.expect(f"{run.id}  stopped")
    assert launcher.state(run) is RunState.STOPPED
    terminal.press("Escape")
    terminal.expect("experiments")
    terminal.press("Space")
    terminal.expect("●  v1")
    for _ in range(3):
        terminal.press("Down")
    terminal.press("Space")
    terminal.expect("●  v5")
    terminal.press("c")
    terminal.expect("v5 − v1: no verdict: their validation sets differ")
    terminal.press("C-q")
    wait_for(lambda: not terminal.screen())


def test_killed_the_run_does_not_notice(
    terminal: Terminal, recorded: Path, launcher: LocalLauncher
) -> None:
    terminal.open()
    run = launch_v1(terminal, recorded)
    dashboard = terminal.dashboard()
    dashboard.kill()
    dashboard.wait(LONG)
    before = [event.seq for event in run.events()]
    wait_for(lambda: sum(1 for _ in run.events()) > len(before) + 20)
    seqs = [event.seq for event in run.events()]
    assert seqs == list(range(1, len(seqs) + 1))
    assert launcher.state(run) is RunState.RUNNING
    terminal.open("last")
    screen = terminal.expect(lambda screen: epoch(screen) > 0)
    assert run.id in screen
    terminal.press("C-q")
    launcher.stop(run, LONG)


def curve(screen: str) -> list[str]:
    """Return the lines that hold Braille."""
    return [line for line in screen.splitlines() if re.search("[\u2801-\u28ff]", line)]
