"""What a person may be about to type: settings, their values, folders."""

from pathlib import Path

import msgspec

from core.config.experiment import Experiment, flatten
from core.config.strict import choices, describe, field_type
from mabe_tui.runs.format.settings import spell

MOST = 20
UNOFFERED = ("task", "actions", "classes")
"""Settings that nobody types on one line, and the task, which stays a version's own."""


def settings_like(experiment: Experiment, typed: str) -> list[str]:
    """Give overrides that go on from what was typed.

    Before ``=`` these are settings with the values they have: first those that begin so, then those that
    hold it anywhere. After it, the values that the setting may have, where they can be named.
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
    """Say what the setting that was typed may be; ``None`` where there is no such setting."""
    kind = field_type(type(experiment), typed.partition("=")[0].strip())
    return None if kind is None else describe(kind)


def folders_like(typed: str) -> list[str]:
    """Return the folders whose path begins as typed; none where nothing can be listed."""
    if typed == "~":
        return ["~/"]
    above, slash, begun = typed.rpartition("/")
    shown = above + slash
    try:
        parent = Path(shown).expanduser()
        found = sorted(path.name for path in parent.iterdir() if path.is_dir())
    except (OSError, RuntimeError):  # the second: "~name" of nobody here
        return []
    names = [name for name in found if name.startswith(begun) and (begun or name[0] != ".")]
    return [f"{shown}{name}/" for name in names[:MOST]]


def _values(of: type[Experiment], key: str) -> tuple[str, ...]:
    kind = field_type(of, key)
    return ("true", "false") if kind is bool else choices(kind)


def _written(value: object) -> str:
    """Write a value so that an override reads it as the same."""
    if isinstance(value, list | tuple):
        return msgspec.json.encode(value).decode()
    return spell(value)
