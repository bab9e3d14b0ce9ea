"""The process that stand-in containers are forked from (``container_init.py``), and handles to them."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

INIT = Path(__file__).parent / "container_init.py"
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")
"""What a container has of this process's environment."""


class ContainerProcess:
    """The first process of a container, with what is used here of ``asyncio``'s processes."""

    def __init__(
        self, pid: int, output: asyncio.StreamReader, connection: asyncio.StreamWriter
    ) -> None:
        self.pid, self.stdout, self._connection = pid, output, connection
        self.is_running = True
        """Until its end has been seen."""

    async def wait(self) -> None:
        """Wait until it has ended, and all that it held."""
        await self.stdout.read()
        self._connection.close()
        self.is_running = False

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class ContainerServer:
    """Forks containers; started when the first is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._address = ""
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, folder: Path, environment: dict[str, str]) -> ContainerProcess:
        """Start Modal's entry point in a folder, with an environment and no other."""
        if self._process is None:
            self._serve()
        output, writer = await asyncio.open_unix_connection(self._address)
        asked = {"folder": str(folder), "environment": environment}
        writer.write(json.dumps(asked).encode() + b"\n")
        return ContainerProcess(int(await output.readline()), output, writer)

    def close(self) -> None:
        """End the process, and with it all containers."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _serve(self) -> None:
        self._address = str(self._folder / "c")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._address)
        listener.listen()
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        with listener:
            self._process = subprocess.Popen(
                [sys.executable, str(INIT)],
                stdin=listener,
                cwd=self._folder,
                env=kept
                | {
                    "HOME": str(self._folder),
                    "MODAL_IS_REMOTE": "1",
                    "MODAL_CONFIG_PATH": str(self._folder / "none"),
                },
            )
