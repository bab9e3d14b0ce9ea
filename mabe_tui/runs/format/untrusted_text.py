"""Sanitise untrusted text, from logs and names, before a terminal shows it."""

import json
import re

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, links, clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # device control and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor movements
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all but tab and newline
    r"\u200e\u200f\u2028-\u202e\u2066-\u2069]"  # line separators and text direction
)
_IN_JSON = re.compile(r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7e]")
TAB = 4


def neutral(text: str) -> str:
    """Return a text without terminal sequences and control characters, keeping line breaks and tabs.

    Square brackets stay: callers that print the text must not parse it as markup.
    """
    if text.isprintable() or not _CONTROLS.search(text):
        return text
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def neutral_json(text: str) -> str:
    """Return the same JSON with everything that :func:`neutral` removes written as escapes."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def ascii_json(text: str) -> str:
    """Return the same JSON in ASCII, for a stream that accepts nothing else."""
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def plain(raw: bytes) -> str:
    """Return a line without terminal sequences and control characters.

    A progress bar that overwrites itself with carriage returns shows its last state. Square brackets
    stay: nothing here is ever parsed as markup.
    """
    if raw.isascii() and (text := raw.decode("ascii")).isprintable():
        return text.rstrip()  # true for most lines, and ten times as fast
    text = _ESCAPES.sub("", raw.decode("utf-8", "replace")).expandtabs(TAB)
    shown = [part for part in text.split("\r") if part]
    last = shown[-1] if shown else ""
    return "".join(character for character in last if character.isprintable()).rstrip()


def clean(value: object) -> str:
    """Return the text of a value for a table: ``–`` for ``None``, ``false`` and ``0`` as themselves."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in _ESCAPES.sub("", text))
