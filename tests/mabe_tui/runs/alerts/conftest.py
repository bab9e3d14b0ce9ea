"""A webhook's receiver on this computer, and events to send."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mabe_tui.runs.alerts.message import AlertEvent

NOW = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
TOKEN = "hooks-T0KEN"
EVENT = AlertEvent(
    rule="r", when="failed", run="v6-20261201T000000-k3f9", version="v6", state="failed", time=NOW,
    text="v6-20261201T000000-k3f9 failed: <!channel> & more", values={"cost_usd": float("nan")},
)  # fmt: skip


@dataclass
class Receiver:
    """What a server was sent, and what it answers."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Taken one after the other; then 200."""
    got: list[tuple[str, Message, bytes]] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)
    """Cleared: answers wait until it is set."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()
    told.silent.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append((self.path, self.headers, body))
            told.silent.wait(20)
            status, headers = told.answers.pop(0) if told.answers else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/{TOKEN}"
    yield told
    told.silent.set()
    server.shutdown()
    server.server_close()
    thread.join()
