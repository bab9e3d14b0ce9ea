"""The dashboard's settings file: keys, colours and the theme to start with.

    theme = "light"

    [keys.run]               # a place of docs/keys.md
    export = "^e"            # action = key, or several separated by blanks

    [colours]
    primary = "#5fb3f6"
    curve-0 = "orange"

Everything that it does not know is refused, with the nearest spelling.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.keys import Keys
from textual.theme import Theme

from core.config.strict import nearest
from core.errors import ConfigError
from mabe_tui.tui.key import SIGNS, Key
from mabe_tui.tui.themes import THEMES

TABLES = ("theme", "keys", "colours")
THEME_NAMES = {theme.name.removeprefix("mabe-"): theme.name for theme in THEMES}
OF_A_THEME = (
    "primary", "secondary", "accent", "warning", "error", "success", "foreground", "background",
    "surface", "panel",
)  # fmt: skip
CURVES = tuple(THEMES[0].variables)
MODIFIERS = ("ctrl", "shift", "alt", "super")
NAMED = {sign: name for name, sign in SIGNS.items()} | {" ": "space"}
"""Signs → Textual's names of their keys."""
SPELLINGS = frozenset(SIGNS) | {key.value for key in Keys} | {"space"}


@dataclass(frozen=True)
class DashboardSettings:
    """What the file says; empty if there is none."""

    theme: str | None = None
    """A name in :data:`THEME_NAMES`."""
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Place → action → keys in Textual's spelling, separated by commas."""
    colours: Mapping[str, str] = field(default_factory=dict)


def read_settings(path: Path, table: Mapping[str, tuple[Key, ...]]) -> DashboardSettings:
    """Read the settings; defaults if there is no such file.

    Args:
        path: the file.
        table: the key table, which says what can be bound.

    Raises:
        ConfigError: names the file, the key in it, and the nearest spelling.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return DashboardSettings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        return _settings(found, table)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _settings(found: dict[str, Any], table: Mapping[str, tuple[Key, ...]]) -> DashboardSettings:
    for name in found:
        if name not in TABLES:
            raise ConfigError(f"no setting {name!r}{nearest(name, TABLES)}")
    theme = found.get("theme")
    if theme is not None and theme not in THEME_NAMES:
        raise ConfigError(f"theme: no theme {theme!r}{nearest(str(theme), THEME_NAMES)}")
    keys = {
        place: _keys(place, _table(rows, f"keys.{place}"), table)
        for place, rows in _table(found.get("keys", {}), "keys").items()
    }
    rebound(table, keys)  # refuses two actions of one place on one key
    colours = _table(found.get("colours", {}), "colours")
    for name, value in colours.items():
        _check_colour(name, value)
    return DashboardSettings(theme, keys, colours)


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{name}: must be a table, [{name}]")
    return value


def _keys(
    place: str, rows: Mapping[str, object], table: Mapping[str, tuple[Key, ...]]
) -> dict[str, str]:
    """Return action → keys of one place, in Textual's spelling."""
    if place not in table:
        raise ConfigError(f"keys: no place {place!r}{nearest(place, table)}")
    actions = [key.action for key in table[place]]
    bound = {}
    for name, value in rows.items():
        at = f"keys.{place}.{name}"
        if name not in actions:
            raise ConfigError(f"{at}: no action {name!r}{nearest(name, actions)}")
        if not isinstance(value, str) or not value.split():
            raise ConfigError(f'{at}: write a key, such as "x", "^e" or "f2"')
        bound[name] = ",".join(_spelling(word, at) for word in value.split())
    return bound


def _spelling(word: str, at: str) -> str:
    """Return a key in Textual's spelling.

    Raises:
        ConfigError: there is no such key; names the nearest.
    """
    if word in NAMED:
        return NAMED[word]
    *modifiers, base = word.replace("^", "ctrl+", 1).split("+")
    is_known = re.fullmatch(r"[a-zA-Z0-9]", base) or base in SPELLINGS
    if is_known and all(one in MODIFIERS for one in modifiers):
        return "+".join([*modifiers, base])
    raise ConfigError(f"{at}: no key {word!r}{nearest(word, sorted(SPELLINGS))}")


def _check_colour(name: str, value: object) -> None:
    """Raise a ConfigError for a colour that does not exist, or has a name that themes do not use."""
    known = (*OF_A_THEME, *CURVES)
    if name not in known:
        raise ConfigError(f"colours: no colour {name!r}{nearest(name, known)}")
    try:
        Color.parse(str(value))
    except ColorParseError as error:
        raise ConfigError(
            f'colours.{name} = {value!r}: write "#rrggbb" or the name of a colour'
        ) from error


def rebound(
    table: Mapping[str, tuple[Key, ...]], keys: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[Key, ...]]:
    """Return a key table with other keys for some actions.

    Raises:
        ConfigError: two actions of a place would have one key.
    """
    changed = dict(table)
    for place, bound in keys.items():
        changed[place] = tuple(
            replace(key, keys=bound[key.action], shown=None) if key.action in bound else key
            for key in table[place]
        )
        taken: dict[str, str] = {}
        for key in changed[place]:
            for name in key.keys.split(","):
                if taken.setdefault(name, key.action) != key.action:
                    raise ConfigError(
                        f"keys.{place}: {taken[name]} and {key.action} are both {name!r};"
                        " give one of them another key"
                    )
    return changed


def coloured(theme: Theme, colours: Mapping[str, str]) -> Theme:
    """Return a theme in other colours."""
    own: dict[str, Any] = {name: value for name, value in colours.items() if name in OF_A_THEME}
    curves = {name: value for name, value in colours.items() if name not in OF_A_THEME}
    return replace(theme, **own, variables={**theme.variables, **curves})
