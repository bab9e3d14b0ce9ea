"""Completions for a partly typed word: settings, their values, folders."""

from pathlib import Path

import msgspec

from core.config.experiment import Experiment, flatten
from core.config.strict import choices, describe, field_type
from mabe_tui.runs.format.settings import spell

MOST = 20
UNOFFERED = ("task", "actions", "classes")
"""Settings too long for one line, and the task, which a version never changes."""


def settings_like(experiment: Experiment, typed: str) -> list[str]:
    """Return the overrides that complete the typed text.

    Before ``=`` these are settings with their current values: those that begin with the text, then those
    that contain it. After ``=`` they are the allowed values, if these can be listed.
    """
    key, equals, begun = typed.strip().partition("=")
    if equals:
        return [
            f"{key}={value}"
            for value in _values(type(experiment), key.strip())
            if value.startswith(begun.strip())
        ]
    settings = {
        path: value
        for path, value in flatten(experiment).items()
        if path.partition(".")[0] not in UNOFFERED
    }
    first = [path for path in settings if path.startswith(key)]
    others = [path for path in settings if key in path and path not in first]
    return [f"{path}={_written(settings[path])}" for path in [*first, *others][:MOST]]


def allowed(experiment: Experiment, typed: str) -> str | None:
    """Describe the values that the typed setting allows; ``None`` if there is no such setting."""
    kind = field_type(type(experiment), typed.partition("=")[0].strip())
    return None if kind is None else describe(kind)


def folders_like(typed: str) -> list[str]:
    """Return the folders whose path begins with the text; none if nothing can be listed."""
    if typed == "~":
        return ["~/"]
    above, slash, begun = typed.rpartition("/")
    shown = above + slash
    try:
        parent = Path(shown).expanduser()
        found = sorted(path.name for path in parent.iterdir() if path.is_dir())
    except (OSError, RuntimeError):  # the second: "~name" of an unknown user
        return []
    names = [name for name in found if name.startswith(begun) and (begun or name[0] != ".")]
    return [f"{shown}{name}/" for name in names[:MOST]]


def _values(of: type[Experiment], key: str) -> tuple[str, ...]:
    kind = field_type(of, key)
    return ("true", "false") if kind is bool else choices(kind)


def _written(value: object) -> str:
    """Write a value so that an override parses back to it."""
    if isinstance(value, list | tuple):
        return msgspec.json.encode(value).decode()
    return spell(value)
