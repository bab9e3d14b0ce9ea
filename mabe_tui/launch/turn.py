"""Waits for a place among several runs of this computer, then becomes the job that was waiting.

``python -m mabe_tui.launch.turn PLACES PID:TIME,… COMMAND …`` replaces itself by COMMAND as soon as fewer
than PLACES of the named processes are alive. It keeps its process number, so that the job is reached by
the number that was launched, and nobody else has to stay for it. A stop meanwhile ends it at once.
"""

import os
import sys
import time
from collections.abc import Sequence

from mabe_tui.launch.process import ProcessReference, is_alive

LOOK_SECONDS = 0.5


def waiting(command: Sequence[str], ahead: Sequence[ProcessReference], places: int) -> list[str]:
    """Give the command that runs ``command`` once fewer than ``places`` of those ahead are alive."""
    if len(ahead) < places:
        return [*command]
    named = ",".join(f"{process.pid}:{process.create_time!r}" for process in ahead)
    return [sys.executable, "-m", "mabe_tui.launch.turn", str(places), named, *command]


def main(places: str, named: str, *command: str) -> None:
    """Wait, then never return."""
    ahead = [_reference(name) for name in named.split(",")]
    while len(ahead := [process for process in ahead if is_alive(process)]) >= int(places):
        time.sleep(LOOK_SECONDS)
    os.execv(command[0], command)


def _reference(name: str) -> ProcessReference:
    pid, _, create_time = name.partition(":")
    return ProcessReference(int(pid), float(create_time))


if __name__ == "__main__":
    main(*sys.argv[1:])
