"""Fork fake jobs from a process that has imported torch, because the import dominates their cost.

Run as a program, it serves on the socket passed as its standard input; :class:`JobServer` starts it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO

OUTPUTS = ("stdout", "stderr")
ROOT = Path(__file__).parents[2]


class Job:
    """A job, with the part of the interface of ``subprocess.Popen`` that tests use."""

    def __init__(self, connection: socket.socket, stdout: IO[str], stderr: IO[str]) -> None:
        self._words = connection.makefile("r")
        self._connection = connection
        self.stdout, self.stderr = stdout, stderr
        self.pid = int(self._words.readline())
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Send a signal unless the job has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has already ended
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def wait(self) -> int:
        """Return the exit code once the job has ended."""
        if self.returncode is None:
            self.returncode = int(self._words.readline())
            self._words.close()
            self._connection.close()
        return self.returncode

    def communicate(self) -> tuple[str, str]:
        """Read the job's output until it ends."""
        said = self.stdout.read(), self.stderr.read()  # its error output fits into a pipe
        self.wait()
        return said

    def close(self) -> None:
        """End the job and close its connection."""
        self.kill()
        self.wait()
        self.stdout.close()
        self.stderr.close()


class JobServer:
    """The process from which jobs are forked."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "s")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._address)
        listener.listen()
        with listener:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.core.job_server"],
                stdin=listener,
                cwd=ROOT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )

    def start(self, *arguments: object, **environment: str) -> Job:
        """Start `fake_job.py` with arguments and additional environment variables."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._address)
        pipes = [os.pipe() for _ in OUTPUTS]
        asked = {"arguments": [*map(str, arguments)], "environment": {**os.environ, **environment}}
        content = json.dumps(asked).encode()
        socket.send_fds(connection, [len(content).to_bytes(4)], [write for _, write in pipes])
        connection.sendall(content)
        for _, write in pipes:
            os.close(write)
        return Job(connection, *(os.fdopen(read) for read, _ in pipes))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def serve() -> None:
    """Fork a process for each connection, which accompanies its job to the end."""
    import pandas  # noqa: F401  # what a job imports late, and what torch does
    import torch

    import core.data.workers
    import core.features.kernel
    import core.tasks.behaviour.build
    import core.tasks.behaviour.inference.predictor
    import core.tasks.build
    import core.training.attempt
    import core.training.follower
    from tests.core import fake_job

    core.data.workers.processors = lambda: 1
    torch.set_num_threads(1)
    torch.optim.AdamW([torch.zeros(1)])
    listener = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, reap)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            see_through(connection, fake_job.run)
            os._exit(0)
        connection.close()


def reap(*_: object) -> None:
    """Wait for ended children, so that their CPU time counts as this process's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def see_through(connection: socket.socket, run) -> None:  # type: ignore[no-untyped-def]
    """Fork the job; send its process id, then its exit code."""
    head, outputs, _, _ = socket.recv_fds(connection, 4, len(OUTPUTS))
    size, content = int.from_bytes(head), b""
    while len(content) < size:
        content += connection.recv(size - len(content))
    asked = json.loads(content)
    child = os.fork()
    if child == 0:
        connection.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, descriptor in enumerate((nothing, *outputs)):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115  # until it ends
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["fake_job.py", *asked["arguments"]]
        code = run(asked["arguments"])
        sys.stdout.flush()
        os._exit(code)
    for descriptor in outputs:
        os.close(descriptor)
    connection.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    serve()
