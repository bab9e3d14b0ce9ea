"""Kaggle credentials from the environment or ``~/.kaggle``; never stored, never shown."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.errors import ConfigError
from core.system.encoding import decode_text

PAIRS = (("KAGGLE_USERNAME", "KAGGLE_KEY"), ("KAGGLE_KEY_USERNAME", "KAGGLE_KEY_SECRET"))
TOKEN = "KAGGLE_API_TOKEN"
TOKEN_FILES = ("access_token", "access_token.txt")
LEGACY_FILE = "kaggle.json"
HOW = "make a token at kaggle.com/settings and save it as ~/.kaggle/kaggle.json"


class Credentials(msgspec.Struct, frozen=True):
    """Either a token, or a user name and a key."""

    source: str
    """Where they were found; the only field that may be shown."""
    token: str | None = None
    username: str | None = None
    key: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.source})"


def find_credentials(environment: Mapping[str, str], home: Path) -> Credentials | None:
    """Search the environment, then the files of Kaggle's own client; return ``None`` if there are none.

    Raises:
        ConfigError: a file exists but cannot be read; names it.
    """
    if token := environment.get(TOKEN):
        return Credentials(f"{TOKEN} is set", token=token)
    for name, key in PAIRS:
        if environment.get(name) and environment.get(key):
            return Credentials(
                f"{name} and {key} are set", username=environment[name], key=environment[key]
            )
    folder = Path(environment.get("KAGGLE_CONFIG_DIR") or home / ".kaggle")
    for file in TOKEN_FILES:
        if (folder / file).is_file() and (token := _text(folder / file).strip()):
            return Credentials(f"{folder / file} is there", token=token)
    if (folder / LEGACY_FILE).is_file():
        return _legacy(folder / LEGACY_FILE)
    return None


def _legacy(path: Path) -> Credentials:
    try:
        table = json.loads(_text(path))
        return Credentials(f"{path} is there", username=table["username"], key=table["key"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path}: holds no username and key; {HOW}") from error


def _text(path: Path) -> str:
    try:
        return decode_text(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read; {HOW}") from error
