"""A queue of runs on this computer: wait for a free slot, then become the job.

``python -m mabe_tui.launch.local_queue PLACES PID:TIME,… COMMAND …`` replaces itself with COMMAND as soon
as fewer than PLACES of the named processes are alive. It keeps its process number, so the job is reached
under the number that was launched, and no supervisor has to stay alive. A stop while it waits ends it.
"""

import os
import sys
import time
from collections.abc import Sequence

from mabe_tui.launch.process import ProcessReference, is_alive

LOOK_SECONDS = 0.5


def waiting(command: Sequence[str], ahead: Sequence[ProcessReference], places: int) -> list[str]:
    """Return the command that runs ``command`` once fewer than ``places`` of those ahead are alive."""
    if len(ahead) < places:
        return [*command]
    named = ",".join(f"{process.pid}:{process.create_time!r}" for process in ahead)
    return [sys.executable, "-m", "mabe_tui.launch.local_queue", str(places), named, *command]


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
