"""Run installers: their progress on one line, and their last lines where they fail."""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHECK_SECONDS = 60.0
"""Limit for asking an index whether it has a build of torch."""
PLAIN_SECONDS = 5.0
"""Between two lines of progress where the output is no terminal."""
TAIL_LINES = 20
DETAIL = (
    "+ ", "- ", "~ ", "Attempting", "Found existing", "Looking in", "Requirement already",
    "Successfully uninstalled", "Uninstalling", "WARNING: Location",
)  # fmt: skip
"""Beginnings of lines that are no progress."""
BEGUN, ENDED = (
    re.compile(r"\s*Downloading (\S+) \(([\d.]+\wiB)\)$"),
    re.compile(r"\s*Downloaded (\S+)$"),
)


class Downloads:
    """The downloads of uv that have begun and not ended; the end of one says nothing of the others."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}

    def read(self, line: str) -> str:
        """Read a line; return one that names all open downloads, or the line where there are none."""
        begun, ended = BEGUN.match(line), ENDED.match(line)
        if begun:
            self._open[begun[1]] = f"{begun[1]} ({begun[2]})"
        elif ended:
            self._open.pop(ended[1], None)
        return f"Downloading {', '.join(self._open.values())}" if self._open else line


class Progress:
    """One line with the seconds so far and the installer's newest line, kept up to date.

    On a terminal the line is rewritten; elsewhere a new one is printed every :data:`PLAIN_SECONDS`.
    """

    def __init__(self) -> None:
        self._began = self._printed = time.monotonic()
        self._shown = ""
        self._on_terminal = sys.stdout.isatty()

    @property
    def seconds(self) -> float:
        """Seconds since this began."""
        return time.monotonic() - self._began

    def show(self, line: str) -> None:
        """Show the newest line of an installer."""
        text = f"      {self.seconds:3.0f} s  {line.strip()}"
        if self._on_terminal:
            width = shutil.get_terminal_size().columns - 1
            if text != self._shown:
                self._shown = text
                print(f"\r\x1b[2K{text[:width]}", end="", flush=True)
        elif time.monotonic() - self._printed >= PLAIN_SECONDS:
            self._printed = time.monotonic()
            print(text[:120], flush=True)

    def clear(self) -> None:
        """Remove the line from a terminal."""
        if self._on_terminal:
            print("\r\x1b[2K", end="", flush=True)


def say(words: str) -> None:
    """Print one line of the set-up."""
    print(words, flush=True)


def follow(
    command: list[str], variables: dict[str, str] | None = None, last: int = TAIL_LINES
) -> bool:
    """Run an installer and show its progress; where it fails, print the end of what it said.

    Args:
        command: the program and its arguments.
        variables: added to the environment.
        last: how many of its lines are printed where it fails.

    Returns:
        Whether it succeeded.
    """
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **(variables or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
    )  # fmt: skip
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    progress, downloads, newest = Progress(), Downloads(), "starting"
    tail: deque[str] = deque(maxlen=last)
    while True:
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            line = ""
        if line is None:
            break
        if line and not line.lstrip().startswith(DETAIL):
            tail.append(line)
            newest = downloads.read(line)
        progress.show(newest)
    progress.clear()
    if process.wait() == 0:
        return True
    say("\n".join(f"      {line}" for line in tail))
    return False


def succeeds(command: list[str], variables: dict[str, str] | None = None) -> bool:
    """Run a short command without showing anything; return whether it succeeded."""
    try:
        result = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **(variables or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=CHECK_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0
