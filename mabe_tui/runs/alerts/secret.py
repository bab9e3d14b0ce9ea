"""A webhook's address, which is a secret: whoever knows it can write there.

It is read from an environment variable or a file each time that it is used, and kept nowhere.
"""

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import ConfigError, UserError

ENVIRONMENT, FILE = "env:", "file:"
HIDDEN = "…"


class Secret:
    """Where an address is kept; prints as that, never as the address.

    Args:
        source: ``env:NAME`` or ``file:PATH``.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def __repr__(self) -> str:
        known = self._source.startswith((ENVIRONMENT, FILE))
        return self._source if known else HIDDEN

    def require_source(self, where: str) -> None:
        """Check that the source is one, without reading it.

        Raises:
            ConfigError: it is something else, such as the address itself, which is not repeated.
        """
        kind = next((kind for kind in (ENVIRONMENT, FILE) if self._source.startswith(kind)), None)
        if kind is None or not self._source.removeprefix(kind).strip():
            raise ConfigError(
                f"{where}: name where the address is kept, as in env:MABE_WEBHOOK or"
                " file:~/.config/mabe/webhook; the address itself is a secret"
            )

    def read(self) -> str:
        """Return the address.

        Raises:
            UserError: it is not there, or is none that a secret may be sent to.
        """
        address = self._read().strip()
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError:
            raise UserError(f"{self!r}: not an address") from None
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_near(host))
        if not host or not is_safe or any(c.isspace() or not c.isprintable() for c in address):
            raise UserError(
                f"{self!r}: must hold an address that begins with https:// (or, in the own network, http://)"
            )
        if parts.username is not None:
            raise UserError(f"{self!r}: holds a user name; use an address with a token in its path")
        return address

    def _read(self) -> str:
        if self._source.startswith(ENVIRONMENT):
            name = self._source.removeprefix(ENVIRONMENT)
            if not (value := os.environ.get(name)):
                raise UserError(f"{self!r}: the environment variable is not set")
            return value
        path = Path(self._source.removeprefix(FILE)).expanduser()
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise UserError(f"{self!r}: cannot be read ({reason})") from None


def _is_near(host: str) -> bool:
    """Return whether a host is this computer, or by its number in the own network."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
