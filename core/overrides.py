"""``key.path=value`` as people type it, and ``"none"``, which unsets."""

import tomllib
from typing import Any

from core.errors import ConfigError
from core.experiment import NOT_INHERITED, Experiment
from core.inheritance import Table
from core.strict import UNSET, field_type, is_optional, takes_array


def parse_override(text: str) -> tuple[str, Table]:
    """Read ``key.path=value`` into its path and the table that states it.

    Where an array may stand, ``a,b`` is one: ``hardware.gpu=H100,A100-80GB``.

    Raises:
        ConfigError: there is no ``=``, or the key is empty or not an override's affair.
    """
    path, equals, value = text.partition("=")
    parts = [part.strip() for part in path.split(".")]
    if not equals or not all(parts):
        raise ConfigError(f"--set {text}: write key=value, such as training.batch_size=32")
    if parts[0] in ("name", *NOT_INHERITED):
        raise ConfigError(
            f"--set {text}: {parts[0]!r} describes a version; change it in the registry"
        )
    table: Any = _read_value(value.strip())
    if (
        isinstance(table, str)
        and "," in table
        and takes_array(field_type(Experiment, ".".join(parts)))
    ):
        table = [_read_value(item.strip()) for item in table.strip("[]").split(",") if item.strip()]
    for part in reversed(parts):
        table = {part: table}
    return ".".join(parts), table


def _read_value(text: str) -> Any:
    """Read a value as TOML does; plain text needs no quotes on a command line."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def without_unset(table: Table, prefix: str = "") -> Table:
    """Leave out the keys whose value is ``"none"``, where unsetting them is possible."""
    kept: Table = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            kept[key] = without_unset(value, f"{path}.")
        elif value != UNSET or not is_optional(field_type(Experiment, path)):
            kept[key] = value
    return kept
