"""Parse ``key.path=value`` overrides, and ``"none"``, which unsets a key."""

import re
import tomllib
from typing import Any

from core.config.experiment import NOT_INHERITED, Experiment
from core.config.inheritance import Table
from core.config.strict import UNSET, field_type, is_optional, takes_array
from core.config.toml_text import TomlError, parse_toml
from core.errors import ConfigError

_BARE_POINT = re.compile(r"(?<![\w.])\d+\.(?![\d.])")
"""A number that ends in a point, such as ``1.`` or ``1.e-3``."""
_BARE_FRACTION = re.compile(r"(?<![\w.])(?P<sign>[+-]?)(?P<rest>\.\d)")
"""A number that begins with a point, such as ``.001``."""


def parse_override(text: str, kind: type[Experiment]) -> tuple[str, Table]:
    """Parse ``key.path=value`` into its path and the table that states it.

    For a setting that allows an array, ``a,b`` is one: ``hardware.gpu=H100,A100-80GB``.

    Args:
        text: the text to parse.
        kind: the type of the experiment.

    Raises:
        ConfigError: there is no ``=``, or the key is empty or cannot be overridden.
    """
    path, equals, value = text.partition("=")
    parts = [part.strip() for part in path.split(".")]
    if not equals or not all(parts):
        raise ConfigError(f"--set {text}: write key=value, such as training.batch_size=32")
    if parts[0] in ("name", "group", *NOT_INHERITED):
        raise ConfigError(
            f"--set {text}: {parts[0]!r} describes a version; change it in the registry"
        )
    if parts[0] == "task":
        raise ConfigError(
            f"--set {text}: a version has one task; `mabe new NAME --task TASK` begins one of another"
        )
    key = ".".join(parts)
    table: Any = _value(key, value.strip())
    if isinstance(table, str) and "," in table and takes_array(field_type(kind, key)):
        items = table.strip("[]").split(",")
        table = [_value(key, item.strip()) for item in items if item.strip()]
    for part in reversed(parts):
        table = {part: table}
    return ".".join(parts), table


def _value(path: str, value: str) -> Any:
    """Parse a value as TOML, also accepting ``.5`` and ``1.`` as numbers; anything else is plain text.

    Raises:
        ConfigError: it is a whole number beyond 64 bits, or nested too deeply.
    """
    with_zeros = _BARE_FRACTION.sub(r"\g<sign>0\g<rest>", _BARE_POINT.sub(r"\g<0>0", value))
    for spelling in dict.fromkeys((value, with_zeros)):
        try:
            table = parse_toml(f"value = {spelling}")
        except TomlError as error:
            if not isinstance(error.__cause__, tomllib.TOMLDecodeError):
                problem = str(error).partition(": ")[2] or str(error)
                raise ConfigError(f"--set {path}: {problem}") from error
        else:
            if table.keys() == {"value"}:  # a line break could start another key
                return table["value"]
    return value  # plain text needs no quotes on a command line


def without_unset(table: Table, kind: type[Experiment], prefix: str = "") -> Table:
    """Remove the keys whose value is ``"none"``, if they can be unset."""
    kept: Table = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            kept[key] = without_unset(value, kind, f"{path}.")
        elif value != UNSET or not is_optional(field_type(kind, path)):
            kept[key] = value
    return kept
