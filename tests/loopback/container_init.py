"""The init processes of stand-in containers, forked from a process that has imported ``modal``.

The import is most of a container's start-up cost. As a program it serves on the socket that is its
standard input, until the process that started it exits. For each connection it forks the init process of
a container, which sends its process id and uses the connection as its output. The init process forks the
entry point of ``modal`` into a process group of its own. When the entry point exits, the server dies, or
the init process receives SIGTERM, the whole group is killed. SIGINT, which announces a preemption, goes to
the entry point alone.
"""

import contextlib
import ctypes
import io
import json
import os
import runpy
import signal
import socket
import sys

ENTRY_POINT = "modal._container_entrypoint"
HEARD = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1


def serve() -> None:
    """Fork a first process for each connection; return in those that become an entry point."""
    listener = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, reap)
    while True:
        connection, _ = listener.accept()
        parent = os.getpid()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            end_with_parent(parent)
            listener.detach()  # descriptor 0, which is replaced below
            with connection.makefile("r") as words:
                asked = json.loads(words.readline())
            signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)  # until somebody listens
            connection.sendall(f"{os.getpid()}\n".encode())
            nothing = os.open(os.devnull, os.O_RDONLY)
            for number, descriptor in enumerate(
                (nothing, connection.fileno(), connection.fileno())
            ):
                os.dup2(descriptor, number)
            os.close(nothing)
            connection.close()
            child = os.fork()
            if child != 0:
                os._exit(see_through(child))
            become(**asked)
            return
        connection.close()


def reap(*_: object) -> None:
    """Wait for those that have ended, so that what they cost is counted as this process's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def end_with_parent(parent: int) -> None:
    """Ask for SIGTERM when the parent ends; end at once where it has."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def see_through(child: int) -> int:
    """Wait for the entry point, then kill what is left of its group; return its exit code."""
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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
    _, status = os.waitpid(child, 0)
    kill()
    return os.waitstatus_to_exitcode(status) & 0xFF


def become(folder: str, environment: dict[str, str]) -> None:
    """Be as a program that was started in a folder with an environment."""
    os.setpgid(0, 0)
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # who runs in the background ignores it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    for number, name in ((1, "stdout"), (2, "stderr")):
        raw = io.FileIO(number, "w", closefd=False)
        setattr(sys, name, io.TextIOWrapper(raw, "utf-8", write_through=True))


if __name__ == "__main__":
    end_with_parent(os.getppid())
    runpy.run_module(ENTRY_POINT)  # under another name it only imports
    serve()
    sys.argv = [ENTRY_POINT]
    runpy.run_module(ENTRY_POINT, run_name="__main__", alter_sys=True)
