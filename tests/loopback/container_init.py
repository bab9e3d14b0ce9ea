"""The first process of a stand-in container: ends all that is in it, whatever ends first.

``python container_init.py COMMAND…`` runs the command in a process group of its own. When the command
ends, or the server that started us dies, or we are sent SIGTERM, the whole group is killed. SIGINT, which
is how a preemption is announced, goes to the command alone.
"""

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> int:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # who runs in the background ignores it
        os.execv(sys.argv[1], sys.argv[1:])
    with contextlib.suppress(OSError):
        os.setpgid(child, child)

    def kill(*_: object) -> None:
        with contextlib.suppress(OSError):
            os.killpg(child, signal.SIGKILL)

    def tell(number: int, _frame: object) -> None:
        with contextlib.suppress(OSError):
            os.kill(child, number)

    signal.signal(signal.SIGTERM, kill)
    signal.signal(signal.SIGINT, tell)
    _, status = os.waitpid(child, 0)
    kill()
    return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(main())
