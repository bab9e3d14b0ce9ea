"""Words that strangers wrote, in logs and in names: what a terminal may be shown of them."""

import re

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, links, clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # device control and other strings
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, cursor movements
    r"|\x1b[ -/]*[0-~]?"
)
TAB = 4


def plain(raw: bytes) -> str:
    """Give a line without terminal sequences and control characters.

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
    """Give a value's text for a table: ``–`` for ``None``, ``false`` and ``0`` as themselves."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return "".join(character if character.isprintable() else " " for character in str(value))
