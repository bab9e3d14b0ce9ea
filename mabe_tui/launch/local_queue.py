"""A queue of runs on this computer: wait for a free slot, then become the job.

``python -m mabe_tui.launch.local_queue PLACES PID:TIME,… COMMAND …`` replaces itself with COMMAND as soon
as fewer than PLACES of the listed processes are alive. Because ``exec`` keeps the process id, the job is
reached under the id that was launched, and no supervisor has to stay alive. A stop request during the
wait ends it.
"""

import os
import sys
import time
from collections.abc import Sequence

from mabe_tui.launch.process import ProcessReference, is_alive

LOOK_SECONDS = 0.5


def waiting(command: Sequence[str], ahead: Sequence[ProcessReference], places: int) -> list[str]:
    """Return a command that runs ``command`` once fewer than ``places`` of the processes ahead are alive."""
    if len(ahead) < places:
        return [*command]
    named = ",".join(f"{process.pid}:{process.create_time!r}" for process in ahead)
    return [sys.executable, "-m", "mabe_tui.launch.local_queue", str(places), named, *command]


def main(places: str, named: str, *command: str) -> None:
    """Wait, then replace this process; never returns."""
    ahead = [_reference(name) for name in named.split(",")]
    while len(ahead := [process for process in ahead if is_alive(process)]) >= int(places):
        time.sleep(LOOK_SECONDS)
    os.execv(command[0], command)


def _reference(name: str) -> ProcessReference:
    pid, _, create_time = name.partition(":")
    return ProcessReference(int(pid), float(create_time))


if __name__ == "__main__":
    main(*sys.argv[1:])
