"""How long the trash keeps what was removed: ``[trash]`` in the registry."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from core.config.registry import Registry
from core.config.strict import convert
from core.config.toml_lines import line_of
from core.errors import ConfigError

KEPT_DAYS = 14.0
NEVER = "never"


class TrashSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``[trash]``."""

    days: Annotated[float, msgspec.Meta(ge=0, le=36_500)] | Literal["never"] = KEPT_DAYS
    """Days after which the next removal empties it of something; ``never``: only on request."""


def kept_days(registry: Registry) -> float | None:
    """Return the days that the trash keeps things; ``None``: for ever.

    Raises:
        ConfigError: the table is invalid; names file, line and key.
    """
    table = registry.manager.get("trash", {})

    def where(path: str) -> str:
        key = f"trash.{path}".rstrip(".")
        line = line_of(registry.text, key)
        return f"{registry.path}:{line}: {key}" if line else f"{registry.path}: {key}"

    if not isinstance(table, Mapping):
        raise ConfigError(f"{where('')}: must be a table, as in [trash] and days = 14")
    days = convert(table, TrashSettings, where).days
    return None if days == NEVER else float(days)
