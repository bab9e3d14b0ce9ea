"""The dashboard in a browser: one process a tab, for this computer and whoever has the address only.

textual-serve has no login, and takes a websocket from any page that a browser shows. A dashboard starts
runs that cost money, so only the address with the token opens it, and only from itself.
"""

import asyncio
import hmac
import secrets
import socket

from aiohttp import web  # what textual-serve is made of
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

from core.errors import ConfigError

HOST = "127.0.0.1"
SECONDS_TO_CLOSE = 5.0


class DashboardServer(Server):
    """Serves a command that opens a dashboard.

    Args:
        command: for the shell; started once a tab.
        port: where to listen; 0 takes a free one.

    Raises:
        ConfigError: the port cannot be had.
    """

    def __init__(self, command: str, port: int) -> None:
        self._socket = _listen(port)
        super().__init__(command, HOST, self._socket.getsockname()[1], title="mabe")
        self._token = secrets.token_urlsafe(16)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"{self.public_url}/?token={self._token}"

    def run(self) -> None:
        """Serve until Ctrl-C or a signal to end."""
        web.run_app(
            self._make_app(),
            sock=self._socket,
            shutdown_timeout=SECONDS_TO_CLOSE,
            access_log=None,
            print=None,
            loop=asyncio.new_event_loop(),
        )

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: whoever started it has told the address."""

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._guard())
        return app

    def _guard(self) -> Middleware:
        cookie = f"mabe-{self.port}"  # cookies know no ports

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            given = request.query.get("token") or request.cookies.get(cookie, "")
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                raise web.HTTPForbidden(text="open the address that mabe-tui --serve printed\n")
            # A name that resolves to this computer, or a page from elsewhere, is someone else's.
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
        """Let the page load what comes from here and nothing else: its template names a font elsewhere."""
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
