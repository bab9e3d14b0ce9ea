"""Stand-in for Kaggle's competition downloads, where Kaggle's own client expects a test server."""

import hashlib
import io
import tempfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

from filelock import FileLock

PORT = 7777
"""The one that the client has for ``KAGGLE_API_ENVIRONMENT=TEST``."""


def archive(files: Mapping[str, bytes]) -> bytes:
    """Make a zip file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return content.getvalue()


@contextmanager
def kaggle_serving(content: bytes) -> Iterator["KaggleServer"]:
    """Serve an archive; the client knows one port for tests only, so one test at a time has it."""
    lock = Path(tempfile.gettempdir()) / f"mabe-test-{PORT}.lock"
    with FileLock(lock), KaggleServer(content) as server:
        yield server


class KaggleServer:
    """Serves one archive; ``status`` refuses, ``break_after`` breaks a download off, once a number."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.status = 200
        self.headers: dict[str, str] = {}
        self.break_after: list[int] = []
        self.served: list[tuple[int, int]] = []
        """Ranges that were begun: first byte, and how many were sent."""
        self.hold_after: int | None = None
        """The next download stops after so many bytes, until it is let go on."""
        self.go_on = threading.Event()
        self.authorization: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", PORT), self._handler())

    def __enter__(self) -> "KaggleServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        served_by = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                served_by.redirect(self)

            def do_GET(self) -> None:
                served_by.serve(self)

            def log_message(self, *_: object) -> None:
                return

        return Handler

    def redirect(self, request: BaseHTTPRequestHandler) -> None:
        """Refuse, or say where the archive is, as Kaggle does."""
        self.authorization.append(request.headers.get("Authorization", ""))
        if self.status != 200:
            request.send_response(self.status)
            for name, value in self.headers.items():
                request.send_header(name, value)
        else:
            request.send_response(302)
            request.send_header("Location", f"http://localhost:{PORT}/archive.zip")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Send the archive, or the rest of it."""
        asked = request.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = self.content[start:]
        request.send_response(206 if asked else 200)
        request.send_header("Content-Type", "application/zip")
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Accept-Ranges", "bytes")
        request.send_header("ETag", hashlib.sha256(self.content).hexdigest())
        request.end_headers()
        sent = body[: self.break_after.pop(0)] if self.break_after else body
        self.served.append((start, len(sent)))
        held, self.hold_after = self.hold_after, None
        try:
            request.wfile.write(sent[:held])
            request.wfile.flush()
            if held is not None:
                self.go_on.wait()
                request.wfile.write(sent[held:])
        except OSError:  # whoever asked has gone
            request.close_connection = True
        if len(sent) < len(body):
            request.close_connection = True
