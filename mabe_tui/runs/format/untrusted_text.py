"""Words that strangers wrote, in logs and in names: what a terminal may be shown of them."""

import json
import re

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, links, clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # device control and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor movements
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all but tab and new line
    r"\u200e\u200f\u2028-\u202e\u2066-\u2069]"  # lines, and the order in which letters are shown
)
_IN_JSON = re.compile(r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7e]")
TAB = 4


def neutral(text: str) -> str:
    """Return a text without terminal sequences and control characters, its line breaks and tabs kept.

    Square brackets stay: what prints a text must not read it as markup.
    """
    if text.isprintable() or not _CONTROLS.search(text):
        return text
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def neutral_json(text: str) -> str:
    """Return the same JSON with escapes in the place of all that :func:`neutral` would take away."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def ascii_json(text: str) -> str:
    """Return the same JSON in ASCII, for a stream that takes nothing else."""
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def plain(raw: bytes) -> str:
    """Return a line without terminal sequences and control characters.

    A progress bar that overwrites itself with carriage returns shows as it last was. Square brackets
    stay: nothing here is ever read as markup.
    """
    if raw.isascii() and (text := raw.decode("ascii")).isprintable():
        return text.rstrip()  # most lines, and ten times as fast
    text = _ESCAPES.sub("", raw.decode("utf-8", "replace")).expandtabs(TAB)
    shown = [part for part in text.split("\r") if part]
    last = shown[-1] if shown else ""
    return "".join(character for character in last if character.isprintable()).rstrip()


def clean(value: object) -> str:
    """Return a value's text for a table: ``–`` for ``None``, ``false`` and ``0`` as themselves."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in _ESCAPES.sub("", text))
