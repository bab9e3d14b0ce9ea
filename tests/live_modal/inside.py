"""What runs inside Modal for ``make live-modal``: functions that print what happens to them.

Only the standard library and ``modal`` are in the image.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import modal

MARK = "mabe-live"
MOUNT = "/live"
TICK_SECONDS = 0.5


def say(*words: object) -> None:
    """Print a line that the client looks for."""
    print(MARK, *words, flush=True)


def speak(name: str) -> str:
    """Print a line from this process and one from a child of it."""
    say(name, "parent")
    child = f"print({MARK!r}, {name!r}, 'child', flush=True)"
    subprocess.run([sys.executable, "-c", child], check=True)
    return name


def endure(name: str, seconds: float) -> str:
    """Go on for so long whatever comes, and print each sign of it with the time since the beginning."""
    began = time.monotonic()

    def since() -> str:
        return f"{time.monotonic() - began:.1f}"

    def note(number: int, _frame: FrameType | None) -> None:
        say(name, "told", signal.Signals(number).name, since())

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    say(name, "begun", since())
    while time.monotonic() - began < seconds:
        try:
            time.sleep(TICK_SECONDS)
            say(name, "tick", since())
        except BaseException as error:  # a cancellation is raised wherever the function is
            say(name, "told", type(error).__name__, since())
    say(name, "through", since())
    return name


def die_once(name: str, volume: modal.Volume) -> str:
    """Kill this container where no earlier one of the same name was killed."""
    volume.reload()
    marker = Path(os.environ.get("MABE_MOUNT_ROOT", "/")) / MOUNT.lstrip("/") / name
    if marker.exists():
        say(name, "again")
        return "again"
    marker.write_text("was here")
    volume.commit()
    say(name, "dies")
    os.kill(os.getpid(), signal.SIGKILL)
    return ""
