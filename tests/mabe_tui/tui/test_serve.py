"""The dashboard in a browser: over real local sockets, with a client in place of the browser."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from aiohttp import ClientSession, CookieJar, WSMsgType

from core.errors import ConfigError
from mabe_tui.cli.dashboard import SELF
from mabe_tui.tui.serve import HOST, DashboardServer
from tests.waiting import LONG


@pytest.fixture
def served(recorded: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that serves the recorded runs; it has no terminal."""
    command = [sys.executable, "-c", SELF, "--serve", "--port", "0", "--readonly"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    yield process
    process.kill()
    process.wait()


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


async def shown(client: ClientSession, address: str, text: bytes) -> list[psutil.Process]:
    """Open a tab until it shows a text; return the processes that there are then."""
    seen = b""
    async with client.ws_connect(f"{address}/ws?width=100&height=30") as tab:
        while text not in seen:
            message = await tab.receive(timeout=LONG)
            assert message.type is WSMsgType.BINARY, (message, seen)
            seen += message.data
        return [p for p in psutil.Process().children(recursive=True) if is_ours(p)]


def is_ours(process: psutil.Process) -> bool:
    """Whether a process is still there and runs this program."""
    try:
        return SELF in process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


async def test_a_tab_is_a_dashboard_and_ctrl_c_ends_all(served: subprocess.Popen[str]) -> None:
    address = address_of(served)
    parts = urlsplit(address)
    assert parts.hostname == HOST
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        async with client.get(address) as page:
            assert page.status == 200
            assert "connect-src 'self' ws://127.0.0.1" in page.headers["Content-Security-Policy"]
            assert "textual.js" in await page.text()
        running = await shown(client, f"http://{parts.netloc}", b"experiments")
        assert len(running) == 2
    served.send_signal(signal.SIGINT)
    assert served.wait(LONG) == 0
    _, alive = psutil.wait_procs(running, LONG)
    assert not alive


async def test_nobody_else_gets_in(served: subprocess.Popen[str]) -> None:
    address = address_of(served)
    base, _, token = address.partition("/?")
    refused = [
        (f"{base}/", {}),
        (f"{base}/ws", {}),
        (f"{base}/?token=guess", {}),
        (address, {"Origin": "http://evil.example"}),
        (f"{base}/ws?{token}", {"Origin": "http://evil.example"}),
        (address, {"Host": "evil.example"}),
    ]
    async with ClientSession() as client:
        for url, headers in refused:
            async with client.get(url, headers=headers) as answer:
                assert answer.status == 403, (url, headers)


def test_a_taken_port_is_said() -> None:
    first = DashboardServer("true", 0)
    with pytest.raises(ConfigError, match=f"--port {first.port}: Address already in use"):
        DashboardServer("true", first.port)
