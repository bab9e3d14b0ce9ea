"""Completions for a partly typed filter: keys, and values that runs have."""

import re
from collections.abc import Iterable

from mabe_tui.runs.listing.fields import Fields, Row, UnknownFieldError
from mabe_tui.runs.listing.query import KEYWORDS

EXAMPLES = (
    ("score > 0.4 and gpu == H100", "what leads, at the best epoch; loss, best.loss, smoothed.loss"),
    ("version in (v5, v6)", "one of several; not in"),
    ("state == running or tag:sweep", "a tag; note:bad, a text that is held"),
    ("note ~ 'bad|odd'", "a regular expression"),
    ("created < 2d and time > 2h30m", "younger than two days; durations: s m h d w"),
    ("not (cost > 5 or loss == nan)", "none: not known, nan: not a number"),
    ("batch_size == 32", "any setting, by the last part of its key"),
    ("k3f9", "id, version, tags or note hold it"),
)  # fmt: skip
"""Example filters, with what each shows."""
_BEGUN = re.compile(r"""[^\s()<>=!~,"':]*$""")
_KEY_BEFORE = re.compile(
    r"""(?P<key>[^\s()<>=!~,"':]+)(?:\s*(?:==|=|!=)\s*|:|\s+(?:not\s+)?in\s*\([^()]*)["']?$"""
)


def completed(text: str, fields: Fields, rows: Iterable[Row]) -> str | None:
    """Complete the last word of a filter; ``None`` if there is no completion.

    After ``KEY ==``, ``!=``, ``:`` or ``in (`` the completion is a value that some run has; elsewhere a key.
    Keys that begin with the word come before keys whose last part does.

    Args:
        text: the text before the cursor.
        fields: the known keys.
        rows: the rows of the runs.
    """
    begun = _BEGUN.search(text)
    assert begun is not None  # it may be empty
    word, before = begun[0], text[: begun.start()]
    found = _KEY_BEFORE.search(before)
    if found is None and not word:
        return None
    words = _keys(fields) if found is None else _values(found["key"], fields, rows)
    chosen = _first(words, word)
    return None if chosen is None else before + chosen


def _first(words: Iterable[str], begun: str) -> str | None:
    longer = [word for word in words if word != begun]
    return next(
        (word for word in longer if word.startswith(begun)),
        next((word for word in longer if word.rpartition(".")[2].startswith(begun)), None),
    )


def _keys(fields: Fields) -> list[str]:
    return [*fields.aliases, *fields.keys, *KEYWORDS]


def _values(name: str, fields: Fields, rows: Iterable[Row]) -> list[str]:
    try:
        key = fields.resolve(name)
    except UnknownFieldError:
        return []
    found: dict[str, None] = {}
    for row in rows:
        value = row.get(key)
        texts = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
        found |= dict.fromkeys(text if text.isprintable() else "" for text in texts)
    return [f'"{text}"' if re.search(r"""[\s(),"']""", text) else text for text in found if text]
