"""Serve the dashboard to browsers on this computer: one process per tab, behind a secret address.

textual-serve has no login and accepts websockets from any page in the browser. A dashboard starts runs
that cost money, so it opens only with the token in the address, and only from its own page.
"""

import asyncio
import hmac
import secrets
import socket

from aiohttp import web  # what textual-serve is built on
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

from core.errors import ConfigError

HOST = "127.0.0.1"
SECONDS_TO_CLOSE = 5.0


class DashboardServer(Server):
    """A web server for a command that opens a dashboard.

    Args:
        command: a shell command, started once per tab.
        port: the port to listen on; 0 picks a free one.

    Raises:
        ConfigError: the port is not available.
    """

    def __init__(self, command: str, port: int) -> None:
        self._socket = _listen(port)
        super().__init__(command, HOST, self._socket.getsockname()[1], title="mabe")
        self._token = secrets.token_urlsafe(16)

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return f"{self.public_url}/?token={self._token}"

    def run(self) -> None:
        """Serve until Ctrl-C or a termination signal."""
        web.run_app(
            self._make_app(),
            sock=self._socket,
            shutdown_timeout=SECONDS_TO_CLOSE,
            access_log=None,
            print=None,
            loop=asyncio.new_event_loop(),
        )

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the caller has already shown the address."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard())
        return app

    def _guard(self) -> Middleware:
        cookie = f"mabe-{self.port}"  # cookies do not distinguish ports

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            given = request.query.get("token") or request.cookies.get(cookie, "")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                raise web.HTTPForbidden(text="open the address that mabe-tui --serve printed\n")
            # Neither another host name for this computer nor a page from elsewhere is trusted.
            own = request.host == f"{HOST}:{self.port}"
            if not own or request.headers.get("Origin", self.public_url) != self.public_url:
                raise web.HTTPForbidden(text=f"open {self.public_url} itself\n")
            response = await handler(request)
            if not response.prepared:
                response.headers["Content-Security-Policy"] = self._allowed()
                response.headers["Referrer-Policy"] = "no-referrer"
                response.set_cookie(cookie, self._token, httponly=True, samesite="Strict")
            return response

        return guard

    def _allowed(self) -> str:
        """Restrict the page to content from this server: its template refers to a remote font."""
        return (
            "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
            f" img-src 'self' data:; connect-src 'self' ws://{HOST}:{self.port}"
        )


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise ConfigError(
            f"--port {port}: {error.strerror or error}; name another, or 0 for any that is free"
        ) from error
